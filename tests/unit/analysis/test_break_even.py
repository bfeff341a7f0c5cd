"""Tests of the task length from which on a pool is efficient."""

from __future__ import annotations

import pytest

from mpbench.analysis.break_even import break_even


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.30, 0.92, 0.70, 0.95], 1e-3),
        ([0.92, 0.95, 0.70, 0.95], 1e-3),
        ([0.30, 0.92, 0.00, 0.95], 1e-3),
    ],
)
def test_break_even_is_the_length_after_the_last_miss(shares, expected):
    """A longer task that misses the level moves the length beyond it."""
    lengths = [1e-5, 1e-4, 1e-3, 1e-2]

    assert expected < break_even(lengths, shares, 0.9) < 1e-2


def test_break_even_is_not_reached_where_the_longest_tasks_miss_it():
    """What was reached by shorter tasks only is no length to start from."""
    assert break_even([1e-4, 1e-3, 1e-2], [0.92, 0.95, 0.85], 0.9) is None
