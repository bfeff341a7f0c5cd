"""The measuring clock, and the cost of reading it."""

from __future__ import annotations

import time
from typing import Callable

__all__ = ("Clock", "monotonic_ns", "resolution_ns")

# Returns integer nanoseconds that never go back.
Clock = Callable[[], int]

# CLOCK_MONOTONIC on Linux, so that stamps taken in two processes of one host
# can be compared (WORKLOADS rule R12); time.time() steps with NTP.
monotonic_ns: Clock = time.perf_counter_ns


def resolution_ns(clock: Clock = monotonic_ns, *, readings: int = 1_000) -> int:
    """
    Return the smallest step between two different readings, in nanoseconds.

    It includes the cost of the call, so it is the shortest time that can be
    seen from Python, not the tick of the hardware.

    Args:
        clock: The clock to test.
        readings: Pairs of readings to try.
    """
    smallest = 0
    for _ in range(readings):
        first = second = clock()
        while second == first:
            second = clock()
        step = second - first
        smallest = step if not smallest else min(smallest, step)
    return smallest
