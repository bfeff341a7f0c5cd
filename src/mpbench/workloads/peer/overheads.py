"""What other pools add to each task: the same job as `pool/task-overhead`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, Needs, Sweep, fixed, workload
from mpbench.workloads.peer.adapters import (
    PoolAdapter,
    opened_billiard,
    opened_futures,
    opened_joblib,
    opened_loky,
    opened_mpire,
    opened_threads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from multiprocessing.context import BaseContext

__all__ = ("billiard", "concurrent_futures", "joblib", "loky", "mpire", "threads")

_CHUNKS = Sweep((1, 32), (1, 32), (1, 8, 32, 128))
_MAP = fixed("map")
# loky and joblib have a start of their own; they say themselves what they do.
_NEEDS = Needs(processes=5, descriptors=64, semaphores=True)


def _bulk(opening: AbstractContextManager[PoolAdapter]) -> Iterator[BodyFactory]:
    """Serve the cases of one peer."""
    with opening as peer:

        def bind(one: Case) -> Body:
            return peer.bulk(one.text("call"), one.integer("chunk_size"))

        yield bind


@workload(
    "peer/concurrent-futures",
    metric=Metric.TIME,
    floor="floor/empty-call",
    tier=Tier.FULL,
    body_params=("call", "chunk_size"),
    needs=lambda _: _NEEDS,
    call=Sweep(("map",), ("map", "submit"), ("map", "submit")),
    chunk_size=_CHUNKS,
)
def concurrent_futures(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through `ProcessPoolExecutor`.

    Timed: the call, from its arguments to the last of its results, divided by
    the tasks. Not timed: starting two workers.

    Reads as: `pool/task-overhead` of the standard library's other pool, in
    the table of the peers.
    """
    del case
    yield from _bulk(opened_futures(context))


@workload(
    "peer/loky",
    metric=Metric.TIME,
    floor="floor/empty-call",
    by_method=False,
    tier=Tier.FULL,
    body_params=("call", "chunk_size"),
    requires=("loky",),
    needs=lambda _: _NEEDS,
    call=Sweep(("map",), ("map", "submit"), ("map", "submit")),
    chunk_size=_CHUNKS,
)
def loky(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through `loky.ProcessPoolExecutor`.

    Timed: the call, from its arguments to the last of its results, divided by
    the tasks. Not timed: starting two workers, which loky does in a way of
    its own.

    Reads as: `pool/task-overhead` of a pool that recovers from dead workers.
    """
    del context, case
    yield from _bulk(opened_loky())


@workload(
    "peer/joblib",
    metric=Metric.TIME,
    floor="floor/empty-call",
    by_method=False,
    tier=Tier.FULL,
    body_params=("call", "chunk_size"),
    requires=("joblib",),
    needs=lambda _: _NEEDS,
    backend=fixed("loky", "multiprocessing", "threading"),
    call=_MAP,
    chunk_size=_CHUNKS,
)
def joblib(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through `joblib.Parallel`.

    Timed: one call of an open `Parallel`, from its generator of delayed calls
    to the last of its results, divided by the tasks; the chunk size is its
    `batch_size`. Not timed: starting two workers.

    Reads as: `pool/task-overhead` of joblib, for each of its backends.
    """
    del context
    yield from _bulk(opened_joblib(case.text("backend")))


@workload(
    "peer/mpire",
    metric=Metric.TIME,
    floor="floor/empty-call",
    tier=Tier.FULL,
    body_params=("call", "chunk_size"),
    requires=("mpire",),
    needs=lambda _: _NEEDS,
    call=_MAP,
    chunk_size=_CHUNKS,
)
def mpire(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through `mpire.WorkerPool.map`.

    Timed: the call on a pool that keeps its workers, from its arguments to
    the last of its results, divided by the tasks. Not timed: starting two
    workers.

    Reads as: `pool/task-overhead` of mpire.
    """
    del context
    yield from _bulk(opened_mpire(case.start))


@workload(
    "peer/billiard",
    metric=Metric.TIME,
    floor="floor/empty-call",
    tier=Tier.FULL,
    body_params=("call", "chunk_size"),
    requires=("billiard",),
    needs=lambda _: _NEEDS,
    call=Sweep(("map",), ("map", "imap", "starmap"), ("map", "imap", "starmap")),
    chunk_size=_CHUNKS,
)
def billiard(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through billiard's `Pool`.

    Timed: the call, from its arguments to the last of its results, divided by
    the tasks. Not timed: starting two workers.

    Reads as: `pool/task-overhead` of the pool that Celery uses.
    """
    del context
    yield from _bulk(opened_billiard(case.start))


@workload(
    "peer/threading",
    metric=Metric.TIME,
    floor="floor/empty-call",
    by_method=False,
    tier=Tier.FULL,
    body_params=("call", "chunk_size"),
    call=_MAP,
    chunk_size=_CHUNKS,
)
def threads(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through two threads and two `queue.SimpleQueue`.

    Timed: putting all chunks, until the last result was taken, divided by the
    tasks. Not timed: starting the threads.

    Reads as: the control of all pools: the same job without processes and
    without a pool.
    """
    del context, case
    yield from _bulk(opened_threads())
