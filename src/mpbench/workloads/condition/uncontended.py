"""Condition, Event and Barrier when nobody else is there: calls, timeouts, creation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, fixed, subsample, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("create", "event_calls", "event_is_set", "notify_nobody", "timeouts")


def _semaphores(case: Case) -> Needs:
    del case
    return Needs(semaphores=True)


@workload(
    "condition/event-is-set",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=("Event.is_set", "Event.set"),
    by_method=False,
    body_params=("state",),
    needs=_semaphores,
    state=Sweep(("unset",), ("unset", "set"), ("unset", "set")),
)
def event_is_set(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask an Event whether it is set.

    Timed: one `is_set()`.

    Reads as: what a loop that polls an Event pays for each look. The call
    takes the Event's lock and a semaphore; a `RawValue` (`shared/access`) is
    the cheap flag where nobody waits.
    """
    del case

    def bind(case: Case) -> Body:
        event = context.Event()
        expected = case.text("state") == "set"
        if expected:
            event.set()

        def body(iterations: int, /) -> int:
            is_set = event.is_set
            answered = 0
            for _ in range(iterations):
                answered += is_set() == expected
            return answered

        return body

    yield bind


def _set_event(event: Any, iterations: int) -> int:
    call = event.set
    for _ in range(iterations):
        call()
    return iterations if event.is_set() else 0


def _clear_event(event: Any, iterations: int) -> int:
    call = event.clear
    for _ in range(iterations):
        call()
    return 0 if event.is_set() else iterations


def _wait_for_set_event(event: Any, iterations: int) -> int:
    event.set()
    call = event.wait
    done = 0
    for _ in range(iterations):
        done += call()
    return done


_EVENT_CALLS: dict[str, Callable[[Any, int], int]] = {
    "set": _set_event,
    "clear": _clear_event,
    "wait": _wait_for_set_event,
}


@workload(
    "condition/event-calls",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=("Event.set", "Event.clear", "Event.wait"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("call",),
    needs=_semaphores,
    call=fixed("set", "clear", "wait"),
)
def event_calls(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Set an Event for which nobody waits, clear it, or wait for one that is set.

    Timed: one `set()`, one `clear()`, or one `wait()` that returns at once.

    Reads as: the bookkeeping of an Event, several semaphore operations under
    its lock. `set()` notifies even when nobody waits.
    """
    del case

    def bind(case: Case) -> Body:
        event = context.Event()
        run = _EVENT_CALLS[case.text("call")]
        return lambda iterations, /: run(event, iterations)

    yield bind


def _is_met() -> bool:
    """Stand for a predicate that is true already."""
    return True


def _notify(condition: Any, iterations: int) -> int:
    acquire, notify, release = condition.acquire, condition.notify, condition.release
    done = 0
    for _ in range(iterations):
        done += acquire()
        notify()
        release()
    return done


def _notify_all(condition: Any, iterations: int) -> int:
    acquire, notify_all, release = condition.acquire, condition.notify_all, condition.release
    done = 0
    for _ in range(iterations):
        done += acquire()
        notify_all()
        release()
    return done


def _wait_for(condition: Any, iterations: int) -> int:
    acquire, wait_for, release = condition.acquire, condition.wait_for, condition.release
    done = 0
    for _ in range(iterations):
        acquire()
        done += wait_for(_is_met)
        release()
    return done


_ALONE: dict[str, Callable[[Any, int], int]] = {
    "notify": _notify,
    "notify_all": _notify_all,
    "wait_for": _wait_for,
}


@workload(
    "condition/notify-nobody",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=(*("Condition.notify", "Condition.notify_all", "Condition.wait_for"),),
    by_method=False,
    tier=Tier.FULL,
    body_params=("call",),
    needs=_semaphores,
    call=fixed("notify", "notify_all", "wait_for"),
)
def notify_nobody(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Use a Condition for which nobody waits.

    Timed: `acquire()`, the call, `release()`. `wait_for` gets a predicate that
    is true already.

    Reads as: what a producer pays for each notification that nobody needed.
    """
    del case

    def bind(case: Case) -> Body:
        condition = context.Condition()
        run = _ALONE[case.text("call")]
        return lambda iterations, /: run(condition, iterations)

    yield bind


def _maker(context: BaseContext, kind: str) -> Callable[[], Any]:
    if kind == "Barrier":
        return lambda: context.Barrier(2)
    made: Callable[[], Any] = getattr(context, kind)
    return made


@workload(
    "condition/create",
    metric=Metric.TIME,
    floor="floor/semlock-create",
    covers=("Condition", "Event", "Barrier"),
    body_params=("kind",),
    needs=_semaphores,
    kind=Sweep(("Event",), ("Condition", "Event"), ("Condition", "Event", "Barrier")),
)
def create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a Condition, an Event or a Barrier, and drop it.

    Timed: the constructor and the end of the object.

    Reads as: a Condition holds four semaphores, an Event five, a Barrier four
    and some shared memory, so compare them with as many of `lock/create`.
    """
    del case

    def bind(case: Case) -> Body:
        make = _maker(context, case.text("kind"))
        make()

        def body(iterations: int, /) -> int:
            made = 0
            for _ in range(iterations):
                made += make() is not None
            return made

        return body

    yield bind


def _wait_condition(condition: Any, timeout: float) -> bool:
    with condition:
        return bool(condition.wait(timeout))


def _wait_event(event: Any, timeout: float) -> bool:
    return bool(event.wait(timeout))


def _wait_barrier(barrier: Any, timeout: float) -> bool:
    try:
        barrier.wait(timeout)
    except threading.BrokenBarrierError:
        return False
    return True


_WAITS: dict[str, Callable[[Any, float], bool]] = {
    "Condition": _wait_condition,
    "Event": _wait_event,
    "Barrier": _wait_barrier,
}


@workload(
    "condition/timeouts",
    metric=Metric.WAITING,
    floor="floor/sleep-late",
    covers=("Condition.wait", "Event.wait", "Barrier.wait", "Barrier.reset"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("kind", "timeout_ms"),
    needs=_semaphores,
    kind=fixed("Condition", "Event", "Barrier"),
    timeout_ms=fixed(1, 10),
)
def timeouts(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Wait with a timeout for something that does not happen.

    Timed: how much longer than asked `wait(timeout)` took. Not timed: the
    `reset()` that a Barrier needs after each timeout, because one breaks it.

    Reads as: how late a timeout is, to compare with `lock/timeouts`.
    """
    del case

    def bind(case: Case) -> Body:
        kind, timeout_ms = case.text("kind"), case.integer("timeout_ms")
        waited, wait = _maker(context, kind)(), _WAITS[kind]

        def body(iterations: int, /) -> BodyResult:
            clock = monotonic_ns
            timeout, asked_ns = timeout_ms / 1_000, timeout_ms * 1_000_000
            late: list[int] = []
            for _ in range(iterations):
                started = clock()
                happened = wait(waited, timeout)
                late.append(clock() - started - asked_ns)
                if happened:
                    raise WorkloadError(f"{kind}.wait() returned True, expected a timeout")
                if kind == "Barrier":
                    waited.reset()
            return BodyResult(
                operations=len(late),
                asked=iterations,
                elapsed_ns=sum(late),
                latencies_ns=subsample(late),
            )

        return body

    yield bind
