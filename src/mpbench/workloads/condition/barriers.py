"""Barriers: cycle, skew, abort and reset."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    latency_result,
    subsample,
    workload,
)
from mpbench.workloads.condition.sleepers import sleepers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("barrier_break", "barrier_cycle", "barrier_skew")


def _needs(case: Case) -> Needs:
    parties = case.integer("parties")
    return Needs(processes=parties - 1, descriptors=32 + 3 * parties, semaphores=True)


class _CountingAction:
    """A picklable action that counts its calls."""

    def __init__(self, total: Any) -> None:
        self._total = total

    def __call__(self) -> None:
        self._total.value += 1


def _meet(barrier: Any) -> None:
    """Come to the barrier again and again, until it is broken."""
    try:
        while True:
            barrier.wait()
    except threading.BrokenBarrierError:
        return


@workload(
    "condition/barrier-cycle",
    floor="floor/semaphore-hand-off",
    covers=("Barrier", "Barrier.wait"),
    needs=_needs,
    parties=Sweep((2,), (2, 4), (2, 3, 4, 6, 8, 16)),
    action=Sweep((False,), (False,), (False, True)),
)
def barrier_cycle(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several processes meet at a Barrier repeatedly.

    Timed: one cycle, from one return of `wait()` here to the next; the other
    parties only come back. Not timed: starting them.

    Reads as: the cost of continuing together. Parties are woken one after the
    other, so it grows with their number. An `action` runs in one of them.
    """
    parties = case.integer("parties")
    total: Any = context.RawValue("q", 0)
    action = _CountingAction(total) if case.value("action") else None
    barrier = context.Barrier(parties, action)
    if barrier.parties != parties:
        raise WorkloadError(f"expected a barrier of {parties} parties, found {barrier.parties}")
    arguments = [(barrier,)] * (parties - 1)
    with sleepers(context, _meet, arguments, stop=barrier.abort):

        def body(iterations: int, /) -> Verifier:
            wait = barrier.wait
            before = total.value
            places = 0
            for _ in range(iterations):
                places += 0 <= wait() < parties

            def check() -> int:
                acted = total.value - before
                if action is not None and acted != iterations:
                    raise VerificationError(iterations, acted, "calls of the barrier's action")
                return places

            return check

        # Once around before any clock: the parties may still be starting.
        barrier.wait()
        yield body


def _meet_and_stamp(index: int, barriers: tuple[Any, Any], stamps: Any) -> None:
    """Stamp the arrival at one barrier and the departure, and meet at another."""
    barrier, collected = barriers
    clock = monotonic_ns
    try:
        while True:
            stamps[2 * index] = clock()
            barrier.wait()
            stamps[2 * index + 1] = clock()
            collected.wait()
            # Until the parent has read the stamps.
            collected.wait()
    except threading.BrokenBarrierError:
        return


@workload(
    "condition/barrier-skew",
    metric=Metric.LATENCY,
    floor="floor/semaphore-hand-off",
    covers=("Barrier.wait",),
    facts={"first_leave": Metric.LATENCY},
    tier=Tier.FULL,
    needs=_needs,
    parties=Sweep((2,), (2, 4), (2, 4, 8, 16)),
)
def barrier_skew(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Measure how long a Barrier takes to release all parties.

    Timed: from the arrival of the last party until the last has left;
    `first_leave` until the first has. Each party stamps both. Not timed: two
    further meetings, between which the stamps are read.

    Reads as: how far apart processes are that a Barrier released together.
    """
    parties = case.integer("parties")
    barrier, collected = context.Barrier(parties), context.Barrier(parties)
    stamps: Any = context.RawArray("q", 2 * parties)
    arguments = [(index, (barrier, collected), stamps) for index in range(1, parties)]

    def stop() -> None:
        barrier.abort()
        collected.abort()

    with sleepers(context, _meet_and_stamp, arguments, stop=stop):

        def body(iterations: int, /) -> BodyResult:
            clock = monotonic_ns
            first: list[int] = []
            last: list[int] = []
            for _ in range(iterations):
                stamps[0] = clock()
                barrier.wait()
                stamps[1] = clock()
                collected.wait()
                arrived, left = max(stamps[::2]), stamps[1::2]
                first.append(min(left) - arrived)
                last.append(max(left) - arrived)
                collected.wait()
            in_order = sum(latency > 0 for latency in first)
            if in_order != len(first):
                raise VerificationError(len(first), in_order, "parties left after the last came")
            return latency_result(last, iterations, {"first_leave": sum(first) / len(first)})

        # Once around before any clock: the parties may still be starting.
        body(1)
        yield body


def _wait_to_be_broken(barrier: Any, awake: Any, again: Any, board: Any) -> None:
    """Wait at a barrier that is never full, stamp its breaking, and come back when told."""
    while True:
        try:
            barrier.wait()
        except threading.BrokenBarrierError:
            board[1] = monotonic_ns()
        if board[0]:
            return
        awake.release()
        again.acquire()


@workload(
    "condition/barrier-break",
    metric=Metric.LATENCY,
    floor="floor/semaphore-hand-off",
    covers=("Barrier.abort", "Barrier.reset"),
    facts={"abort_return": Metric.TIME, "reset": Metric.TIME},
    tier=Tier.FULL,
    needs=Needs(processes=1, semaphores=True),
)
def barrier_break(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Abort a Barrier at which another process waits, and reset it.

    Timed: from before `abort()` until the waiter has its `BrokenBarrierError`;
    `abort_return` is the duration of `abort()`, `reset` of the later `reset()`.
    Not timed: waiting until the waiter sleeps.

    Reads as: how fast a failing process frees those that wait for it.
    """
    barrier = context.Barrier(2)
    awake, again = context.Semaphore(0), context.Semaphore(0)
    board: Any = context.RawArray("q", 2)

    def stop() -> None:
        board[0] = 1
        barrier.abort()

    arguments = [(barrier, awake, again, board)]
    with sleepers(context, _wait_to_be_broken, arguments, stop=stop) as workers:

        def once() -> tuple[int, int, int]:
            while barrier.n_waiting != 1:
                workers.fall_asleep()
            workers.fall_asleep()
            started = monotonic_ns()
            barrier.abort()
            returned = monotonic_ns()
            workers.collect(awake, 1)
            if not barrier.broken:
                raise WorkloadError("expected a broken barrier after abort(), found a whole one")
            resetting = monotonic_ns()
            barrier.reset()
            reset = monotonic_ns() - resetting
            again.release()
            return int(board[1]) - started, returned - started, reset

        def body(iterations: int, /) -> BodyResult:
            readings = [once() for _ in range(iterations)]
            woken = [reading[0] for reading in readings]
            return BodyResult(
                operations=len(readings),
                asked=iterations,
                elapsed_ns=sum(woken),
                facts={
                    "abort_return": sum(reading[1] for reading in readings) / len(readings),
                    "reset": sum(reading[2] for reading in readings) / len(readings),
                },
                latencies_ns=subsample(woken),
            )

        # Once around before any clock: the child may still be starting.
        once()
        yield body
