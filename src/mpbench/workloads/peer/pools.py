"""Other pools with the tasks of `pool/task-overhead` and `pool/apply-round-trip`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, Needs, Sweep, Workload, fixed, workload
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

_BACKENDS = fixed("loky", "multiprocessing", "threading")
_MAP = fixed("map")
_MAP_SUBMIT = Sweep(("map",), ("map", "submit"), ("map", "submit"))
_BILLIARD_CALLS = Sweep(("map",), ("map", "imap", "starmap"), ("map", "imap", "starmap"))


class _Peer(NamedTuple):
    """
    One pool.

    Args:
        name: The workload's; that of the round trip has `-round-trip` after it.
        title: What the docs call it.
        opened: Opens it for a case.
        bulk: What is timed where many tasks are run.
        single: What is timed where one task is run.
        calls: The values of the parameter `call`.
        reads_as: What it is, for those who read the number.
        own: What `workload` is told of this pool alone.
    """

    name: str
    title: str
    opened: Callable[[BaseContext, Case], AbstractContextManager[PoolAdapter]]
    bulk: str
    single: str
    calls: Sweep
    reads_as: str
    own: dict[str, Any]


# loky and joblib start their workers in a way of their own, whatever the start method.
_THEIR_OWN = {"by_method": False}
_CALL = "the call, from its arguments to the last of its results"
_PROCESSES = {"needs": lambda _: Needs(processes=5, descriptors=64, semaphores=True)}
_PEERS = (
    _Peer(
        "concurrent-futures",
        "`ProcessPoolExecutor`",
        lambda context, _: opened_futures(context),
        _CALL,
        "`ProcessPoolExecutor.submit` and `Future.result`",
        _MAP_SUBMIT,
        "the standard library's other pool",
        _PROCESSES,
    ),
    _Peer(
        "loky",
        "`loky.ProcessPoolExecutor`",
        lambda *_: opened_loky(),
        _CALL,
        "`loky.ProcessPoolExecutor.submit` and `Future.result`",
        _MAP_SUBMIT,
        "a pool that recovers from dead workers and starts them in a way of its own",
        {**_PROCESSES, **_THEIR_OWN, "requires": ("loky",)},
    ),
    _Peer(
        "joblib",
        "`joblib.Parallel`",
        lambda _, case: opened_joblib(case.text("backend")),
        "one call of an open `Parallel`, from its generator of delayed calls to the last of its "
        "results; the chunk size is its `batch_size`",
        "one call of an open `joblib.Parallel` with one delayed call",
        _MAP,
        "joblib, for each of its backends",
        {**_PROCESSES, **_THEIR_OWN, "requires": ("joblib",), "backend": _BACKENDS},
    ),
    _Peer(
        "mpire",
        "`mpire.WorkerPool`",
        lambda _, case: opened_mpire(case.start),
        f"`map` on a pool that keeps its workers, {_CALL.partition(', ')[2]}",
        "`mpire.WorkerPool.apply`",
        _MAP,
        "mpire",
        {**_PROCESSES, "requires": ("mpire",)},
    ),
    _Peer(
        "billiard",
        "billiard's `Pool`",
        lambda _, case: opened_billiard(case.start),
        _CALL,
        "`apply` of billiard's `Pool`",
        _BILLIARD_CALLS,
        "the pool that Celery uses",
        {**_PROCESSES, "requires": ("billiard",)},
    ),
    _Peer(
        "threading",
        "two threads and two `queue.SimpleQueue`",
        lambda *_: opened_threads(),
        "putting all chunks, until the last result was taken",
        "a put and a get on two `queue.SimpleQueue`, with a thread between",
        _MAP,
        "threads and queues: the control of all pools, without processes and without a pool",
        _THEIR_OWN,
    ),
)


def _overhead(peer: _Peer) -> Workload:
    """Declare the workload that runs many tasks."""

    def set_up(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
        with peer.opened(context, case) as pool:

            def bind(case: Case) -> Body:
                return pool.bulk(case.text("call"), case.integer("chunk_size"))

            yield bind

    set_up.__doc__ = f"""
        Run 512 tasks that do nothing through {peer.title}.

        Timed: {peer.bulk}, divided by the tasks. Not timed: starting two workers.

        Reads as: `pool/task-overhead` of {peer.reads_as}.
        """
    return workload(
        f"peer/{peer.name}",
        metric=Metric.TIME,
        floor="floor/empty-call",
        tier=Tier.FULL,
        body_params=("call", "chunk_size"),
        **peer.own,
        call=peer.calls,
        chunk_size=Sweep((1, 32), (1, 32), (1, 8, 32, 128)),
    )(set_up)


def _round_trip(peer: _Peer) -> Workload:
    """Declare the workload that runs one task after the other."""

    def set_up(context: BaseContext, case: Case) -> Iterator[Body]:
        with peer.opened(context, case) as pool:
            yield pool.single

    set_up.__doc__ = f"""
        Hand one task that does nothing to {peer.title} and wait for its result.

        Timed: {peer.single}. Not timed: starting two workers.

        Reads as: `pool/apply-round-trip` of {peer.reads_as}.
        """
    return workload(
        f"peer/{peer.name}-round-trip",
        metric=Metric.ROUND_TRIP,
        floor="floor/empty-call" if peer.name == "threading" else "floor/os-pipe-round-trip",
        tier=Tier.FULL,
        **peer.own,
    )(set_up)


concurrent_futures, loky, joblib, mpire, billiard, threads = map(_overhead, _PEERS)
(
    concurrent_futures_round_trip,
    loky_round_trip,
    joblib_round_trip,
    mpire_round_trip,
    billiard_round_trip,
    threads_round_trip,
) = map(_round_trip, _PEERS)
