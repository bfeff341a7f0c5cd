"""How long a slice must be: longer where stalls come in a rhythm, and not for mere noise."""

from __future__ import annotations

import random

import pytest

from mpbench.harness.slice_length import JOIN_FACTORS, SERIES_SLICES, allan_variance, best_length


def test_the_allan_variance_of_a_known_series():
    """Alternating 9 and 11 differ by 2 each time: 4 / 2 relative to 100; joined they are equal."""
    series = [9.0, 11.0] * 20

    assert allan_variance(series, 1) == pytest.approx(0.02)
    assert allan_variance(series, 2) == pytest.approx(0.0)


def test_a_steady_drift_grows_with_the_length():
    """A drift of 1 for each reading is one of 4 between averages of four."""
    series = [100.0 + step for step in range(41)]

    assert allan_variance(series, 4) == pytest.approx(16 / 2 / 120**2)


@pytest.mark.parametrize("length", [0, 6])
def test_too_short_a_series_says_so(length):
    """There must be two averages to compare."""
    with pytest.raises(ValueError, match="11 readings"):
        allan_variance([1.0] * 11, length)


def test_equal_readings_are_left_alone():
    """No variance at all is no reason to join."""
    assert best_length([5.0] * SERIES_SLICES) == 1


def test_noise_without_memory_is_left_alone():
    """Joining white noise gains nothing; nine of ten times nothing is joined."""
    dice = random.Random(3)
    found = [
        best_length([10.0 + dice.lognormvariate(0.0, 0.3) for _ in range(SERIES_SLICES)])
        for _ in range(200)
    ]

    assert found.count(1) >= 180


def _stalling(dice, between):
    """Return slices of 5 ms of work that meet stalls of 4 ms at nearly regular distances."""
    until, found = dice.uniform(0, between), []
    for _ in range(SERIES_SLICES):
        work, took = 5.0, 5.0
        while until < work:
            took += 4.0
            until += between * dice.uniform(0.9, 1.1)
        until -= work
        found.append(took)
    return found


def test_regular_stalls_are_joined():
    """A slice that meets a stall or not is too short; one that meets several is not."""
    dice = random.Random(4)
    found = [best_length(_stalling(dice, 7.0)) for _ in range(200)]

    assert sum(length > 1 for length in found) >= 190
    assert set(found) <= set(JOIN_FACTORS)
