"""
Jobs that every kind of worker runs: threads, interpreters and processes.

A spawned worker and a new interpreter import this module with their first job,
which workloads time, so it imports little.
"""

from __future__ import annotations

import os
import signal
import time

# `typing` itself would cost each new interpreter two milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = (
    "REPORT_BYTES",
    "add_by_queue",
    "add_under_lock",
    "crash",
    "keep_shared",
    "meet",
    "nap",
    "serve",
    "shared_total",
    "write_entries",
)

# One reading of the clock; a pipe takes it in one piece.
REPORT_BYTES = 32

_PAGE_BYTES = 4_096

# What the initializer hands to the jobs of its worker; all threads have one.
_SHARED: dict[str, Any] = {}


def keep_shared(value: Any) -> None:
    """Be an initializer: put what the workers share where the jobs of this one find it."""
    _SHARED["value"] = value


def meet(task: tuple[str, str, int]) -> int:
    """
    Read each page of the shared data, send the clock, and wait for the parent.

    The task has the paths of two pipes and the length of the data, 0 for none.
    """
    ready, gate, length = task
    seen = 0
    if length:
        data = _SHARED["value"]
        # One byte of each page; all are 1.
        seen = min(data[::_PAGE_BYTES]) * len(data)
    descriptor = os.open(ready, os.O_WRONLY)
    os.write(descriptor, (b"%d" % time.perf_counter_ns()).ljust(REPORT_BYTES))
    os.close(descriptor)
    descriptor = os.open(gate, os.O_RDONLY)
    os.read(descriptor, 1)
    os.close(descriptor)
    return seen


def nap(milliseconds: int) -> int:
    """Sleep, and return the argument."""
    time.sleep(milliseconds / 1e3)
    return milliseconds


def crash(number: int) -> int:
    """End the process of this worker as a fault in C code would."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def add_under_lock(task: tuple[int, int]) -> int:
    """Add 1 to the shared counter, each time under its lock."""
    times, number = task
    lock, counter = _SHARED["value"]
    for _ in range(times):
        with lock:
            counter.value += 1
    return number


def add_by_queue(task: tuple[int, int]) -> int:
    """Add 1 to a number that one interpreter at a time holds: it lies in a queue."""
    times, number = task
    queue = _SHARED["value"]
    for _ in range(times):
        queue.put(queue.get() + 1)
    return number


def write_entries(task: tuple[int, int]) -> int:
    """Write one entry of the shared dict and read it back; the number is its key."""
    times, number = task
    entries = _SHARED["value"]
    for count in range(1, times + 1):
        entries[number] = count
        if entries[number] != count:
            raise ValueError(f"entry {number} is {entries[number]}, expected {count}")
    return number


def shared_total(kind: str) -> int:
    """Return what the counter has reached, or the sum of the dict's entries."""
    value = _SHARED["value"]
    if kind == "dict":
        return sum(value.values())
    if isinstance(value, tuple):
        return int(value[1].value)
    total = value.get()
    value.put(total)
    return int(total)


def serve(tasks: Any, results: Any, shared: Any) -> None:
    """Run in an interpreter: answer tasks from a queue until there is None."""
    keep_shared(shared)
    while True:
        task = tasks.get()
        if task is None:
            return
        number, function, value = task
        results.put((number, function(value)))
