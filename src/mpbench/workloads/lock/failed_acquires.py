"""Refused acquisitions: non-blocking, timed out, over-released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import Body, Needs, Sweep, lateness_body, workload
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.floor.semaphores import is_free

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

__all__ = ("over_release", "refused", "timeouts")


_NEEDS = Needs(semaphores=True)


def _make(context: BaseContext, case: Case) -> Any:
    """Make a free lock of the case's kind, with one permit where it counts permits."""
    return getattr(context, case.text("kind"))()


def _permits(lock: Any) -> int:
    """Count how often a free lock can be taken, up to 3; leave it free."""
    permits = 0
    while permits < 3 and lock.acquire(False):
        permits += 1
    for _ in range(permits):
        lock.release()
    return permits


_FORMS = {"not-blocking": "answer = acquire(False)", "zero-timeout": "answer = acquire(True, 0)"}


@workload(
    "lock/refused",
    floor="floor/empty-c-call",
    covers=("Lock.acquire", "Semaphore.acquire"),
    by_method=False,
    revision=3,
    needs=_NEEDS,
    kind=Sweep(("Lock",), ("Lock",), ("Lock", "Semaphore")),
    form=Sweep(("not-blocking",), tuple(_FORMS), tuple(_FORMS)),
)
def refused(context: BaseContext, case: Case) -> Body:
    """
    Ask for a lock that is held, without waiting for it.

    Timed: one `acquire(False)`, or one `acquire(True, 0)`, that returns False.

    Reads as: what polling a lock costs for each look. A timeout of 0 is not
    the cheap form: it asks the kernel to wait until now, and the timer's slack
    (50 us for an ordinary Linux process) is waited out.
    """
    lock = _make(context, case)
    lock.acquire()

    def was_refused(answer: Any) -> bool:
        lock.release()
        refused = not answer and is_free(lock)
        lock.acquire()
        return refused

    return unrolled_body(_FORMS[case.text("form")], {"acquire": lock.acquire}, was_refused)


_OVER_RELEASE = """\
try: release()
except error: pass
else: raise RuntimeError("release() of what is not held was not refused")"""


@workload(
    "lock/over-release",
    floor="floor/semlock",
    covers=("BoundedSemaphore.release", "Lock.release", "RLock.release"),
    by_method=False,
    revision=2,
    needs=_NEEDS,
    kind=Sweep(("BoundedSemaphore",), ("BoundedSemaphore",), ("BoundedSemaphore", "Lock", "RLock")),
)
def over_release(context: BaseContext, case: Case) -> Body:
    """
    Release what is not held, and have it refused.

    Timed: one `release()` and the handling of the exception that it raises
    (ValueError; AssertionError from an RLock). That the number of permits did
    not grow is verified after the clock was read.

    Reads as: the price of a mistake that is found. A plain `Semaphore` does
    not find it.
    """
    kind, lock = case.text("kind"), _make(context, case)
    # Another process could hold an RLock; this one must not, or the call would be right.
    names = {"release": lock.release, "error": AssertionError if kind == "RLock" else ValueError}
    # One permit is there from the start; what was not refused has added another.
    return unrolled_body(_OVER_RELEASE, names, lambda _: kind == "RLock" or _permits(lock) == 1)


@workload(
    "lock/timeouts",
    metric=Metric.WAITING,
    floor="floor/sleep-late",
    covers=("Lock.acquire", "Semaphore.acquire"),
    by_method=False,
    needs=_NEEDS,
    kind=Sweep(("Lock",), ("Lock",), ("Lock", "Semaphore")),
    timeout_ms=Sweep((1,), (1, 10), (1, 10, 100)),
)
def timeouts(context: BaseContext, case: Case) -> Body:
    """
    Wait for a lock that stays held until the timeout ends the waiting.

    Timed: how much longer than asked `acquire(True, timeout)` took to return
    False; single waits are in the percentiles.

    Reads as: how late a timeout is. The kernel's timer slack (50 us for an
    ordinary Linux process) and one wake-up are in it. Where the platform has
    no `sem_timedwait` (macOS) Python polls with sleeps of up to 20 ms instead.
    """
    lock = _make(context, case)
    lock.acquire()

    def wait(timeout: float) -> None:
        if lock.acquire(True, timeout):
            raise WorkloadError("acquire() got a lock that is held; expected a timeout")

    return lateness_body(wait, case.integer("timeout_ms"))
