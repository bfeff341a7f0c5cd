"""Locks and semaphores that nobody else wants: what a call costs."""

from __future__ import annotations

import threading
from multiprocessing import synchronize
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    fixed,
    workload,
)
from mpbench.workloads.floor.semaphores import is_free, take_and_give

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
    body_params=("kind",),
    needs=_one_semaphore,
    revision=2,
    kind=Sweep(("Lock", "RLock"), _ALL, (*_ALL, "threading.Lock")),
)
def uncontended(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
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


def _with_statement(lock: Any, iterations: int) -> None:
    for _ in range(iterations):
        with lock:
            pass


def _not_blocking(lock: Any, iterations: int) -> None:
    acquire, release = lock.acquire, lock.release
    for _ in range(iterations):
        acquire(False)
        release()


def _with_timeout(lock: Any, iterations: int) -> None:
    acquire, release = lock.acquire, lock.release
    for _ in range(iterations):
        acquire(True, 1.0)
        release()


def _levels(depth: int) -> Callable[[Any, int], None]:
    """Return what takes a lock so many times over and gives it back as often."""
    levels = range(depth)

    def nested(lock: Any, iterations: int) -> None:
        acquire, release = lock.acquire, lock.release
        for _ in range(iterations):
            for _ in levels:
                acquire()
            for _ in levels:
                release()

    return nested


def _pairing(run: Callable[[Any, int], None], lock: Any, pairs: int = 1) -> Body:
    """
    Return the body that takes and gives back a lock, which must be free afterwards.

    What was refused and given back all the same would raise, or leave a permit
    too many, so nothing is added up while time runs.
    """

    def body(iterations: int, /) -> Verifier:
        run(lock, iterations)

        def check() -> BodyResult:
            if not is_free(lock):
                raise VerificationError(1, 0, "locks can be taken once after the last release")
            return BodyResult(operations=pairs * iterations, asked=pairs * iterations)

        return check

    return body


_FORMS: dict[str, Callable[[Any, int], None]] = {
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
    body_params=("kind", "form"),
    revision=2,
    needs=_one_semaphore,
    kind=Sweep(("Lock",), ("Lock",), _ALL),
    form=fixed("with", "not-blocking", "timeout"),
)
def forms(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
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
        return _pairing(_FORMS[case.text("form")], lock)

    yield bind


@workload(
    "lock/recursion",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=("RLock.acquire", "RLock.release"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("depth",),
    revision=2,
    needs=_one_semaphore,
    depth=fixed(1, 2, 8),
)
def recursion(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
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
        depth = case.integer("depth")
        return _pairing(_levels(depth), lock, depth)

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
    revision=2,
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

    def body(iterations: int, /) -> Verifier:
        ask = getattr(lock, call)
        found: Any = None
        for _ in range(iterations):
            found = ask()

        def check() -> int:
            if found != expected:
                raise VerificationError(int(expected), int(found), f"{call}() of a free {kind}")
            return iterations

        return check

    yield body


@workload(
    "lock/create",
    metric=Metric.TIME,
    floor="floor/semlock-create",
    covers=("Lock", "RLock", "Semaphore", "BoundedSemaphore"),
    body_params=("kind",),
    needs=_one_semaphore,
    kind=Sweep(("Lock",), ("Lock", "Semaphore"), _ALL),
)
def create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
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
