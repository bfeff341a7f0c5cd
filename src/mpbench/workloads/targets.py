"""
Targets of children whose start or end is timed.

A spawned child imports this module, so each further import here would be
counted as the cost of a start.
"""

import os
import sys
import time

__all__ = (
    "RECORD_BYTES",
    "compute",
    "exit_at_once",
    "idle",
    "import_and_stamp",
    "leave_buffer",
    "leave_finalizers",
    "report",
    "spin_until_end",
    "stamp",
    "stamp_length",
    "stamp_marks",
)

# Holds a dozen readings of the clock; a pipe takes it in one piece (PIPE_BUF, 512 bytes or more).
RECORD_BYTES = 320


def exit_at_once() -> None:
    """Do nothing: the child's whole life is its start and its exit."""


def report(path: str, *numbers: int) -> None:
    """
    Send integers to the parent's pipe.

    It has a path, because a descriptor would need inheritance, or the modules
    with which multiprocessing passes descriptors.
    """
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, b" ".join(b"%d" % number for number in numbers).ljust(RECORD_BYTES))
    os.close(descriptor)


def stamp(path: str, *shipped: object) -> None:
    """Read the common clock as the first and as the last statement, and send both."""
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
    """Send the readings taken on the way here, and its own; *unpickled* is 0 without pickle."""
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


def spin_until_end(path: str) -> None:
    """Send the clock's reading, then run Python code until a signal comes or the parent dies."""
    import select
    from multiprocessing import parent_process

    parent = parent_process()
    report(path, time.perf_counter_ns())
    while parent and not select.select([parent.sentinel], [], [], 0)[0]:
        for _ in range(100_000):
            pass


def compute(path: str) -> None:
    """Send the clock's reading, then stay inside one call into C for some seconds."""
    report(path, time.perf_counter_ns())
    # Bounded, because a parent that dies could not end it.
    sum(range(300_000_000))


def leave_finalizers(path: str, *unused: object) -> None:
    """Register finalizers that multiprocessing runs at the child's exit, then stamp."""
    from multiprocessing.util import Finalize

    del unused
    for place in range(100):
        Finalize(None, os.getpid, exitpriority=place)
    stamp(path)


def leave_buffer(path: str, queue, leaving: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - naming its type would import it
    """Put 1 MiB into a queue and return at once."""
    if leaving == "queue-cancelled":
        queue.cancel_join_thread()
    queue.put(bytes(1 << 20))
    stamp(path)
