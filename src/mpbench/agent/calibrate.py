"""Calibration: iterations that make a sample long against the clock."""

from __future__ import annotations

from mpbench.agent.sample import take_sample
from mpbench.clock import Clock
from mpbench.errors import CalibrationError
from mpbench.model import Timing
from mpbench.workload import Body

__all__ = ("MAX_ITERATIONS", "calibrate", "iterations_for")

# 2**30 empty calls are about 30 s; a body that is still too fast does nothing.
MAX_ITERATIONS = 1 << 30

# An attempt this close to the wanted length is extrapolated and not repeated:
# lmbench stops within 0.95 to 1.2 of its target, and one doubling less saves
# half of the calibration's time.
_NEAR = 8


def calibrate(body: Body, *, clock: Clock, sample_ns: int) -> int:
    """
    Return the number of iterations that fills one sample.

    Attempts grow until one takes at least an eighth of the wanted length, twice;
    the rest is extrapolated. Calibration also warms the workload up; its timings
    are thrown away. An operation longer than a sample gets one iteration.

    Args:
        body: The workload's timed body, inside its set-up.
        clock: Read once before and once after each attempt.
        sample_ns: The wanted length of a sample.

    Raises:
        CalibrationError: The body is faster than the clock can see.
    """
    iterations = 1
    while iterations <= MAX_ITERATIONS:
        _, elapsed = take_sample(body, iterations, clock)
        if elapsed * _NEAR >= sample_ns:
            # The attempt may have been cold or interrupted, and all repetitions
            # will use the count: only the shorter of two readings is believed.
            _, again = take_sample(body, iterations, clock)
            elapsed = max(1, min(elapsed, again))
            if elapsed * _NEAR >= sample_ns:
                return max(1, min(MAX_ITERATIONS, round(iterations * sample_ns / elapsed)))
        # Aim straight at the target once the reading is long enough to be believed.
        grow = sample_ns // max(1, elapsed * _NEAR // 2) if elapsed > sample_ns // 1_000 else 8
        iterations *= max(2, min(64, grow))
    raise CalibrationError(
        f"{MAX_ITERATIONS} iterations took less than {sample_ns // _NEAR} ns; "
        "give the workload more work in each iteration"
    )


def iterations_for(timing: Timing, body: Body, *, clock: Clock, sample_ns: int) -> int:
    """Return the body's argument: calibrated, a window in milliseconds, or 1."""
    if timing is Timing.WINDOW:
        return max(1, sample_ns // 1_000_000)
    if timing is Timing.ONCE:
        return 1
    return calibrate(body, clock=clock, sample_ns=sample_ns)
