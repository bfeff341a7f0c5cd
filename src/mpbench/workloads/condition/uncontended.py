"""Condition, Event and Barrier without waiters: calls, timeouts, creation."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, Needs, Sweep, fixed, lateness_body, workload
from mpbench.workload.unrolled import creation_body, unrolled_body

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ("create", "event_calls", "event_is_set", "notify_nobody", "timeouts")

_NEEDS = Needs(semaphores=True)


@workload(
    "condition/event-is-set",
    floor="floor/semlock",
    covers=("Event.is_set", "Event.set"),
    by_method=False,
    revision=2,
    needs=_NEEDS,
    state=Sweep(("unset",), ("unset", "set"), ("unset", "set")),
)
def event_is_set(context: BaseContext, case: Case) -> Body:
    """
    Ask an Event whether it is set.

    Timed: one `is_set()`.

    Reads as: what a loop that polls an Event pays for each look. The call
    takes the Event's lock and a semaphore; a `RawValue` (`shared/access`) is
    the cheap flag where nobody waits.
    """
    event, expected = context.Event(), case.text("state") == "set"
    if expected:
        event.set()
    names = {"is_set": event.is_set}
    return unrolled_body("answer = is_set()", names, lambda answer: answer == expected)


@workload(
    "condition/event-calls",
    floor="floor/semlock",
    covers=("Event.set", "Event.clear", "Event.wait"),
    by_method=False,
    tier=Tier.FULL,
    revision=2,
    needs=_NEEDS,
    call=fixed("set", "clear", "wait"),
)
def event_calls(context: BaseContext, case: Case) -> Body:
    """
    Set an Event for which nobody waits, clear it, or wait for one that is set.

    Timed: one `set()`, one `clear()`, or one `wait()` that returns at once.

    Reads as: the bookkeeping of an Event, several semaphore operations under
    its lock. `set()` notifies even when nobody waits.
    """
    event, call = context.Event(), case.text("call")
    if call == "wait":
        event.set()
    last = {"set": None, "clear": None, "wait": True}[call]
    return unrolled_body(
        "answer = call()",
        {"call": getattr(event, call)},
        lambda answer: answer == last and event.is_set() == (call != "clear"),
    )


@workload(
    "condition/notify-nobody",
    floor="floor/semlock",
    covers=("Condition.notify", "Condition.notify_all", "Condition.wait_for"),
    by_method=False,
    tier=Tier.FULL,
    revision=2,
    needs=_NEEDS,
    call=fixed("notify", "notify_all", "wait_for"),
)
def notify_nobody(context: BaseContext, case: Case) -> Body:
    """
    Use a Condition for which nobody waits.

    Timed: `acquire()`, the call, `release()`. `wait_for` gets a predicate that
    is true already.

    Reads as: what a producer pays for each notification that nobody needed.
    """
    condition, call = context.Condition(), case.text("call")
    names = {
        "acquire": condition.acquire,
        "call": getattr(condition, call),
        "release": condition.release,
        "is_met": lambda: True,
    }
    if call == "wait_for":
        return unrolled_body("acquire(); answer = call(is_met); release()", names, bool)
    return unrolled_body("answer = acquire(); call(); release()", names, bool)


def _maker(context: BaseContext, kind: str) -> Callable[[], Any]:
    if kind == "Barrier":
        return lambda: context.Barrier(2)
    made: Callable[[], Any] = getattr(context, kind)
    return made


@workload(
    "condition/create",
    floor="floor/semlock-create",
    covers=("Condition", "Event", "Barrier"),
    needs=_NEEDS,
    kind=Sweep(("Event",), ("Condition", "Event"), ("Condition", "Event", "Barrier")),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Make a Condition, an Event or a Barrier, and drop it.

    Timed: the constructor and the end of the object.

    Reads as: a Condition holds four semaphores, an Event five, a Barrier four
    and some shared memory, so compare them with as many of `lock/create`.
    """
    return creation_body(_maker(context, case.text("kind")))


def _wait_condition(condition: Any, timeout: float) -> bool:
    with condition:
        return bool(condition.wait(timeout))


def _wait_event(event: Any, timeout: float) -> bool:
    return bool(event.wait(timeout))


def _wait_barrier(barrier: Any, timeout: float) -> bool:
    with suppress(threading.BrokenBarrierError):
        barrier.wait(timeout)
        return True
    return False


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
    needs=_NEEDS,
    kind=fixed(*_WAITS),
    timeout_ms=fixed(1, 10),
)
def timeouts(context: BaseContext, case: Case) -> Body:
    """
    Wait with a timeout for something that does not happen.

    Timed: how much longer than asked `wait(timeout)` took. Not timed: the
    `reset()` that a Barrier needs after each timeout, because one breaks it.

    Reads as: how late a timeout is, to compare with `lock/timeouts`.
    """
    kind = case.text("kind")
    waited, wait = _maker(context, kind)(), _WAITS[kind]

    def expire(timeout: float) -> None:
        if wait(waited, timeout):
            raise WorkloadError(f"{kind}.wait() returned True, expected a timeout")

    renew = waited.reset if kind == "Barrier" else None
    return lateness_body(expire, case.integer("timeout_ms"), renew=renew)
