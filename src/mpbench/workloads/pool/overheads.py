"""Overheads of pool tasks by call, chunk size, worker count and task length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    NoFloor,
    Sweep,
    fixed,
    worker_counts,
    workload,
)
from mpbench.workloads.pool.calls import CALLS, COVERS, burn_calls, echo_calls, one_by_one
from mpbench.workloads.pool.lifecycle import needs_two_workers, needs_workers, ready_pool
from mpbench.workloads.pool.tasks import echo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("apply_round_trip", "call_scaling", "chunk_surface", "task_overhead")

_ALL_CALLS = tuple(CALLS)


@workload(
    "pool/task-overhead",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=COVERS,
    tier=Tier.QUICK,
    body_params=("call", "chunk_size", "tasks"),
    needs=needs_workers,
    call=Sweep(("map", "imap", "starmap"), _ALL_CALLS, _ALL_CALLS),
    # 0 is the call's own default.
    chunk_size=Sweep((1, 32), (1, 32), (0, 1, 2, 8, 32, 128)),
    tasks=Sweep((512,), (512,), (512, 10_000)),
    workers=fixed(2),
)
def task_overhead(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run tasks that do nothing through one call of a warm pool.

    Timed: the call, from its arguments to the last of its results, divided by
    the number of tasks. `apply` and `apply_async` take one task at a time;
    for a chunk size above 1 the chunk is made by hand, a list in one task.
    Chunk size 0 is the call's own default. Not timed: starting the pool,
    comparing the results.

    Reads as: what a task costs before it does any work. A task should last
    much longer, or be sent in larger chunks: in chunks of one each task pays a
    message each way.
    """
    with ready_pool(context, case.integer("workers")) as pool:
        yield echo_calls(pool)


@workload(
    "pool/call-scaling",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one worker, the curve's own first point, is the reference"),
    by_method=False,
    covers=COVERS,
    body_params=("call", "chunk_size", "task_us"),
    needs=needs_workers,
    deadline_s=120.0,
    call=Sweep(("map", "imap", "starmap"), ("map", "imap", "starmap"), _ALL_CALLS),
    chunk_size=Sweep((1,), (1, 32), (0, 1, 32)),
    task_us=Sweep((100,), (100,), (0, 100, 1_000)),
    workers=worker_counts(),
)
def call_scaling(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run the same 192 short tasks through one call, over worker counts and chunk sizes.

    Timed: the call, from its arguments to the last of its results. A task
    keeps a CPU busy for `task_us`, calibrated in the parent; 0 is a task that
    does nothing. Chunk size 0 is the call's own default. Not timed: starting
    the pool, comparing the results.

    Reads as: tasks a second through the pool. Where more workers do not help,
    the parent's handler threads, which pickle and unpickle for all workers,
    are the limit, or the chunks are too few for all workers; larger chunks
    lift the first limit and cause the second.
    """
    with ready_pool(context, case.integer("workers")) as pool:
        bind = burn_calls(pool, 192)
        yield lambda case: bind(case)[0]


def _surface_body(run: Body, *, ideal_ns: float) -> Body:
    """Add the efficiency to what a body returns; *ideal_ns* is the best time of a task."""

    def body(iterations: int, /) -> Callable[[], BodyResult]:
        started = monotonic_ns()
        check = run(iterations)
        elapsed = monotonic_ns() - started

        def settled() -> BodyResult:
            assert callable(check)
            done = check()
            assert isinstance(done, BodyResult)
            efficiency = done.operations * ideal_ns / elapsed
            facts = {"efficiency": efficiency, "per_task": elapsed / done.operations}
            return done._replace(facts=facts)

        return settled

    return body


@workload(
    "pool/chunk-surface",
    metric=Metric.EFFICIENCY,
    floor=NoFloor("the reading is a share of what two perfect workers would do"),
    covers=("Pool.map",),
    by_method=False,
    facts={"efficiency": Metric.EFFICIENCY, "per_task": Metric.TIME},
    body_params=("call", "chunk_size", "task_us"),
    needs=needs_workers,
    deadline_s=180.0,
    call=Sweep(("map",), ("map",), ("map", "imap_unordered")),
    chunk_size=Sweep((1,), (0, 1, 32), (0, 1, 2, 8, 32, 128)),
    task_us=Sweep((100,), (10, 100), (1, 10, 100, 1_000, 10_000)),
    workers=fixed(2),
)
def chunk_surface(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 256 tasks of a known length in chunks of a known size on two workers.

    Timed: one call of the pool, from its arguments to the last of its
    results. Not timed: starting the pool, calibrating the length of a task.

    Reads as: the efficiency is the time that two perfect workers would need,
    tasks times their length over two, as a share of the time that was needed.
    The shortest task that reaches 0.5 or 0.9 at a chunk size is the shortest
    worth sending. The length is calibrated on one busy CPU; the rest contains
    what two busy CPUs take from each other.
    """
    workers = case.integer("workers")
    with ready_pool(context, workers) as pool:
        run_of = burn_calls(pool, 256)

        def bind(case: Case) -> Body:
            run, length = run_of(case)
            return _surface_body(run, ideal_ns=length * 1_000 / workers)

        yield bind


@workload(
    "pool/apply-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    covers=("Pool.apply",),
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("call",),
    needs=needs_two_workers,
    call=Sweep(("apply",), ("apply", "apply_async"), ("apply", "apply_async")),
)
def apply_round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Hand one task that does nothing to an idle warm pool and wait for its result.

    Timed: `Pool.apply`, or `Pool.apply_async` and `AsyncResult.get`: two
    messages, and in the parent two hand-overs between threads. Not timed:
    starting the pool.

    Reads as: the least time in which a pool can answer. Against the floor it
    shows what the pool's handler threads, its locks and pickle add to a pipe.
    """
    with ready_pool(context, 2) as pool:

        def apply(number: int) -> int:
            return pool.apply(echo, (number,))

        def apply_async(number: int) -> int:
            return pool.apply_async(echo, (number,)).get()

        yield lambda case: one_by_one(apply if case.text("call") == "apply" else apply_async)
