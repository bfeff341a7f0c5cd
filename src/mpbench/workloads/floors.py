"""Floors: the cheapest things that use the same kernel mechanisms as the workloads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from multiprocessing.context import BaseContext

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("empty_call", "os_fork_wait")


def _nothing() -> None:
    """Cost a call."""


@workload(
    "floor/empty-call",
    metric=Metric.TIME,
    floor=NoFloor("it is the floor of everything that is called from Python"),
    by_method=False,
    tier=Tier.QUICK,
)
def empty_call(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Call an empty Python function in the loop that every body uses.

    Timed: the loop and one call of a function that returns None.

    Reads as: what the harness itself adds to each iteration. An operation
    that costs less than about ten times this is mostly Python's own calls.
    """
    del context, case

    def body(iterations: int, /) -> int:
        call = _nothing
        for _ in range(iterations):
            call()
        return iterations

    yield body


@workload(
    "floor/os-fork-wait",
    metric=Metric.TIME,
    floor=NoFloor("fork, exit and wait are the kernel's own operations"),
    by_method=False,
    tier=Tier.QUICK,
)
def os_fork_wait(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Fork a child that exits at once, and wait for it, with `os` alone.

    Timed: `os.fork`, the child's `os._exit`, `os.waitpid`.

    Reads as: the least time in which this interpreter can have a process
    made, scheduled and reaped. `process/start-to-join` under fork pays this
    and multiprocessing's own bookkeeping.
    """
    del context, case

    def body(iterations: int, /) -> int:
        reaped = 0
        for _ in range(iterations):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            reaped += os.waitpid(pid, 0) == (pid, 0)
        return reaped

    yield body


@workload(
    "floor/os-pipe-round-trip",
    metric=Metric.ROUND_TRIP,
    floor=NoFloor("one write and one read each way are the least a pipe can do"),
    by_method=False,
    tier=Tier.QUICK,
    payload_bytes=fixed(64),
)
def os_pipe_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw pipe to a forked child and wait for it to come back.

    Timed: `os.write` and `os.read` here, the same two in the child, and two
    wake-ups by the scheduler. Not timed: starting the child.

    Reads as: the least time in which two Python processes can answer each
    other. What `pipe/round-trip` costs above it is framing and pickling.
    """
    del context
    size = case.integer("payload_bytes")
    message = bytes(size)
    there_reader, here_writer = os.pipe()
    here_reader, there_writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(here_writer)
        while os.write(there_writer, os.read(there_reader, size) or os._exit(0)):
            pass
    os.close(there_reader)
    os.close(there_writer)

    def body(iterations: int, /) -> int:
        returned = 0
        for _ in range(iterations):
            os.write(here_writer, message)
            returned += len(os.read(here_reader, size)) == size
        return returned

    try:
        yield body
    finally:
        os.close(here_writer)
        os.waitpid(pid, 0)
        os.close(here_reader)
