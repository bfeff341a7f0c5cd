"""Processes alternating by a Condition: ping-pong, false wake-ups, bounded buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    WindowCounter,
    worker_group,
    workload,
)
from mpbench.workload.worker_group import WorkerSpec
from mpbench.workloads.condition.sleepers import sleepers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("false_wakes", "ping_pong", "producer_consumer")

# Whose turn it is: nobody's any more, the parent's, or child 1, 2, ...
_OVER, _PARENT = -1, 0


def _play(mine: int, condition: Any, turn: Any) -> None:
    """Give the turn back to the parent whenever it comes."""
    with condition:
        while True:
            while turn.value not in (mine, _OVER):
                condition.wait()
            if turn.value == _OVER:
                return
            turn.value = _PARENT
            condition.notify()


@workload(
    "condition/ping-pong",
    floor="floor/semaphore-hand-off",
    covers=("Condition", "Condition.wait", "Condition.notify"),
    needs=Needs(processes=1, semaphores=True),
    lock=Sweep(("RLock",), ("RLock",), ("Lock", "RLock")),
)
def ping_pong(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Alternate with another process under one Condition.

    Timed: half of a round trip: `notify()` on one side, the return of `wait()` on
    the other, and the check of a shared number. Not timed: starting the child.

    Reads as: the cost of one wait that another process ends: the wake-up of
    `lock/hand-off`, a dozen semaphore operations, and the handshake of
    `notify()` with the sleeper.
    """
    condition = context.Condition(getattr(context, case.text("lock"))())
    turn: Any = context.RawValue("i", _PARENT)

    def stop() -> None:
        with condition:
            turn.value = _OVER
            condition.notify()

    with sleepers(context, _play, [(1, condition, turn)], stop=stop):

        def body(iterations: int, /) -> BodyResult:
            rounds = max(1, iterations // 2)
            with condition:
                for _ in range(rounds):
                    turn.value = 1
                    condition.notify()
                    while turn.value:
                        condition.wait()
            return BodyResult(operations=2 * rounds)

        # Once around before any clock: the child may still be starting.
        body(2)
        yield body


def _play_in_herd(mine: int, condition: Any, turn: Any) -> None:
    """Give the turn to the next player whenever it comes, and wake everybody."""
    with condition:
        while True:
            condition.wait_for(lambda: turn.value in {mine, _OVER})
            if turn.value == _OVER:
                return
            turn.value = _PARENT
            condition.notify_all()


@workload(
    "condition/false-wakes",
    floor="floor/semaphore-hand-off",
    covers=("Condition.wait_for", "Condition.notify_all"),
    tier=Tier.FULL,
    revision=2,
    needs=lambda case: Needs(processes=case.integer("waiters"), semaphores=True),
    waiters=Sweep((1,), (1, 4), (1, 2, 4, 8)),
)
def false_wakes(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Wake all waiters when only one of them has something to do.

    Timed: half of a round trip as in `condition/ping-pong`: the parent wakes one
    child after the other with `notify_all()` and is woken likewise; all use
    `wait_for()`, and the others wake, test their predicate, and wait again.

    Reads as: the growth with the number of waiters woken for nothing.
    """
    count = case.integer("waiters")
    condition = context.Condition()
    turn: Any = context.RawValue("i", _PARENT)

    def stop() -> None:
        with condition:
            turn.value = _OVER
            condition.notify_all()

    arguments = [(mine, condition, turn) for mine in range(1, count + 1)]
    with sleepers(context, _play_in_herd, arguments, stop=stop):

        def body(iterations: int, /) -> BodyResult:
            rounds = max(1, iterations // 2)
            done = 0
            with condition:
                for place in range(rounds):
                    turn.value = place % count + 1
                    condition.notify_all()
                    done += condition.wait_for(lambda: turn.value == _PARENT)
            return BodyResult(2 * done, 2 * rounds)

        # Once around before any clock: children may still be starting.
        body(2 * count)
        yield body


# Where the items stand in the shared numbers: how many are there, and whether
# work is over.
_ITEMS, _CLOSED = range(2)


def _wait_while(condition: Any, state: Any, items: int) -> None:
    """Wait, with the lock held, while there are so many items and work goes on."""
    while state[_ITEMS] == items and not state[_CLOSED]:
        condition.wait()


def _close(conditions: tuple[Any, Any], state: Any) -> None:
    """Say that work is over to everybody who may be waiting."""
    with conditions[0]:
        state[_CLOSED] = 1
        for condition in conditions:
            condition.notify_all()


def _produce(
    counter: WindowCounter, conditions: tuple[Any, Any], state: Any, capacity: int
) -> None:
    """Add items while there is room."""
    not_full, not_empty = conditions
    done = 0
    while counter.running and not state[_CLOSED]:
        with not_full:
            _wait_while(not_full, state, capacity)
            state[_ITEMS] += 1
            not_empty.notify()
        now = monotonic_ns()
        done += 1
        if now >= counter.next_check_ns:
            counter.advance(now, done)
    _close(conditions, state)


def _consume(counter: WindowCounter, conditions: tuple[Any, Any], state: Any) -> None:
    """Take items while there are any."""
    not_full, not_empty = conditions
    done = 0
    while counter.running and not state[_CLOSED]:
        asked = monotonic_ns()
        with not_empty:
            _wait_while(not_empty, state, 0)
            state[_ITEMS] -= 1
            not_full.notify()
        now = monotonic_ns()
        done += 1
        counter.waits.append(now - asked)
        if now >= counter.next_check_ns:
            counter.advance(now, done)
    _close(conditions, state)


@workload(
    "condition/producer-consumer",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("a rate; one item at a time is condition/ping-pong, which has a floor"),
    covers=("Condition", "Condition.wait", "Condition.notify", "Condition.notify_all"),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    needs=lambda case: Needs(
        processes=case.integer("producers") + case.integer("consumers"), semaphores=True
    ),
    producers=Sweep((1,), (1,), (1, 4)),
    consumers=Sweep((1,), (1,), (1, 4)),
    capacity=Sweep((16,), (1, 16), (1, 16, 256)),
)
def producer_consumer(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Share a bounded counter between producers and consumers by two Conditions on one lock.

    Timed: items taken by all consumers inside a common window. A producer waits
    on `not_full` at `capacity` items, a consumer on `not_empty` at none; each
    change notifies one waiter of the other side.

    Reads as: items per second through a hand-made bounded buffer. At capacity 1
    every item is a hand-off. The percentiles are the times in which a consumer
    got an item; the fairness is between consumers.
    """
    capacity = case.integer("capacity")
    producers, consumers = case.integer("producers"), case.integer("consumers")
    lock = context.Lock()
    conditions = (context.Condition(lock), context.Condition(lock))
    state: Any = context.RawArray("q", 2)
    members: list[WorkerSpec] = [
        *[(_produce, (conditions, state, capacity))] * producers,
        *[(_consume, (conditions, state))] * consumers,
    ]
    counting = range(producers, producers + consumers)
    with worker_group(context, members) as workers:

        def body(milliseconds: int, /) -> BodyResult:
            outcome = workers.window(milliseconds, counting=counting)
            if not 0 <= state[_ITEMS] <= capacity:
                raise WorkloadError(f"expected 0 to {capacity} items, found {state[_ITEMS]}")
            return outcome

        yield body
