"""Calls and first use of `ProcessPoolExecutor`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, fixed, workload
from mpbench.workloads.pool.calls import chunks_of, one_by_one, repeating
from mpbench.workloads.pool.lifecycle import (
    expect,
    lifecycle_body,
    needs_two_workers,
    needs_workers,
)
from mpbench.workloads.pool.tasks import echo, echo_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Executor
    from multiprocessing.context import BaseContext

__all__ = (
    "COVERS",
    "executor",
    "executor_first_map",
    "executor_round_trip",
    "opened_executor",
    "submitting",
)

# What a workload covers that submits tasks to an executor.
COVERS = ("Future", "Future.result", "ProcessPoolExecutor", "ProcessPoolExecutor.submit")


@contextmanager
def opened_executor(context: BaseContext, workers: int, **options: Any) -> Iterator[Executor]:
    """Keep an executor open; a WorkloadError says that a worker did not exit with 0."""
    # Imported here: it brings logging with it, which no other pool needs.
    from concurrent.futures import ProcessPoolExecutor

    pool = ProcessPoolExecutor(workers, mp_context=context, **options)
    processes: tuple[Any, ...] = ()
    try:
        yield pool
        processes = tuple((getattr(pool, "_processes", None) or {}).values())
    finally:
        pool.shutdown(wait=True)
    codes = [process.exitcode for process in processes]
    if any(codes):
        raise WorkloadError(f"expected exit code 0 from each worker, found {codes}")


def submitting(pool: Any, tasks: int, *, call: str, chunk_size: int) -> Body:
    """
    Return a body that runs numbered tasks that do nothing through an executor.

    Args:
        pool: Anything with the calls of `concurrent.futures.Executor`.
        tasks: How many in one iteration.
        call: `map`, or `submit` with chunks made by hand.
        chunk_size: Tasks handed over at once.
    """
    numbers = list(range(tasks))
    if call == "map":
        return repeating(lambda: list(pool.map(echo, numbers, chunksize=chunk_size)), numbers, call)
    if chunk_size > 1:
        parts = chunks_of(numbers, chunk_size)

        def by_hand() -> list[Any]:
            pending = [pool.submit(echo_all, part) for part in parts]
            return [number for part in pending for number in part.result()]

        return repeating(by_hand, numbers, call)
    return repeating(
        lambda: [task.result() for task in [pool.submit(echo, n) for n in numbers]], numbers, call
    )


@workload(
    "pool/executor",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=(*COVERS, "ProcessPoolExecutor.map"),
    by_method=False,
    body_params=("call", "chunk_size"),
    needs=needs_workers,
    call=Sweep(("map",), ("map", "submit"), ("map", "submit")),
    chunk_size=Sweep((1, 32), (1, 32), (1, 2, 8, 32, 128)),
    workers=fixed(2),
)
def executor(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run 512 tasks that do nothing through a warm `ProcessPoolExecutor`.

    Timed: `map` with the chunk size, or `submit` and `Future.result` for each
    chunk, a list made by hand where it is larger than one; from the arguments
    to the last of the results, divided by the tasks. Not timed: starting the
    executor, comparing the results.

    Reads as: `pool/task-overhead` of an executor, which has a future for each
    chunk, and one thread that moves both tasks and results.
    """
    with opened_executor(context, case.integer("workers")) as pool:
        list(pool.map(echo, range(64)))
        yield lambda case: submitting(
            pool, 512, call=case.text("call"), chunk_size=case.integer("chunk_size")
        )


@workload(
    "pool/executor-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    covers=COVERS,
    by_method=False,
    needs=needs_two_workers,
)
def executor_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hand one task that does nothing to an idle executor and wait for its result.

    Timed: `ProcessPoolExecutor.submit` and `Future.result`. Not timed:
    starting the executor.

    Reads as: `pool/apply-round-trip` of the other pool of the standard library.
    """
    with opened_executor(context, 2) as pool:
        list(pool.map(echo, range(64)))
        yield one_by_one(lambda number: pool.submit(echo, number).result())


@workload(
    "pool/executor-first-map",
    metric=Metric.TIME,
    floor=NoFloor("each worker is a start; one is process/start-to-join, which has a floor"),
    covers=("ProcessPoolExecutor", "ProcessPoolExecutor.map", "ProcessPoolExecutor.shutdown"),
    facts={"construct_return": Metric.TIME, "later": Metric.TIME, "end": Metric.TIME},
    own_agent=True,
    revision=3,
    needs=needs_workers,
    workers=fixed(2),
)
def executor_first_map(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Run a small map on a new executor, the same map again, and shut it down.

    Timed: from before `ProcessPoolExecutor(workers)` to the results of the
    first map of 8 empty tasks. The facts are the constructor alone
    (`construct_return`), a second, equal map (`later`), and `shutdown` until
    the workers are gone (`end`).

    Reads as: `pool/first-map` and `pool/shutdown` of an executor. The
    constructor starts no process; the first tasks do.
    """
    workers = case.integer("workers")
    numbers = list(range(8))

    def once() -> tuple[int, Mapping[str, int]]:
        started = monotonic_ns()
        with opened_executor(context, workers) as pool:
            returned = monotonic_ns()
            results = list(pool.map(echo, numbers))
            first = monotonic_ns()
            again = list(pool.map(echo, numbers))
            later = monotonic_ns()
        ended = monotonic_ns()
        expect((numbers, numbers), (results, again), "two maps of 8 tasks")
        facts = {"construct_return": returned - started, "later": later - first}
        return first - started, {**facts, "end": ended - later}

    once()
    yield lifecycle_body(once)
