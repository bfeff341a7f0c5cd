"""Locks that say no: held ones, over-released ones, and timeouts that expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    subsample,
    workload,
)
from mpbench.workloads.floor.semaphores import is_free

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("over_release", "refused", "timeouts")


def _one_semaphore(case: Case) -> Needs:
    del case
    return Needs(semaphores=True)


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


def _not_blocking(lock: Any, iterations: int) -> Any:
    acquire, answer = lock.acquire, None
    for _ in range(iterations):
        answer = acquire(False)
    return answer


def _zero_timeout(lock: Any, iterations: int) -> Any:
    acquire, answer = lock.acquire, None
    for _ in range(iterations):
        answer = acquire(True, 0)
    return answer


# Each returns the last answer; adding all of them up took as long as the calls.
_FORMS: dict[str, Callable[[Any, int], Any]] = {
    "not-blocking": _not_blocking,
    "zero-timeout": _zero_timeout,
}


@workload(
    "lock/refused",
    metric=Metric.TIME,
    floor="floor/empty-c-call",
    covers=("Lock.acquire", "Semaphore.acquire"),
    by_method=False,
    body_params=("kind", "form"),
    revision=2,
    needs=_one_semaphore,
    kind=Sweep(("Lock",), ("Lock",), ("Lock", "Semaphore")),
    form=Sweep(
        ("not-blocking",), ("not-blocking", "zero-timeout"), ("not-blocking", "zero-timeout")
    ),
)
def refused(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask for a lock that is held, without waiting for it.

    Timed: one `acquire(False)`, or one `acquire(True, 0)`, that returns False.

    Reads as: what polling a lock costs for each look. A timeout of 0 is not
    the cheap form: it asks the kernel to wait until now, and the timer's slack
    (50 us for an ordinary Linux process) is waited out.
    """
    del case

    def bind(case: Case) -> Body:
        lock = _make(context, case)
        lock.acquire()
        ask = _FORMS[case.text("form")]

        def body(iterations: int, /) -> Verifier:
            answer = ask(lock, iterations)

            def check() -> int:
                lock.release()
                if answer or not is_free(lock):
                    raise VerificationError(iterations, 0, "a held lock refused to be taken")
                lock.acquire()
                return iterations

            return check

        return body

    yield bind


@workload(
    "lock/over-release",
    metric=Metric.TIME,
    floor="floor/semlock",
    covers=("BoundedSemaphore.release", "Lock.release", "RLock.release"),
    by_method=False,
    body_params=("kind",),
    needs=_one_semaphore,
    kind=Sweep(("BoundedSemaphore",), ("BoundedSemaphore",), ("BoundedSemaphore", "Lock", "RLock")),
)
def over_release(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Release what is not held, and have it refused.

    Timed: one `release()` and the handling of the exception that it raises
    (ValueError; AssertionError from an RLock). That the number of permits did
    not grow is verified after the clock was read.

    Reads as: the price of a mistake that is found. A plain `Semaphore` does
    not find it.
    """
    del case

    def bind(case: Case) -> Body:
        kind = case.text("kind")
        lock = _make(context, case)
        # Another process could hold an RLock; this one must not, or the call would be right.
        error = AssertionError if kind == "RLock" else ValueError

        def body(iterations: int, /) -> Verifier:
            release = lock.release
            refusals = 0
            for _ in range(iterations):
                try:
                    release()
                except error:
                    refusals += 1

            def check() -> int:
                permits = _permits(lock)
                if kind != "RLock" and permits != 1:
                    raise WorkloadError(f"expected 1 permit after over-releases, found {permits}")
                return refusals

            return check

        return body

    yield bind


@workload(
    "lock/timeouts",
    metric=Metric.WAITING,
    floor="floor/sleep-late",
    covers=("Lock.acquire", "Semaphore.acquire"),
    by_method=False,
    body_params=("kind", "timeout_ms"),
    needs=_one_semaphore,
    kind=Sweep(("Lock",), ("Lock",), ("Lock", "Semaphore")),
    timeout_ms=Sweep((1,), (1, 10), (1, 10, 100)),
)
def timeouts(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Wait for a lock that stays held until the timeout ends the waiting.

    Timed: how much longer than asked `acquire(True, timeout)` took to return
    False; single waits are in the percentiles.

    Reads as: how late a timeout is. The kernel's timer slack (50 us for an
    ordinary Linux process) and one wake-up are in it. Where the platform has
    no `sem_timedwait` (macOS) Python polls with sleeps of up to 20 ms instead.
    """
    del case

    def bind(case: Case) -> Body:
        lock = _make(context, case)
        lock.acquire()
        timeout_ms = case.integer("timeout_ms")

        def body(iterations: int, /) -> BodyResult:
            acquire, clock = lock.acquire, monotonic_ns
            timeout, asked_ns = timeout_ms / 1_000, timeout_ms * 1_000_000
            late: list[int] = []
            taken = 0
            for _ in range(iterations):
                started = clock()
                taken += acquire(True, timeout)
                late.append(clock() - started - asked_ns)
            return BodyResult(
                operations=iterations - taken,
                asked=iterations,
                elapsed_ns=sum(late),
                latencies_ns=subsample(late),
            )

        return body

    yield bind
