"""Opening and ending of pools without leaks or hangs, and bodies of whole life cycles."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case
from mpbench.workload import Body, BodyResult, Needs
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.pool.tasks import echo, say_ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.pool import Pool

__all__ = (
    "abort",
    "asking_body",
    "await_ready",
    "end",
    "expect",
    "first_maps",
    "lifecycle_body",
    "needs_two_workers",
    "needs_workers",
    "opened",
    "opened_threads",
    "ready_pool",
    "unanswered",
)


# How long an idle pool may take to forget its last call.
_PATIENCE_NS = 1_000_000_000


def needs_workers(case: Case) -> Needs:
    """Return what a pool with the case's number of workers takes from the machine."""
    workers = case.integer("workers")
    return Needs(processes=workers + 1, descriptors=16 + 4 * workers, semaphores=True)


def needs_two_workers(case: Case) -> Needs:
    """Return what a pool of two workers takes from the machine."""
    return Needs(processes=3, descriptors=32, semaphores=True)


def await_ready(ready: Connection, workers: int) -> None:
    """Wait until so many workers wrote the byte of `pool_tasks.say_ready`."""
    missing = workers
    while missing:
        missing -= len(os.read(ready.fileno(), missing))


def unanswered(pool: Any) -> int:
    """
    Return how many calls of a pool have no result yet.

    If the worker that had the task is dead, a join would never return. A pool
    forgets a call a moment after its result was there, so it is given a second.
    """
    waiting = getattr(pool, "_cache", ())
    until = monotonic_ns() + _PATIENCE_NS
    while len(waiting) and monotonic_ns() < until:
        # Lets the pool's own threads run.
        time.sleep(0)
    return len(waiting)


def abort(pool: Any) -> None:
    """End a pool whatever its workers do."""
    pool.terminate()
    pool.join()


def end(pool: Any) -> None:
    """End an idle pool; a WorkloadError says that a call or a worker did not end well."""
    missing = unanswered(pool)
    if missing:
        abort(pool)
        raise WorkloadError(f"expected every call to be answered, found {missing} without result")
    workers = tuple(getattr(pool, "_pool", ()))
    pool.close()
    pool.join()
    codes = [worker.exitcode for worker in workers]
    if any(codes):
        raise WorkloadError(f"expected exit code 0 from each worker, found {codes}")


@contextmanager
def opened(make: Callable[[], Pool]) -> Iterator[Pool]:
    """Keep the pool that *make* builds: end it when idle, terminate it after a failure."""
    pool = make()
    try:
        yield pool
    except BaseException:
        abort(pool)
        raise
    end(pool)


def opened_threads(workers: int) -> AbstractContextManager[Pool]:
    """Return an open `ThreadPool`, closed and joined at the end."""
    from multiprocessing.pool import ThreadPool

    return opened(lambda: ThreadPool(workers))


@contextmanager
def ready_pool(context: BaseContext, workers: int) -> Iterator[Pool]:
    """
    Keep a pool open whose workers are all up.

    Without the wait the first call contains the start of the workers, and a
    calibration that meets it chooses far too few iterations.
    """
    here, there = context.Pipe(duplex=False)
    with here, there, opened(lambda: context.Pool(workers, say_ready, (there,))) as pool:
        await_ready(here, workers)
        yield pool


def expect(wanted: object, result: object, what: str) -> None:
    """Compare what a pool returned with what it should have; a difference is a WorkloadError."""
    if wanted != result:
        raise WorkloadError(f"{what}: expected {wanted!r:.200}, found {result!r:.200}")


def asking_body(ask: Callable[[], Any], wanted: object) -> Body:
    """Return a body that makes one call over and over, whose answer must be the wanted one."""
    return unrolled_body("answer = ask()", {"ask": ask}, lambda answer: answer == wanted)


def first_maps(
    make: Callable[[], Pool], *facts: str
) -> Callable[[], tuple[int, Mapping[str, int]]]:
    """
    Return what makes a pool, runs two equal maps of 8 tasks on it, and ends it.

    Args:
        make: Builds the pool.
        facts: Which facts to return; all where none is named.
    """
    numbers = list(range(8))

    def once() -> tuple[int, Mapping[str, int]]:
        started = monotonic_ns()
        with opened(make) as pool:
            returned = monotonic_ns()
            results = pool.map(echo, numbers, 1)
            first = monotonic_ns()
            again = pool.map(echo, numbers, 1)
            later = monotonic_ns()
        ended = monotonic_ns()
        expect((numbers, numbers), (results, again), "two maps of 8 tasks")
        times = {"construct_return": returned - started, "later": later - first}
        times["end"] = ended - later
        return first - started, {name: times[name] for name in facts or times}

    return once


def lifecycle_body(
    once: Callable[[], tuple[int, Mapping[str, int]]], *, operations: int = 1
) -> Body:
    """
    Return a body whose iteration is a whole life cycle that reads the clock itself.

    Args:
        once: Runs the cycle; returns the timed nanoseconds, and those of each fact.
        operations: Operations in one cycle; the facts are divided among them.
    """

    def body(iterations: int, /) -> BodyResult:
        elapsed = 0
        sums: dict[str, float] = {}
        for _ in range(iterations):
            spent, facts = once()
            elapsed += spent
            for name, value in facts.items():
                sums[name] = sums.get(name, 0.0) + value
        count = iterations * operations
        means = {name: value / count for name, value in sums.items()}
        return BodyResult(operations=count, asked=count, elapsed_ns=elapsed, facts=means)

    return body
