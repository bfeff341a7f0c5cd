"""Locks and semaphores that nobody else wants: what a call costs."""

from __future__ import annotations

import threading
from multiprocessing import synchronize
from typing import TYPE_CHECKING, Any, Callable

from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Bind,
    Body,
    Needs,
    Outcome,
    Sweep,
    fixed,
    workload,
)
from mpbench.workloads.floor_semaphores import take_and_give

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "create",
    "forms",
    "queries",
    "recursion",
    "uncontended",
)

_ALL = ("Lock", "RLock", "Semaphore", "BoundedSemaphore")

_CALLS = tuple(f"{kind}.{call}" for kind in _ALL for call in ("acquire", "release"))


def _one_semaphore(case: Case) -> Needs:
    del case
    return Needs(semaphores=True)


def _maker(context: BaseContext, kind: str) -> Callable[[], Any]:
    """Return what makes a free lock of a kind, with one permit where it counts permits."""
    if kind == "threading.Lock":
        return threading.Lock
    made: Callable[[], Any] = getattr(context, kind)
    return made


@workload(
    "lock/uncontended",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=_CALLS,
    by_method=False,
    tier=Tier.QUICK,
    shares=("kind",),
    needs=_one_semaphore,
    revision=2,
    kind=Sweep(("Lock", "RLock"), _ALL, (*_ALL, "threading.Lock")),
)
def uncontended(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Acquire and release a lock that no other process wants.

    Timed: `acquire()` and `release()` as bound methods, looked up before the
    loop. Not timed: making the lock.

    Reads as: the price of a lock that was not needed. Nearly all of it is two
    calls from Python into C; the kernel is not entered. How the process was
    started makes no difference to it.
    """
    del case

    def bind(case: Case) -> Body:
        lock = _maker(context, case.text("kind"))()

        return lambda iterations: take_and_give(lock, iterations)

    yield bind


def _with_statement(lock: Any, iterations: int) -> int:
    done = 0
    for _ in range(iterations):
        with lock:
            done += 1
    return done


def _not_blocking(lock: Any, iterations: int) -> int:
    acquire, release = lock.acquire, lock.release
    taken = 0
    for _ in range(iterations):
        taken += acquire(False)
        release()
    return taken


def _with_timeout(lock: Any, iterations: int) -> int:
    acquire, release = lock.acquire, lock.release
    taken = 0
    for _ in range(iterations):
        taken += acquire(True, 1.0)
        release()
    return taken


_FORMS: dict[str, Callable[[Any, int], int]] = {
    "with": _with_statement,
    "not-blocking": _not_blocking,
    "timeout": _with_timeout,
}


@workload(
    "lock/forms",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=_CALLS,
    by_method=False,
    shares=("kind", "form"),
    needs=_one_semaphore,
    kind=Sweep(("Lock",), ("Lock",), _ALL),
    form=fixed("with", "not-blocking", "timeout"),
)
def forms(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Take and give back a free lock in the other forms that programs use.

    Timed: one `with lock:`, or `acquire(False)` and `release()`, or
    `acquire(True, 1.0)` and `release()`.

    Reads as: what the form adds to `lock/uncontended`. The `with` statement
    runs two Python functions around the same C calls; a timeout is not even
    looked at when the lock is free.
    """
    del case

    def bind(case: Case) -> Body:
        lock = _maker(context, case.text("kind"))()
        run = _FORMS[case.text("form")]
        return lambda iterations, /: run(lock, iterations)

    yield bind


@workload(
    "lock/recursion",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=("RLock.acquire", "RLock.release"),
    by_method=False,
    tier=Tier.FULL,
    shares=("depth",),
    needs=_one_semaphore,
    depth=fixed(1, 2, 8),
)
def recursion(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Acquire an RLock several times over and release it as often.

    Timed: `depth` times `acquire()`, then `depth` times `release()`; one
    operation is one pair.

    Reads as: only the outermost pair touches the semaphore, the others count
    in the process, so pairs get cheaper with the depth.
    """
    del case
    lock = context.RLock()

    def bind(case: Case) -> Body:
        levels = range(case.integer("depth"))

        def body(iterations: int, /) -> Outcome:
            acquire, release = lock.acquire, lock.release
            taken = 0
            for _ in range(iterations):
                for _ in levels:
                    taken += acquire()
                for _ in levels:
                    release()
            return Outcome(operations=taken, asked=iterations * len(levels))

        return body

    yield bind


def _lacks_locked(case: Case) -> str | None:
    kind, _, call = case.text("call").partition(".")
    # The types are private to the contexts until they are imported from here.
    if hasattr(getattr(synchronize, kind), call):
        return None
    return f"multiprocessing's {kind} has no {call}() before Python 3.14"


@workload(
    "lock/queries",
    metric=Metric.TIME,
    floor="floor/empty-c-call",
    covers=(
        *("Semaphore.get_value", "BoundedSemaphore.get_value"),
        *(f"{kind}.locked" for kind in _ALL),
    ),
    by_method=False,
    tier=Tier.FULL,
    needs=_one_semaphore,
    unsupported=_lacks_locked,
    call=fixed(
        *("Semaphore.get_value", "BoundedSemaphore.get_value"), *(f"{kind}.locked" for kind in _ALL)
    ),
)
def queries(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Ask a free semaphore or lock for its state.

    Timed: one `get_value()`, or one `locked()`.

    Reads as: the price of looking. The answer may be old when it arrives.
    """
    kind, _, call = case.text("call").partition(".")
    lock = _maker(context, kind)()
    expected = call == "get_value"

    def body(iterations: int, /) -> int:
        ask = getattr(lock, call)
        answered = 0
        for _ in range(iterations):
            answered += ask() == expected
        return answered

    yield body


@workload(
    "lock/create",
    metric=Metric.TIME,
    floor="floor/semlock-create",
    covers=("Lock", "RLock", "Semaphore", "BoundedSemaphore"),
    shares=("kind",),
    needs=_one_semaphore,
    kind=Sweep(("Lock",), ("Lock", "Semaphore"), _ALL),
)
def create(context: BaseContext, case: Case) -> Iterator[Bind]:
    """
    Make a lock and drop it.

    Timed: `context.Lock()` and the end of the object. Not timed: starting the
    resource tracker, which the first lock under spawn and forkserver does.

    Reads as: under fork the semaphore's name is removed at once. Under spawn
    and forkserver it stays until the object ends, and the resource tracker is
    told of both, so that locks made in a loop also measure the tracker.
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
