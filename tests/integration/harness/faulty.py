"""Workloads that fail in every way that a workload can; for tests only."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing import shared_memory, util
from multiprocessing.context import BaseContext

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("faulty", "hanging")

_NO_FLOOR = NoFloor("a test")


def sleep_for_ever() -> None:
    """Be a child that ignores SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def hold(lock: object) -> None:
    """Take a lock and never give it back."""
    lock.acquire()  # type: ignore[attr-defined]
    sleep_for_ever()


def _hang_in_lock(context: BaseContext) -> None:
    lock = context.Lock()
    context.Process(target=hold, args=(lock,), daemon=True).start()  # type: ignore[attr-defined]
    while lock.acquire(timeout=0.01):
        lock.release()
    lock.acquire()


def _flood() -> None:
    while True:
        sys.stdout.write("x" * 1_000_000)
        sys.stdout.flush()


def _segment() -> None:
    kept = shared_memory.SharedMemory(create=True, size=4_096)
    os.environ["KEPT"] = kept.name
    time.sleep(60)


def _exit() -> None:
    os._exit(3)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _corrupt() -> None:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"not json\n")
        except OSError:
            continue
    time.sleep(60)


def _raise() -> None:
    raise RuntimeError("as asked")


def die_holding(lock: object) -> None:
    """Take a lock and be killed with it."""
    lock.acquire()  # type: ignore[attr-defined]
    _kill()


def _lock_of_the_dead(context: BaseContext) -> None:
    lock = context.Lock()
    child = context.Process(target=die_holding, args=(lock,))  # type: ignore[attr-defined]
    child.start()
    child.join()
    lock.acquire()


def die_writing(queue: object) -> None:
    """Be killed while the feeder writes a message that no pipe can hold."""
    queue.put(b"x" * (8 << 20))  # type: ignore[attr-defined]
    time.sleep(0.2)
    _kill()


def _queue_of_the_dead(context: BaseContext) -> None:
    queue = context.Queue()
    child = context.Process(target=die_writing, args=(queue,))  # type: ignore[attr-defined]
    child.start()
    child.join()
    queue.get()


def _bomb() -> None:
    """Fork until a limit: every process does, as long as there are generations left."""
    for _ in range(5):
        os.fork()
    sleep_for_ever()


def _keep_forking() -> None:
    """Be replaced by a child again and again, faster than a look at the process table."""
    # Should nobody be able to end it, it ends itself.
    limit = time.monotonic() + 15
    while time.monotonic() < limit:
        if os.fork():
            break
    os._exit(0)


def _renew() -> None:
    for _ in range(3):
        if os.fork() == 0:
            _keep_forking()
    time.sleep(60)


def _exhaust_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    kept = []
    while True:
        kept.append(os.open(os.devnull, os.O_RDONLY))


def _be_deaf() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGABRT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sleep_for_ever()


def _kill_supervisor() -> None:
    """Kill whoever watches over this agent, and stay."""
    os.kill(os.getppid(), signal.SIGKILL)
    sleep_for_ever()


def _hang_in_c() -> None:
    ctypes.PyDLL(None).sleep(60)


def _stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _fill_shared_memory() -> None:
    # What a small /dev/shm does: the file cannot grow.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    shared_memory.SharedMemory(create=True, size=1 << 20)


def _hang_at_exit() -> None:
    util.Finalize(None, time.sleep, args=(60,), exitpriority=100)


def _leave_orphans() -> None:
    os._exit(0)


def _nothing() -> None:
    return


_SHARING = {
    "lock": _hang_in_lock,
    "kill-holding": _lock_of_the_dead,
    "kill-writing": _queue_of_the_dead,
}
_ALONE = {
    "orphan": _leave_orphans,
    "flood": _flood,
    "exit": _exit,
    "kill": _kill,
    "corrupt": _corrupt,
    "raise": _raise,
    "segment": _segment,
    "bomb": _bomb,
    "renew": _renew,
    "descriptors": _exhaust_descriptors,
    "deaf": _be_deaf,
    "in-c": _hang_in_c,
    "stopped": _stop_itself,
    "shm-full": _fill_shared_memory,
    "supervisor": _kill_supervisor,
}
# What goes wrong when the case has been measured.
_AFTERWARDS = {
    "finalizer": _hang_at_exit,
    "leaving": sleep_for_ever,
    "leaving-raises": _raise,
}


def _fail(context: BaseContext, case: Case) -> Iterator[Body]:
    fault = case.text("fault")
    if fault == "set-up-exit":
        os._exit(4)
    if fault == "orphan":
        context.Process(target=sleep_for_ever).start()  # type: ignore[attr-defined]

    def body(iterations: int, /) -> int:
        if fault in _SHARING:
            _SHARING[fault](context)
        elif fault in _ALONE:
            _ALONE[fault]()
        else:
            time.sleep(iterations / 1_000)
        return iterations - (fault == "count")

    yield body
    _AFTERWARDS.get(fault, _nothing)()


@workload(
    "test/faulty",
    metric=Metric.TIME,
    floor=_NO_FLOOR,
    tier=Tier.QUICK,
    deadline_s=20.0,
    fault=fixed("none"),
)
def faulty(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Fail as the parameter says, long before the deadline.

    Timed: nothing of interest.

    Reads as: a test.
    """
    return _fail(context, case)


@workload(
    "test/hanging",
    metric=Metric.TIME,
    floor=_NO_FLOOR,
    tier=Tier.QUICK,
    deadline_s=1.0,
    fault=fixed("none"),
)
def hanging(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Hang as the parameter says, until the deadline.

    Timed: nothing of interest.

    Reads as: a test.
    """
    return _fail(context, case)
