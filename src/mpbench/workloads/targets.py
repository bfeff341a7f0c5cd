"""
What runs in children whose start is timed.

A spawned child imports the module of its target, so this one imports nothing
but what its functions call: each import here would be counted as the price of
starting a process.
"""

import os
import time

__all__ = ("exit_at_once", "stamp")


def exit_at_once() -> None:
    """Do nothing: the child's whole life is its start and its exit."""


def stamp(descriptor: int) -> None:
    """Write the common clock's reading to an inherited raw pipe, as the first statement."""
    os.write(descriptor, b"%d\n" % time.perf_counter_ns())
