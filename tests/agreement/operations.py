"""Three operations with nothing around them; prints the median seconds of one."""

from __future__ import annotations

import multiprocessing
import sys
import time

__all__ = ("OPERATIONS",)

CONTEXT = multiprocessing.get_context("fork")


def nothing() -> None:
    """Be a child that exits at once."""


def echo(there: object) -> None:
    """Send every message back until an empty one comes."""
    while message := there.recv_bytes():  # type: ignore[attr-defined]
        there.send_bytes(message)  # type: ignore[attr-defined]


def lock(loops: int) -> float:
    """Acquire and release a lock that nobody else wants."""
    made = CONTEXT.Lock()
    acquire, release = made.acquire, made.release
    started = time.perf_counter()
    for _ in range(loops):
        acquire()
        release()
    return time.perf_counter() - started


def pipe(loops: int) -> float:
    """Send 64 bytes to a child and back."""
    here, there = CONTEXT.Pipe()
    child = CONTEXT.Process(target=echo, args=(there,))
    child.start()
    message = bytes(64)
    here.send_bytes(message)
    here.recv_bytes()
    started = time.perf_counter()
    for _ in range(loops):
        here.send_bytes(message)
        here.recv_bytes()
    elapsed = time.perf_counter() - started
    here.send_bytes(b"")
    child.join()
    return elapsed


def process(loops: int) -> float:
    """Start a child and join it."""
    elapsed = 0.0
    for _ in range(loops):
        child = CONTEXT.Process(target=nothing)
        started = time.perf_counter()
        child.start()
        child.join()
        elapsed += time.perf_counter() - started
        child.close()
    return elapsed


OPERATIONS = {"lock": lock, "pipe": pipe, "process": process}
# As long as a value of pyperf: 0.1 s.
LENGTH = 0.1


def median_of_three(name: str) -> float:
    """Time an operation as pyperf's worker does: loops found by doubling, then three values."""
    time_it, loops = OPERATIONS[name], 1
    while time_it(loops) < LENGTH:
        loops *= 2
    time_it(loops)
    return sorted(time_it(loops) / loops for _ in range(3))[1]


if __name__ == "__main__":
    print(median_of_three(sys.argv[1]))
