"""Floors of locks: raw semaphores, alone and between processes."""

from __future__ import annotations

import _multiprocessing  # type: ignore[import-not-found]  # private, and without a stub
import mmap
import os
import time
from typing import TYPE_CHECKING, Any

from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    lateness_body,
    workload,
)
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.floor.forks import forked, without_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "ACQUIRE_RELEASE",
    "is_free",
    "lock_body",
    "semaphore_hand_off",
    "semlock",
    "semlock_create",
    "sleep_late",
)

ACQUIRE_RELEASE = "acquire(); release()"

# The kind of `_multiprocessing.SemLock` that Lock and Semaphore are made of.
_SEMAPHORE = 1


def _semlock(value: int) -> Any:
    """Make an unnamed semaphore of the kind that `multiprocessing.Lock` holds."""
    for attempt in range(100):
        try:
            name = f"/mpbench-{os.getpid()}-{attempt}"
            # Unlinked at once, so that nothing is left whatever happens.
            return _multiprocessing.SemLock(_SEMAPHORE, value, 1, name, True)
        except FileExistsError:
            continue
    raise WorkloadError("no name for a semaphore is free; remove /dev/shm/sem.mpbench-*")


def is_free(lock: Any) -> bool:
    """
    Tell whether a lock of any kind can be taken exactly once, or is a recursive one that is free.

    A recursive lock can always be taken here, but given back only when it is held.
    """
    permits = 0
    while permits < 2 and lock.acquire(False):
        permits += 1
    for _ in range(permits):
        lock.release()
    if permits < 2:
        return permits == 1
    try:
        lock.release()
    except AssertionError:
        return True
    lock.acquire()
    return False


def lock_body(lock: Any, statement: str, *, pairs: int = 1) -> Body:
    """
    Return the body that takes a free lock and gives it back, unrolled.

    A blocking `acquire` returns only with the lock, so nothing is checked while
    time runs; afterwards the lock must be free.

    Args:
        lock: The lock.
        statement: What is timed; it may use `lock`, `acquire` and `release`.
        pairs: How many pairs of acquire and release the statement holds.
    """
    names = {"lock": lock, "acquire": lock.acquire, "release": lock.release}
    return unrolled_body(statement, names, lambda _: is_free(lock), operations=pairs)


@workload(
    "floor/semlock",
    floor="floor/empty-c-call",
    by_method=False,
    tier=Tier.QUICK,
    revision=3,
    needs=Needs(semaphores=True),
)
def semlock(context: BaseContext, case: Case) -> Body:
    """
    Acquire and release the raw C object that a lock wraps, with nobody else there.

    Timed: `acquire` and `release` of a `_multiprocessing.SemLock`, called as
    hoisted bound methods.

    Reads as: the least a free multiprocessing lock can cost from Python. The
    kernel is not entered; most of it is two calls into C.
    """
    return lock_body(_semlock(1), ACQUIRE_RELEASE)


@workload(
    "floor/semaphore-hand-off",
    floor=NoFloor("one semaphore operation that wakes a sleeper is the least a hand-off can be"),
    by_method=False,
    unsupported=without_fork,
    needs=Needs(semaphores=True),
)
def semaphore_hand_off(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Pass the turn to a forked child and back with two raw semaphores.

    Timed: per operation one hand-off: half of a round trip of one `release`
    and one `acquire` on each side. Not timed: starting the child.

    Reads as: the least time in which one process can let another one go on.
    """
    there, here = _semlock(0), _semlock(0)
    # One byte that says stop, since a semaphore cannot carry a message.
    page = mmap.mmap(-1, mmap.PAGESIZE)

    def answer() -> None:
        parent = os.getppid()
        while page[0] == 0:
            # A child whose parent was killed must end as well.
            if there.acquire(True, 5.0):
                here.release()
            elif os.getppid() != parent:
                return

    def body(iterations: int, /) -> BodyResult:
        # Both ways are hand-offs.
        rounds = max(1, iterations // 2)
        done = 0
        for _ in range(rounds):
            there.release()
            done += here.acquire()
        if done != rounds:
            raise WorkloadError(f"expected {rounds} answers, found {done}")
        return BodyResult(operations=2 * done)

    with page, forked(answer):
        try:
            yield body
        finally:
            page[0] = 1
            there.release()


@workload(
    "floor/semlock-create",
    floor=NoFloor("opening, unlinking and unmapping a semaphore are the C library's operations"),
    by_method=False,
    needs=Needs(semaphores=True),
)
def semlock_create(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Make the raw C object that a lock wraps, and drop it.

    Timed: one `_multiprocessing.SemLock` with a name that is unlinked at once,
    and the end of the object.

    Reads as: the least a new lock can cost: a file in the semaphore folder,
    its mapping, and their removal.
    """
    _semlock(1)

    def body(iterations: int, /) -> int:
        make = _multiprocessing.SemLock
        name = f"/mpbench-{os.getpid()}-create"
        made = 0
        for _ in range(iterations):
            made += make(_SEMAPHORE, 1, 1, name, True).kind
        return made

    yield body


@workload(
    "floor/sleep-late",
    metric=Metric.WAITING,
    floor=NoFloor("a timer and one wake-up of this process are the kernel's own operations"),
    by_method=False,
    timeout_ms=Sweep((1,), (1, 10), (1, 10, 100)),
)
def sleep_late(context: BaseContext, case: Case) -> Body:
    """
    Sleep for a while, and see how late the waking is.

    Timed: how much longer than asked one `time.sleep` took.

    Reads as: the least by which a timeout can be late here. The kernel's timer
    slack (50 us for an ordinary Linux process) is in it.
    """
    return lateness_body(time.sleep, case.integer("timeout_ms"))
