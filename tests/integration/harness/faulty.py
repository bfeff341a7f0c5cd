"""Workloads that fail in every way that a workload can; for tests only."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from multiprocessing import shared_memory
from multiprocessing.context import BaseContext

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("faulty",)

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


@workload(
    "test/faulty",
    metric=Metric.TIME,
    floor=_NO_FLOOR,
    tier=Tier.QUICK,
    deadline_s=1.0,
    fault=fixed("none"),
)
def faulty(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Fail as the parameter says.

    Timed: nothing of interest.

    Reads as: a test.
    """
    fault = case.text("fault")
    actions = {
        "flood": _flood,
        "exit": _exit,
        "kill": _kill,
        "corrupt": _corrupt,
        "raise": _raise,
        "segment": _segment,
    }
    if fault == "set-up-exit":
        os._exit(4)
    if fault == "orphan":
        context.Process(target=sleep_for_ever).start()  # type: ignore[attr-defined]

    def body(iterations: int, /) -> int:
        if fault == "lock":
            _hang_in_lock(context)
        elif fault == "orphan":
            os._exit(0)
        elif fault in actions:
            actions[fault]()
        else:
            time.sleep(iterations / 1_000)
        return iterations - (fault == "count")

    yield body
