"""Busy loop of a calibrated length, without system calls."""

from __future__ import annotations

from mpbench.clock import Clock, monotonic_ns

__all__ = ("spin", "spin_loops")


def spin(loops: int) -> None:
    """Keep one CPU busy for a number of passes of an empty loop."""
    for _ in range(loops):
        pass


def spin_loops(duration_ns: int, *, clock: Clock = monotonic_ns, readings: int = 7) -> int:
    """
    Return how many passes of `spin` take about *duration_ns* on an idle CPU here.

    The fastest of several readings counts: a slower one was interrupted.
    A loop is calibrated and the clock not watched, because a process that is
    descheduled inside a critical section must not get shorter work for it.

    Args:
        duration_ns: The wanted duration; 0 gives 0 loops.
        clock: The clock to calibrate against.
        readings: Attempts.
    """
    if duration_ns <= 0:
        return 0
    loops = 20_000
    fastest = 0
    for _ in range(readings):
        started = clock()
        spin(loops)
        elapsed = clock() - started
        fastest = elapsed if not fastest else min(fastest, elapsed)
    return max(1, round(duration_ns * loops / max(1, fastest)))
