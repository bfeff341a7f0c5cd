"""When a comparison may be looked at, and what it may conclude there."""

from __future__ import annotations

import random

import pytest

from mpbench.analysis.sequential import LOOKS, episodes_until, first_look, plan_looks, stand
from mpbench.stats import Interval, sign_flip_p, signed_rank_interval, smallest_p


@pytest.mark.parametrize(("family", "looks"), [(1, (8, 16, 32)), (40, (13, 16, 32))])
def test_the_first_look_is_late_enough_for_the_family(family, looks):
    """One comparison may be looked at after 8 episodes, forty only after 13."""
    assert looks == plan_looks(family)


def test_a_look_that_the_family_makes_impossible_is_left_out():
    """With 100,000 comparisons nothing can be found in 16 episodes, so nobody looks there."""
    assert (24, 32) == plan_looks(100_000)


@pytest.mark.parametrize("family", [1, 2, 3, 10, 40, 1_000])
def test_at_the_first_look_a_single_comparison_can_be_rejected(family):
    """The smallest p value, corrected for looks and family, is below the rate; not one less."""
    least = first_look(family, 3, 0.05)

    assert 3 * family * smallest_p(least) <= 0.05
    assert 3 * family * smallest_p(least - 1) > 0.05


def test_nothing_is_said_before_the_first_look():
    """Seven clear episodes are not looked at."""
    found = stand([0.5] * 7, LOOKS)

    assert (0, None, 1.0) == (found.episodes, found.interval, found.p_value)


def test_the_p_value_is_paid_for_all_looks():
    """It is the smallest of the looks so far times the number of planned ones."""
    drawn = random.Random(2)
    ratios = [drawn.gauss(0.004, 0.01) for _ in range(20)]
    smallest = min(sign_flip_p(ratios[:8]), sign_flip_p(ratios[:16]))

    assert min(1.0, 3 * smallest) == stand(ratios, LOOKS).p_value


def test_only_planned_looks_count():
    """Twenty episodes are judged by the first sixteen."""
    ratios = [0.01 * one for one in range(20)]
    found = stand(ratios, LOOKS)

    assert 16 == found.episodes
    assert signed_rank_interval(ratios[:16], 1 - 0.05 / 3) == found.interval


def test_a_half_as_wide_interval_takes_four_times_the_episodes():
    """An interval of +-10 % around 1 needs about four times the episodes to fit in +-5 %."""
    needed = episodes_until(Interval(-0.10, 0.0, 0.10), 8, effect=0.02, margin=0.05)

    assert 32 == needed


def test_a_large_estimate_needs_only_to_leave_1_out():
    """An estimate of 20 % with +-25 % is near a decision although it is far from the margin."""
    needed = episodes_until(Interval(-0.05, 0.20, 0.45), 8, effect=0.02, margin=0.05)

    assert 13 == needed


def test_some_estimates_no_number_of_episodes_decides():
    """Between a margin of 1 % and an effect of 2 % there is nothing to say, however long."""
    assert episodes_until(Interval(0.0, 0.015, 0.03), 8, effect=0.02, margin=0.01) is None
