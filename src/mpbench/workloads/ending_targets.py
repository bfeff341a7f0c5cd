"""What runs in children whose end is timed; light, as `targets` is."""

import os
import select
import time

from mpbench.workloads.targets import report, stamp

__all__ = ("compute", "leave_buffer", "leave_finalizers", "spin_until_end")


def spin_until_end(path: str) -> None:
    """Send the clock's reading, then run Python code until a signal comes or the parent dies."""
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
