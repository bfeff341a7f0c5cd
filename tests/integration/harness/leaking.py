"""A workload that leaves one thing of each kind behind; for tests only."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from multiprocessing import shared_memory, util
from multiprocessing.context import BaseContext
from typing import Any

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("leaking",)

# Whatever a module holds outlives the set-up.
_KEPT: list[Any] = []


def rest() -> None:
    """Be a child that does nothing for longer than the test."""
    time.sleep(600)


def _child(context: BaseContext) -> None:
    child = context.Process(target=rest, name="forgotten", daemon=True)  # type: ignore[attr-defined]
    child.start()
    _KEPT.append(child)


def _grandchild(context: BaseContext) -> None:
    """Leave a process that multiprocessing knows nothing of."""
    del context
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.waitpid(pid, 0)


def _thread(context: BaseContext) -> None:
    del context
    threading.Thread(target=rest, name="forgotten", daemon=True).start()


def _semaphore(context: BaseContext) -> None:
    _KEPT.append(context.Lock())


def _segment(context: BaseContext) -> None:
    """Close a segment and forget to unlink it."""
    del context
    shared_memory.SharedMemory(create=True, size=4_096).close()


def _mapping(context: BaseContext) -> None:
    """Unlink a segment and forget to close it."""
    del context
    one = shared_memory.SharedMemory(create=True, size=4_096)
    one.unlink()
    _KEPT.append(one)


def _socket_file(context: BaseContext) -> None:
    del context
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{util.get_temp_dir()}/listener-forgotten")


def _descriptor(context: BaseContext) -> None:
    del context
    _KEPT.append(os.open(os.devnull, os.O_RDONLY))


_LEAKS = {
    "nothing": lambda _: None,
    "child": _child,
    "grandchild": _grandchild,
    "thread": _thread,
    "semaphore": _semaphore,
    "segment": _segment,
    "mapping": _mapping,
    "socket-file": _socket_file,
    "descriptor": _descriptor,
}


@workload(
    "test/leaking",
    metric=Metric.TIME,
    floor=NoFloor("a test"),
    tier=Tier.FULL,
    what=fixed(*_LEAKS),
)
def leaking(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Do nothing, and leave something behind.

    Timed: nothing.

    Reads as: whether it is seen.
    """
    yield lambda iterations, /: iterations
    _LEAKS[case.text("what")](context)
