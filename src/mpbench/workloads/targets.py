"""
What runs in children whose start is timed.

A spawned child imports the module of its target, so this one imports nothing
but what its functions call and what every child has loaded anyway: each
further import here would be counted as the price of starting a process.
"""

import os
import sys
import time

__all__ = (
    "RECORD_BYTES",
    "exit_at_once",
    "idle",
    "import_and_stamp",
    "report",
    "stamp",
    "stamp_length",
    "stamp_marks",
)

# Long enough for a dozen readings of the clock, and short enough that the
# kernel writes it to a pipe in one piece (PIPE_BUF, at least 512 bytes).
RECORD_BYTES = 320


def exit_at_once() -> None:
    """Do nothing: the child's whole life is its start and its exit."""


def report(path: str, *numbers: int) -> None:
    """
    Send integers to the parent.

    Args:
        path: Where the parent's pipe can be opened. A path and not a
            descriptor: it needs neither inheritance nor the modules with which
            multiprocessing hands descriptors over.
        numbers: What to send.
    """
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, b" ".join(b"%d" % number for number in numbers).ljust(RECORD_BYTES))
    os.close(descriptor)


def stamp(path: str, *shipped: object) -> None:
    """
    Read the common clock as the first and as the last statement, and send both.

    Args:
        path: See `report`.
        shipped: What else came with the process; it is not looked at.
    """
    first = time.perf_counter_ns()
    del shipped
    descriptor = os.open(path, os.O_WRONLY)
    # Not closed: the write is the last thing that this child does.
    os.write(descriptor, (b"%d %d" % (first, time.perf_counter_ns())).ljust(RECORD_BYTES))


def stamp_length(path: str, payload: bytes) -> None:
    """Read the clock as the first statement, and send it with the length of what came."""
    first = time.perf_counter_ns()
    report(path, first, time.perf_counter_ns(), len(payload))


def import_and_stamp(path: str, *modules: str) -> None:
    """Read the clock, import modules, read it again, and send both."""
    first = time.perf_counter_ns()
    for module in modules:
        __import__(module)
    report(path, first, time.perf_counter_ns())


def stamp_marks(path: str, unpickled: int) -> None:
    """
    Send the readings that were taken on the way to this function, and its own.

    Args:
        path: See `report`.
        unpickled: Read while this argument was unpickled; 0 if it was not.
    """
    first = time.perf_counter_ns()
    received = getattr(sys, "_mpbench_received", 0)
    prepared = getattr(sys, "_mpbench_prepared", 0)
    booted = getattr(sys, "_mpbench_booted", ())
    report(path, received, prepared, unpickled, first, time.perf_counter_ns(), *booted)


def idle(path: str) -> None:
    """Send the clock's reading, then sleep until a signal comes or the parent dies."""
    from multiprocessing import parent_process

    parent = parent_process()
    try:
        report(path, time.perf_counter_ns())
        # The parent never writes there: this returns at its end.
        os.read(parent.sentinel, 1) if parent else None
    except KeyboardInterrupt:
        # `Process.interrupt` of Python 3.14 asks for an orderly end.
        pass
