"""Ends of a pool, and the replacement of its workers."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyFactory, Sweep, workload
from mpbench.workloads.pool.calls import one_by_one
from mpbench.workloads.pool.lifecycle import (
    abort,
    await_ready,
    expect,
    lifecycle_body,
    needs_two_workers,
    opened,
)
from mpbench.workloads.pool.tasks import doze, echo, say_ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext

__all__ = ("max_tasks_per_child", "shutdown")


@workload(
    "pool/max-tasks-per-child",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    covers=("Pool", "Pool.apply"),
    needs=needs_two_workers,
    deadline_s=120.0,
    # 0 stands for None: a worker is never replaced.
    max_tasks=Sweep((0,), (0, 1), (0, 1, 10, 100)),
    revision=2,
)
def max_tasks_per_child(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Apply empty tasks on a pool whose worker is replaced after some of them.

    Timed: `Pool.apply`, one after the other, on one worker; each sample
    contains the replacement of workers. Not timed:
    building the pool.

    Reads as: the mean cost of a task; the last percentiles show a task that
    waits for a new worker. With `max_tasks=1` each task needs a new process;
    with 0 workers are never replaced.
    """
    limit = case.integer("max_tasks")
    # Whole lifetimes of workers only, and several of them where they are short.
    tasks = limit * max(1, 4 // limit) if limit else 64

    with opened(lambda: context.Pool(1, maxtasksperchild=limit or None)) as pool:
        run = one_by_one(lambda number: pool.apply(echo, (number,)))
        # The first worker's start is not a replacement.
        run(1)
        yield lambda iterations: run(iterations * tasks)


def _close_and_join(pool: Any) -> int:
    pool.close()
    returned = monotonic_ns()
    pool.join()
    return returned


def _terminate(pool: Any) -> int:
    pool.terminate()
    returned = monotonic_ns()
    pool.join()
    return returned


def _leave_with(pool: Any) -> int:
    with pool:
        pass
    returned = monotonic_ns()
    pool.join()
    return returned


# What a busy pool still has to do: microseconds and numbers.
_LOAD = [(2_000, number) for number in range(16)]

_ENDINGS = {"close-join": _close_and_join, "terminate": _terminate, "with": _leave_with}


@workload(
    "pool/shutdown",
    metric=Metric.TIME,
    floor="floor/os-kill-wait",
    covers=("Pool.close", "Pool.join", "Pool.terminate"),
    facts={"call_return": Metric.TIME},
    body_params=("way", "load"),
    revision=2,
    needs=needs_two_workers,
    deadline_s=120.0,
    way=Sweep(("close-join",), ("close-join", "terminate"), ("close-join", "terminate", "with")),
    load=Sweep(("idle",), ("idle",), ("idle", "busy")),
)
def shutdown(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    End a pool of two workers.

    Timed: the ending and `join`, until all workers and threads are gone. The
    fact `call_return` is when `close`, `terminate` or the end of the `with`
    block returned. A pool with load `busy` has 16 tasks of 2 ms: `close`
    waits for them, which is verified, `terminate` and `with` do not. Not
    timed: building the pool, waiting until both workers are up, and collecting
    what the ended pool leaves.

    Reads as: what ending a pool costs; leaving a `with` block is `terminate`,
    not `close`.
    """
    here, there = context.Pipe(duplex=False)

    def once(way: str, *, busy: bool) -> tuple[int, Mapping[str, int]]:
        pool = context.Pool(2, say_ready, (there,))
        try:
            await_ready(here, 2)
            pending = pool.map_async(doze, _LOAD, 1) if busy else None
            started = monotonic_ns()
            returned = _ENDINGS[way](pool)
            gone = monotonic_ns()
        except BaseException:
            abort(pool)
            raise
        if pending is not None and way == "close-join":
            # join has returned, so every result is there.
            expect([number for _, number in _LOAD], pending.get(0), "tasks before the end")
        # A pool that was terminated with calls unanswered is in a cycle with
        # them; it holds descriptors until the collector, off in samples, runs.
        del pool, pending
        gc.collect()
        return gone - started, {"call_return": returned - started}

    def bind(case: Case) -> Body:
        way, busy = case.text("way"), case.text("load") == "busy"
        return lifecycle_body(lambda: once(way, busy=busy))

    with here, there:
        yield bind
