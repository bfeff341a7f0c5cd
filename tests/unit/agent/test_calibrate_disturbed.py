"""Calibration when the first attempt is not like the others."""

from __future__ import annotations

from mpbench.agent.calibrate import calibrate


class Slow:
    """A body of 10 us whose first attempt takes 30 ms longer, and the clock that it moves."""

    def __init__(self) -> None:
        self.now = 0
        self.attempts = 0

    def clock(self) -> int:
        """Read the clock."""
        return self.now

    def body(self, iterations: int) -> int:
        """Take the time of so many iterations."""
        self.now += 10_000 * iterations + (30_000_000 if not self.attempts else 0)
        self.attempts += 1
        return iterations


def test_a_cold_first_attempt_does_not_decide() -> None:
    """A first attempt longer than the sample is repeated, and the repetition counts."""
    slow = Slow()

    found = calibrate(slow.body, clock=slow.clock, sample_ns=20_000_000)

    assert 2_000 == found
