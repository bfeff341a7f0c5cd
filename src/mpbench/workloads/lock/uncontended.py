"""Uncontended locks and semaphores: the cost of each call."""

from __future__ import annotations

import threading
from multiprocessing import synchronize
from typing import TYPE_CHECKING, Any, Callable

from mpbench.model import Case, Tier
from mpbench.workload import Body, Needs, Sweep, fixed, no_semaphore_value, workload
from mpbench.workload.unrolled import creation_body, unrolled_body
from mpbench.workloads.floor.semaphores import ACQUIRE_RELEASE, lock_body

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ("create", "forms", "queries", "recursion", "uncontended")

_ALL = ("Lock", "RLock", "Semaphore", "BoundedSemaphore")
_CALLS = tuple(f"{kind}.{call}" for kind in _ALL for call in ("acquire", "release"))
_QUERIES = ("Semaphore.get_value", "BoundedSemaphore.get_value", *(f"{k}.locked" for k in _ALL))
_NEEDS = Needs(semaphores=True)


def _maker(context: BaseContext, kind: str) -> Callable[[], Any]:
    """Return the constructor of a free lock, with one permit where it counts permits."""
    made: Callable[[], Any] = threading.Lock if kind == "threading.Lock" else getattr(context, kind)
    return made


@workload(
    "lock/uncontended",
    floor="floor/semlock",
    covers=_CALLS,
    by_method=False,
    tier=Tier.QUICK,
    needs=_NEEDS,
    revision=3,
    kind=Sweep(("Lock", "RLock"), _ALL, (*_ALL, "threading.Lock")),
)
def uncontended(context: BaseContext, case: Case) -> Body:
    """
    Acquire and release a lock that no other process wants.

    Timed: `acquire()` and `release()` as bound methods, looked up before the
    loop. Not timed: making the lock.

    Reads as: the price of a lock that was not needed: two calls from Python
    into C. The kernel is not entered, and the start method does not matter.
    """
    return lock_body(_maker(context, case.text("kind"))(), ACQUIRE_RELEASE)


_FORMS = {
    "with": "with lock: pass",
    "not-blocking": "acquire(False); release()",
    "timeout": "acquire(True, 1.0); release()",
}


@workload(
    "lock/forms",
    floor="floor/semlock",
    covers=_CALLS,
    by_method=False,
    revision=3,
    needs=_NEEDS,
    kind=Sweep(("Lock",), ("Lock",), _ALL),
    form=fixed(*_FORMS),
)
def forms(context: BaseContext, case: Case) -> Body:
    """
    Take and give back a free lock in the other forms that programs use.

    Timed: one `with lock:`, or `acquire(False)` and `release()`, or
    `acquire(True, 1.0)` and `release()`.

    Reads as: what the form adds to `lock/uncontended`. `with` runs two Python
    functions around the C calls; a free lock does not look at the timeout.
    """
    return lock_body(_maker(context, case.text("kind"))(), _FORMS[case.text("form")])


@workload(
    "lock/recursion",
    floor="floor/empty-c-call",
    covers=("RLock.acquire", "RLock.release"),
    by_method=False,
    tier=Tier.FULL,
    revision=3,
    needs=_NEEDS,
    depth=fixed(1, 2, 8),
)
def recursion(context: BaseContext, case: Case) -> Body:
    """
    Acquire an RLock several times over and release it as often.

    Timed: `depth` times `acquire()`, then `depth` times `release()`; one
    operation is one pair.

    Reads as: only the outermost pair touches the semaphore, the others count
    in the process, so pairs get cheaper with the depth.
    """
    depth = case.integer("depth")
    statement = "; ".join(["acquire()"] * depth + ["release()"] * depth)
    return lock_body(context.RLock(), statement, pairs=depth)


def _lacks_locked(case: Case) -> str | None:
    kind, _, call = case.text("call").partition(".")
    if call == "get_value":
        return no_semaphore_value()
    # The types are private to the contexts until they are imported from here.
    if hasattr(getattr(synchronize, kind), call):
        return None
    return f"multiprocessing's {kind} has no {call}() before Python 3.14"


@workload(
    "lock/queries",
    floor="floor/empty-c-call",
    covers=_QUERIES,
    by_method=False,
    tier=Tier.FULL,
    revision=3,
    needs=_NEEDS,
    unsupported=_lacks_locked,
    call=fixed(*_QUERIES),
)
def queries(context: BaseContext, case: Case) -> Body:
    """
    Ask a free semaphore or lock for its state.

    Timed: one `get_value()`, or one `locked()`.

    Reads as: the price of looking. The answer may be old when it arrives.
    """
    kind, _, call = case.text("call").partition(".")
    ask = getattr(_maker(context, kind)(), call)
    expected = call == "get_value"
    return unrolled_body("answer = ask()", {"ask": ask}, lambda answer: answer == expected)


@workload(
    "lock/create",
    floor="floor/semlock-create",
    covers=_ALL,
    needs=_NEEDS,
    kind=Sweep(("Lock",), ("Lock", "Semaphore"), _ALL),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Make a lock and drop it.

    Timed: `context.Lock()` and the end of the object. Not timed: starting the
    resource tracker, which the first lock under spawn and forkserver does.

    Reads as: under fork the semaphore's name is removed at once. Under spawn
    and forkserver it stays until the object ends, and the resource tracker is
    told of both, so that locks made in a loop also measure the tracker.
    """
    return creation_body(_maker(context, case.text("kind")))
