"""Calls of a `ThreadPool`, the control of a pool of processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, fixed, worker_counts, workload
from mpbench.workloads.pool.calls import CALLS, calling, echo_calls, one_by_one
from mpbench.workloads.pool.lifecycle import first_maps, lifecycle_body, opened_threads
from mpbench.workloads.pool.scaling import work_job
from mpbench.workloads.pool.tasks import echo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "thread_apply_round_trip",
    "thread_first_map",
    "thread_strong_scaling",
    "thread_task_overhead",
)

_ALL_CALLS = tuple(CALLS)
_COVERS = tuple(f"ThreadPool.{call}" for call in sorted(CALLS))


@workload(
    "pool/thread-first-map",
    metric=Metric.TIME,
    floor="floor/thread-start-join",
    covers=("ThreadPool", "ThreadPool.close", "ThreadPool.join", "ThreadPool.map"),
    by_method=False,
    facts={"construct_return": Metric.TIME, "later": Metric.TIME, "end": Metric.TIME},
    workers=Sweep((2,), (2,), (1, 2, 4, 8, 16)),
)
def thread_first_map(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Run a small map on a new thread pool, the same map again, and end the pool.

    Timed: from before `ThreadPool(workers)` to the results of the first map
    of 8 empty tasks in chunks of one. The facts are the constructor alone
    (`construct_return`), a second, equal map (`later`), and `close` and
    `join` (`end`).

    Reads as: the control of `pool/first-map` and `pool/shutdown`: what they
    cost more is the cost of processes.
    """
    from multiprocessing.pool import ThreadPool

    workers = case.integer("workers")
    yield lifecycle_body(first_maps(lambda: ThreadPool(workers)))


@workload(
    "pool/thread-task-overhead",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=_COVERS,
    by_method=False,
    body_params=("call", "chunk_size", "tasks"),
    call=Sweep(("map", "imap", "starmap"), _ALL_CALLS, _ALL_CALLS),
    # 0 is the call's own default.
    chunk_size=Sweep((1, 32), (1, 32), (0, 1, 2, 8, 32, 128)),
    tasks=Sweep((512,), (512,), (512, 10_000)),
    workers=fixed(2),
)
def thread_task_overhead(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run tasks that do nothing through one call of a warm `ThreadPool`.

    Timed: the call, from its arguments to the last of its results, divided by
    the number of tasks, as in `pool/task-overhead`. Not timed: starting the
    pool, comparing the results.

    Reads as: the control. It has the same handler threads and the same
    bookkeeping, but no pipe, no pickle and no process.
    """
    with opened_threads(case.integer("workers")) as pool:
        yield echo_calls(pool)


@workload(
    "pool/thread-apply-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/empty-call",
    covers=("ThreadPool.apply",),
    by_method=False,
)
def thread_apply_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to an idle `ThreadPool` and wait for its result.

    Timed: `ThreadPool.apply`: two hand-overs to the pool's handler threads
    and one each way between them and the worker. Not timed: starting the pool.

    Reads as: the part of `pool/apply-round-trip` that threads and their locks
    cost; the rest is pickle, pipes and the other process.
    """
    with opened_threads(2) as pool:
        yield one_by_one(lambda number: pool.apply(echo, (number,)))


@workload(
    "pool/thread-strong-scaling",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one worker, the curve's own first point, is the reference"),
    covers=("ThreadPool.map",),
    by_method=False,
    body_params=("work",),
    deadline_s=120.0,
    workers=worker_counts(),
    work=Sweep(("cpu",), ("cpu", "sleep"), ("cpu", "memory", "syscall", "sleep")),
)
def thread_strong_scaling(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Do a fixed amount of work, 96 tasks of 250 us in chunks of one, with more threads.

    Timed: `ThreadPool.map`, from its arguments to the last of its results,
    with the kinds of work of `pool/strong-scaling`. Not timed: starting the
    pool, comparing the results.

    Reads as: tasks a second against threads. With the interpreter lock `cpu`
    stays flat and `sleep` grows; a free-threaded build lets both grow.
    """
    with opened_threads(case.integer("workers")) as pool:
        yield lambda case: calling(pool, work_job(case.text("work"), 96, 250), "map", 1)
