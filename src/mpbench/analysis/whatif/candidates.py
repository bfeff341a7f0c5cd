"""The changes that are looked at for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.whatif import changes
from mpbench.analysis.whatif.model import ClosePool, MakePool, Send, Work
from mpbench.analysis.whatif.prediction import Change

if TYPE_CHECKING:
    from mpbench.analysis.whatif.costs import Costs
    from mpbench.analysis.whatif.model import Program

__all__ = ("Candidate", "candidates", "handing_share")

# Below this a message is not worth a change.
_LARGE_BYTES = 16_384
# Numbers of workers, or chunk sizes, that are looked at.
_MOST_VALUES = 8
# Tasks that use a CPU for less than this share of their time run beside each other as threads.
_IDLE_SHARE = 0.05
# Where handing over takes more of the time, the number of workers decides little.
_MOST_HANDING = 0.3
# A part of the program that is shorter than this is not worth a line.
_LEAST_S = 1e-3

Made = Callable[["Program", "Costs | None"], "Program"]


class Candidate(NamedTuple):
    """
    A change: how the program would be with it, or why that cannot be said.

    `make` gets the program and the costs with values drawn from their intervals.
    """

    change: Change
    setting: str | None
    words: str
    assumption: str
    make: Made | None
    withheld: str | None = None
    place: str = ""


def _place(program: Program) -> str:
    return next((pool.place for pool in program.pools.values() if pool.place), "")


def _methods(program: Program, costs: Costs | None, load: float) -> Iterator[Candidate]:
    present = {pool.method for pool in program.pools.values()}
    present |= {script.method for script in program.scripts.values() if script.method}
    if not present:
        return
    if costs is None:
        yield Candidate(
            Change.METHOD, None, "another start method", "", None,
            "what a start costs could not be measured with its interpreter",
        )  # fmt: skip
        return
    for method in sorted(costs.starts):
        if present == {method}:
            continue

        def make(one: Program, drawn: Costs | None, method: str = method) -> Program:
            return one if drawn is None else changes.with_method(one, method, drawn, load)

        yield Candidate(
            Change.METHOD,
            f"method!={method}",
            f"start method {method} instead of {', '.join(sorted(present))}",
            "the program works with it, and a child imports what the first process had imported"
            if method != "fork"
            else "the program works with it, and nothing else holds its threads back",
            make,
            place=_place(program),
        )


def handing_share(program: Program) -> float:
    """Return the share of the workers' time in which chunks are handed over."""
    own = handed = 0.0
    for job in program.jobs.values():
        pool = program.pools[job.pool]
        chunks = -(-len(job.items) // job.chunk_size)
        cost = pool.hand.plus(pool.take)
        handed += chunks * (cost.cpu_s + program.outside * cost.queue_s)
        own += sum(item.cpu_s + item.idle_s for item in job.items)
    return handed / (own + handed) if handed else 0.0


def _counts(cpus: int) -> list[int]:
    """Return numbers of workers from 1 to twice the CPUs, the outer ones always."""
    every = list(range(1, 2 * cpus + 1))
    if len(every) <= _MOST_VALUES:
        return every
    step = (len(every) - 1) / (_MOST_VALUES - 1)
    return sorted({every[round(step * number)] for number in range(_MOST_VALUES)} | {cpus})


def _workers(program: Program) -> Iterator[Candidate]:
    present = {pool.workers for pool in program.pools.values()}
    if not present:
        return
    reason = None
    if handing_share(program) > _MOST_HANDING:
        reason = (
            "its tasks take less time than it takes to hand them over, and how workers hinder each "
            "other at that is not simulated"
        )
    now = ", ".join(map(str, sorted(present)))
    for count in _counts(program.cpus):
        if present == {count}:
            continue

        def make(one: Program, _: Costs | None, count: int = count) -> Program:
            return changes.with_workers(one, count)

        yield Candidate(
            Change.WORKERS,
            f"workers={count}",
            f"{'1 worker' if count == 1 else f'{count} workers'} instead of {now}",
            "a task takes as much CPU time beside others as it did; caches and memory are not "
            "simulated",
            None if reason else make,
            reason,
            place=_place(program),
        )


def _chunk_sizes(program: Program) -> Iterator[Candidate]:
    maps = [job for job in program.jobs.values() if job.has_chunk_size and job.items]
    if not maps:
        return
    longest = max(maps, key=lambda job: len(job.items))
    workers = program.pools[longest.pool].workers
    calls, present = len(longest.items), {job.chunk_size for job in maps}
    size = longest.chunk_size
    sizes = {
        1, size // 4, size * 4, changes.default_chunk_size(calls, workers), -(-calls // workers),
        -(-calls // (workers * 16)),
    }  # fmt: skip
    is_large = any(pool.chunk_bytes >= _LARGE_BYTES for pool in program.pools.values())
    for new in sorted(one for one in sizes if 1 <= one <= max(1, -(-calls // workers))):
        if present == {new}:
            continue

        def make(one: Program, _: Costs | None, new: int = new) -> Program:
            return changes.with_chunk_size(one, new)

        yield Candidate(
            Change.CHUNK_SIZE,
            f"chunk_size={new}",
            f"chunk size {new} instead of {', '.join(map(str, sorted(present)))}",
            "each call takes as long as it did, whatever came before it",
            None if is_large else make,
            "whether its large messages grow with the chunk is not recorded" if is_large else None,
            place=longest.place,
        )


def _pools(program: Program) -> Iterator[Candidate]:
    if any(pool.max_tasks for pool in program.pools.values()):
        yield Candidate(
            Change.MAX_TASKS,
            "max_tasks=none",
            "workers that are never replaced",
            "nothing grows in a worker that its replacement gave back",
            lambda one, _: changes.without_max_tasks(one),
            place=_place(program),
        )
    if any(len(job.items) > program.pools[job.pool].workers for job in program.jobs.values()):
        yield Candidate(
            Change.LONGEST_FIRST,
            None,
            "the longest calls of each job first",
            "which calls are long is known before, and their order does not matter",
            lambda one, _: changes.longest_first(one),
            place=next((job.place for job in program.jobs.values() if job.place), ""),
        )
    if len(program.pools) > 1:
        yield _one_pool(program)


def _one_pool(program: Program) -> Candidate:
    alive, overlap = 0, False
    for op in program.scripts["main"].ops:
        if isinstance(op, MakePool):
            alive += 1
        elif isinstance(op, ClosePool):
            alive -= 1
        overlap = overlap or alive > 1
    kinds = {pool.is_executor for pool in program.pools.values()}
    reason = None
    if overlap:
        reason = "its pools are used at the same time"
    elif len(kinds) > 1:
        reason = "it has pools and executors"
    return Candidate(
        Change.ONE_POOL,
        None,
        f"one pool instead of {len(program.pools)}",
        "what later pools inherit can be handed over with their tasks",
        None if reason else lambda one, _: changes.one_pool(one),
        reason,
        place=_place(program),
    )


def _messages(program: Program, costs: Costs | None) -> Iterator[Candidate]:
    pools = [pool for pool in program.pools.values() if pool.chunk_bytes >= _LARGE_BYTES]
    sends = any(
        isinstance(op, Send) and op.payload_bytes >= _LARGE_BYTES
        for script in program.scripts.values()
        for op in script.ops
    )
    if not pools and not sends:
        return
    is_known = costs is not None or not pools
    yield Candidate(
        Change.HALF_MESSAGES,
        None,
        "messages of half the size",
        "the time for a message grows with its bytes",
        (lambda one, _: changes.half_messages(one)) if is_known else None,
        None if is_known else "what a byte costs could not be measured with its interpreter",
    )
    if pools and costs is not None:
        yield Candidate(
            Change.SHARED_MEMORY,
            None,
            "large messages through shared memory",
            "data is copied into shared memory once for each message, and used where it is",
            lambda one, drawn: one if drawn is None else changes.shared_memory(one, drawn),
        )


def _parts(program: Program) -> Iterator[Candidate]:
    lock, seconds = changes.longest_held(program)
    if seconds >= _LEAST_S:
        place = program.places.get(lock, "")
        yield Candidate(
            Change.SHORTER_LOCK,
            None,
            f"the lock{' of ' + place if place else ''} held half as long",
            "what is done under the lock is halved, not moved",
            lambda one, _: changes.shorter_lock(one, lock),
            place=place,
        )
    module, spent = program.heavy_import
    if spent >= _LEAST_S:
        yield Candidate(
            Change.NO_IMPORT,
            None,
            f"children that do not import {module}",
            "no task needs it",
            lambda one, _: changes.without_import(one, spent),
        )
    serial = sum(
        op.cost.cpu_s + op.cost.idle_s
        for op in program.scripts["main"].ops
        if isinstance(op, Work) and op.is_serial
    )
    if serial >= _LEAST_S:
        yield Candidate(
            Change.SERIAL_HALVED,
            None,
            "half of the first process's own work",
            "imports and waits stay as they are",
            lambda one, _: changes.halved_serial(one),
        )


def _instead(program: Program) -> Iterator[Candidate]:
    items = [item for job in program.jobs.values() for item in job.items]
    spent = sum(item.cpu_s + item.idle_s for item in items)
    if not items or not spent:
        return
    share = sum(item.cpu_s for item in items) / spent
    reason = (
        f"its tasks compute for {share:.0%} of their time, and the interpreter lock lets one "
        "thread compute at a time; whether C code or a build without that lock changes this was "
        "not seen"
    )
    is_idle = share < _IDLE_SHARE
    yield Candidate(
        Change.THREADS,
        None,
        "threads instead of processes",
        "the tasks wait without the interpreter lock, and can be run beside each other",
        (lambda one, _: changes.threads_instead(one)) if is_idle else None,
        None if is_idle else reason,
    )
    yield Candidate(
        Change.INTERPRETERS,
        None,
        "interpreters instead of processes",
        "",
        None,
        "whether its modules can be imported in several interpreters was not seen",
    )


def candidates(program: Program, costs: Costs | None, load: float) -> tuple[Candidate, ...]:
    """
    Return the changes that may concern a program.

    Args:
        program: As it is.
        costs: What operations cost here; None where that was not measured.
        load: Waits for a CPU, as a share of CPU time, when it was recorded.
    """
    return (
        *_methods(program, costs, load),
        *_workers(program),
        *_chunk_sizes(program),
        *_pools(program),
        *_messages(program, costs),
        *_parts(program),
        *_instead(program),
    )
