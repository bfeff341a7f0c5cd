"""Calls of pools behind one form, and the jobs that they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.errors import UsageError, VerificationError
from mpbench.model import Case
from mpbench.workload import Body, BodyFactory, BodyResult, spin_loops, subsample
from mpbench.workloads.pool.tasks import burn, burn_all, burn_pair, echo, echo_all

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = (
    "CALLS",
    "COVERS",
    "Job",
    "burn_calls",
    "burn_job",
    "calling",
    "chunks_of",
    "echo_calls",
    "echo_job",
    "one_by_one",
    "repeating",
)


class Job(NamedTuple):
    """
    Numbered tasks in each form that a call of a pool wants.

    Args:
        one: Takes one item, for `map` and `imap`.
        star: Takes an item's parts, for `starmap` and `apply`.
        many: Takes a list of items: the chunk that users of `apply` make by hand.
        items: What `one` gets; each is a distinct object.
        starred: What `star` gets.
        expected: What comes back, in order.
    """

    one: Callable[[Any], Any]
    star: Callable[..., Any]
    many: Callable[[list[Any]], list[Any]]
    items: Sequence[Any]
    starred: Sequence[tuple[Any, ...]]
    expected: Sequence[int]


# pool, job, chunk size (0: the call's own default) -> results in the order of arrival.
Call = Callable[[Any, Job, int], "list[Any]"]


def echo_job(tasks: int) -> Job:
    """Return tasks that do nothing, so that the cost of the call remains."""
    numbers = list(range(tasks))
    return Job(echo, echo, echo_all, numbers, [(number,) for number in numbers], numbers)


def burn_job(tasks: int, task_us: float) -> Job:
    """Return tasks that keep a CPU busy for so many microseconds each, calibrated here."""
    loops = spin_loops(round(task_us * 1_000))
    pairs = [(loops, number) for number in range(tasks)]
    return Job(burn_pair, burn, burn_all, pairs, pairs, list(range(tasks)))


def chunks_of(items: Sequence[Any], size: int) -> list[list[Any]]:
    """Cut items into lists of at most *size*."""
    return [list(items[at : at + size]) for at in range(0, len(items), size)]


def _apply(pool: Any, job: Job, chunk_size: int) -> list[Any]:
    if chunk_size <= 1:
        return [pool.apply(job.star, arguments) for arguments in job.starred]
    parts = chunks_of(job.items, chunk_size)
    return [result for part in parts for result in pool.apply(job.many, (part,))]


def _apply_async(pool: Any, job: Job, chunk_size: int) -> list[Any]:
    if chunk_size <= 1:
        pending = [pool.apply_async(job.star, arguments) for arguments in job.starred]
        return [result.get() for result in pending]
    parts = chunks_of(job.items, chunk_size)
    pending = [pool.apply_async(job.many, (part,)) for part in parts]
    return [number for part in pending for number in part.get()]


CALLS: dict[str, Call] = {
    "map": lambda pool, job, size: pool.map(job.one, job.items, size or None),
    "map_async": lambda pool, job, size: pool.map_async(job.one, job.items, size or None).get(),
    "imap": lambda pool, job, size: list(pool.imap(job.one, job.items, size or 1)),
    "imap_unordered": lambda pool, job, size: list(
        pool.imap_unordered(job.one, job.items, size or 1)
    ),
    "starmap": lambda pool, job, size: pool.starmap(job.star, job.starred, size or None),
    "starmap_async": lambda pool, job, size: pool.starmap_async(
        job.star, job.starred, size or None
    ).get(),
    "apply": _apply,
    "apply_async": _apply_async,
}

# What a workload over the three main calls covers in every tier.
COVERS = ("IMapIterator.next", "Pool.imap", "Pool.map", "Pool.starmap")


def repeating(
    run: Callable[[], list[Any]], expected: Sequence[Any], what: str, *, in_order: bool = True
) -> Body:
    """
    Return a body: each iteration runs a whole job; an operation is one of its tasks.

    Args:
        run: Runs the job and returns its results, which are checked untimed.
        expected: What it should return.
        what: The name of the call, for the error.
        in_order: Whether the results come in the order of the tasks.
    """
    asked = len(expected)
    wanted = list(expected)

    def check(rounds: list[list[Any]]) -> int:
        for results in rounds:
            arrived = results if in_order else sorted(results)
            if arrived != wanted:
                right = sum(result == want for result, want in zip(arrived, wanted))
                raise VerificationError(
                    asked, right, f"{what} returned {len(arrived)} results for {asked} tasks"
                )
        return len(rounds) * asked

    def body(iterations: int, /) -> Callable[[], BodyResult]:
        rounds = [run() for _ in range(iterations)]
        return lambda: BodyResult(operations=check(rounds), asked=iterations * asked)

    return body


def calling(pool: Any, job: Job, call: str, chunk_size: int) -> Body:
    """
    Return a body that runs a job through one call of a pool.

    Args:
        pool: Anything with the calls of `multiprocessing.Pool`.
        job: The tasks.
        call: A name in `CALLS`.
        chunk_size: Tasks handed over at once; 0 for the call's own default.
    """
    if call not in CALLS:
        raise UsageError(f"a pool has no call {call!r}; one of {sorted(CALLS)}")
    run = CALLS[call]
    return repeating(
        lambda: run(pool, job, chunk_size), job.expected, call, in_order=call != "imap_unordered"
    )


def echo_calls(pool: Any) -> BodyFactory:
    """Return what binds tasks that do nothing to the parameters tasks, call and chunk_size."""

    def bind(case: Case) -> Body:
        job = echo_job(case.integer("tasks"))
        return calling(pool, job, case.text("call"), case.integer("chunk_size"))

    return bind


def burn_calls(pool: Any, tasks: int) -> Callable[[Case], tuple[Body, float]]:
    """Return what binds tasks of `task_us` to a call; it returns the body and that length."""
    jobs = {}

    def bind(case: Case) -> tuple[Body, float]:
        length = case.number("task_us")
        if length not in jobs:
            jobs[length] = burn_job(tasks, length) if length else echo_job(tasks)
        body = calling(pool, jobs[length], case.text("call"), case.integer("chunk_size"))
        return body, length

    return bind


def one_by_one(call: Callable[[int], int]) -> Body:
    """Return a body that hands over numbers one by one; *call* returns the same number."""

    def body(iterations: int, /) -> Callable[[], BodyResult]:
        latencies = []
        right = 0
        for number in range(iterations):
            started = monotonic_ns()
            result = call(number)
            latencies.append(monotonic_ns() - started)
            right += result == number

        def check() -> BodyResult:
            if right != iterations:
                raise VerificationError(iterations, right, "the pool returned a wrong result")
            return BodyResult(right, iterations, latencies_ns=subsample(latencies))

        return check

    return body
