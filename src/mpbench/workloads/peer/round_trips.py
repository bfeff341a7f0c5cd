"""How soon other pools answer: the same task as `pool/apply-round-trip`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, Needs, fixed, workload
from mpbench.workloads.peer.adapters import (
    opened_billiard,
    opened_futures,
    opened_joblib,
    opened_loky,
    opened_mpire,
    opened_threads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "billiard_round_trip",
    "concurrent_futures_round_trip",
    "joblib_round_trip",
    "loky_round_trip",
    "mpire_round_trip",
    "threads_round_trip",
)

_NEEDS = Needs(processes=5, descriptors=64, semaphores=True)


@workload(
    "peer/concurrent-futures-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    tier=Tier.FULL,
    needs=lambda _: _NEEDS,
)
def concurrent_futures_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to `ProcessPoolExecutor` and wait for its result.

    Timed: `ProcessPoolExecutor.submit` and `Future.result`.
    Not timed: starting two workers.

    Reads as: `pool/apply-round-trip` of `ProcessPoolExecutor`.
    """
    del case
    with opened_futures(context) as peer:
        yield peer.single


@workload(
    "peer/loky-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    by_method=False,
    tier=Tier.FULL,
    requires=("loky",),
    needs=lambda _: _NEEDS,
)
def loky_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to loky and wait for its result.

    Timed: `loky.ProcessPoolExecutor.submit` and `Future.result`.
    Not timed: starting two workers.

    Reads as: `pool/apply-round-trip` of loky.
    """
    del context, case
    with opened_loky() as peer:
        yield peer.single


@workload(
    "peer/joblib-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    by_method=False,
    tier=Tier.FULL,
    requires=("joblib",),
    needs=lambda _: _NEEDS,
    backend=fixed("loky", "multiprocessing", "threading"),
)
def joblib_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to joblib and wait for its result.

    Timed: one call of an open `joblib.Parallel` with one delayed call.
    Not timed: starting two workers.

    Reads as: `pool/apply-round-trip` of joblib.
    """
    del context
    with opened_joblib(case.text("backend")) as peer:
        yield peer.single


@workload(
    "peer/mpire-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    tier=Tier.FULL,
    requires=("mpire",),
    needs=lambda _: _NEEDS,
)
def mpire_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to mpire and wait for its result.

    Timed: `mpire.WorkerPool.apply`.
    Not timed: starting two workers.

    Reads as: `pool/apply-round-trip` of mpire.
    """
    del context
    with opened_mpire(case.start) as peer:
        yield peer.single


@workload(
    "peer/billiard-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    tier=Tier.FULL,
    requires=("billiard",),
    needs=lambda _: _NEEDS,
)
def billiard_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to billiard and wait for its result.

    Timed: `apply` of billiard's `Pool`.
    Not timed: starting two workers.

    Reads as: `pool/apply-round-trip` of billiard.
    """
    del context
    with opened_billiard(case.start) as peer:
        yield peer.single


@workload(
    "peer/threading-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/empty-call",
    by_method=False,
    tier=Tier.FULL,
)
def threads_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to two threads and two queues and wait for its result.

    Timed: a put and a get on two `queue.SimpleQueue`, with a thread between.
    Not timed: starting two workers.

    Reads as: `pool/apply-round-trip` of two threads and two queues.
    """
    del context, case
    with opened_threads() as peer:
        yield peer.single
