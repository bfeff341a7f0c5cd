"""
Tasks and initializers that run in the workers of pools.

A spawned worker imports the module of its task, which workloads time, so this
one imports little, and repeats the busy loop of `mpbench.workload`.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache

# `typing` itself would cost each spawned child two milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = (
    "STREAM_BYTES",
    "WORKS",
    "burn",
    "burn_all",
    "burn_pair",
    "call_kernel",
    "doze",
    "echo",
    "echo_all",
    "fail",
    "fail_to_pickle",
    "hold",
    "keep",
    "length_of",
    "make_payload",
    "prepare",
    "release",
    "return_payload",
    "say_ready",
    "stamp_burn",
    "stream",
    "use_argument",
    "use_kept",
    "work_all",
    "work_and_report",
    "work_once",
)

# What an initializer hands to the tasks of its worker. A pool gives it no other
# place than the worker's own modules.
_KEPT: dict[str, Any] = {}

# So much is read and as much is written; larger than most last-level caches' share.
STREAM_BYTES = 16 << 20
# What is copied at once, so that every amount is copied in the same way.
_BLOCK_BYTES = 1 << 20


def echo(value: int) -> int:
    """Return the argument: a task that costs a call."""
    return value


def echo_all(values: list[int]) -> list[int]:
    """Return a list of arguments: a chunk that the user made by hand."""
    return [echo(value) for value in values]


def burn(loops: int, number: int) -> int:
    """Keep the CPU busy for a number of passes of an empty loop and return the number."""
    for _ in range(loops):
        pass
    return number


def burn_pair(task: tuple[int, int]) -> int:
    """Burn with both arguments in one, as `map` needs it."""
    return burn(*task)


def burn_all(tasks: list[tuple[int, int]]) -> list[int]:
    """Burn for each task of a chunk made by hand."""
    return [burn_pair(task) for task in tasks]


def stamp_burn(task: tuple[int, int]) -> tuple[int, int, int, int]:
    """Burn, and return the number, the worker and the clock before and after."""
    started = time.perf_counter_ns()
    number = burn(*task)
    return number, os.getpid(), started, time.perf_counter_ns()


@lru_cache(maxsize=1)
def _stream_view() -> memoryview:
    """Return this worker's own buffer, touched once."""
    return memoryview(bytearray(b"\1") * (2 * STREAM_BYTES))


def stream(task: tuple[int, int]) -> int:
    """Copy so many bytes inside a large buffer, in several passes, from a place by the number."""
    size, number = task
    view = _stream_view()
    at = number * size % STREAM_BYTES
    while size > 0:
        block = min(size, _BLOCK_BYTES, STREAM_BYTES - at)
        there = STREAM_BYTES + at
        view[there : there + block] = view[at : at + block]
        size -= block
        at = (at + block) % STREAM_BYTES
    return number


def prepare(work: str) -> None:
    """Get and touch the memory that a kind of work needs, before a clock starts."""
    if work == "memory":
        _stream_view()


def release() -> None:
    """Give the memory of the work back, so that no child that is started later inherits it."""
    _stream_view.cache_clear()


def call_kernel(task: tuple[int, int]) -> int:
    """Make a number of system calls that do next to nothing."""
    calls, number = task
    ask = os.getppid
    for _ in range(calls):
        ask()
    return number


def doze(task: tuple[int, int]) -> int:
    """Sleep for a number of microseconds: work that needs no CPU."""
    microseconds, number = task
    time.sleep(microseconds / 1e6)
    return number


# The kinds of work of the scaling workloads; each takes (amount, number).
WORKS = {"cpu": burn_pair, "memory": stream, "syscall": call_kernel, "sleep": doze}


def work_once(work: str, amount: int, number: int) -> None:
    """Be the target of a process or a thread: do an amount of one kind of work."""
    WORKS[work]((amount, number))


def work_and_report(path: str, work: str, amount: int, number: int) -> None:
    """Be the target of a process: touch memory, work, and report that time and the clock."""
    started = time.perf_counter_ns()
    # Not at the top: the workers of pools would have to import it.
    from mpbench.workloads.targets import report

    prepare(work)
    touched = time.perf_counter_ns() - started
    work_once(work, amount, number)
    report(path, touched, time.perf_counter_ns())


def work_all(work: str, tasks: list[tuple[int, int]]) -> list[int]:
    """Do one kind of work for each task of a chunk made by hand."""
    return [WORKS[work](task) for task in tasks]


def make_payload(size: int, number: int) -> bytes:
    """Return bytes of a size that begin with their number, a new object for each call."""
    head = number.to_bytes(8, "little")
    return head[:size] + bytes(max(0, size - 8))


def length_of(payload: bytes) -> int:
    """Take a large argument and return a small result."""
    return len(payload)


def return_payload(task: tuple[int, int]) -> bytes:
    """Take a small argument and return a large result."""
    return make_payload(*task)


def keep(name: str, value: Any) -> None:
    """Be an initializer: put a value where the tasks of this worker find it."""
    _KEPT[name] = value


def use_kept(number: int) -> tuple[int, int]:
    """Return the number, and the length of what the initializer kept (0 if nothing)."""
    return number, len(_KEPT.get("argument", b""))


def use_argument(payload: bytes, number: int) -> tuple[int, int]:
    """Return the number, and the length of an argument that came with this task."""
    return number, len(payload)


def say_ready(ready: Any) -> None:
    """Be an initializer: write one byte as soon as the worker can run a task."""
    os.write(ready.fileno(), b"r")


def hold(limit_s: float) -> bool:
    """Wait until the parent sends a message to the kept connection, or a limit passes."""
    gate = _KEPT["gate"]
    if not gate.poll(limit_s):
        return False
    gate.recv_bytes()
    return True


def fail(number: int) -> int:
    """Raise what a user's task might raise."""
    raise ValueError(f"task {number} failed on purpose")


def fail_to_pickle(number: int) -> object:
    """Return a result that cannot be pickled."""
    return lambda: number
