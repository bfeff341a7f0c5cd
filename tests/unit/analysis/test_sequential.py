"""When a comparison may be looked at, and what it may conclude there."""

from __future__ import annotations

import random

import pytest
from scipy import special

from mpbench.analysis.sequential import (
    LOOKS,
    episodes_until,
    episodes_until_p,
    first_look,
    interim_result,
    plan_looks,
)
from mpbench.analysis.stats import Interval, sign_flip_p, signed_rank_interval, smallest_p


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
    found = interim_result([0.5] * 7, LOOKS)

    assert (0, None, 1.0) == (found.episodes, found.interval, found.p_value)


def test_the_p_value_is_paid_for_all_looks():
    """It is the smallest of the looks so far times the number of planned ones."""
    drawn = random.Random(2)
    ratios = [drawn.gauss(0.004, 0.01) for _ in range(20)]
    smallest = min(sign_flip_p(ratios[:8]), sign_flip_p(ratios[:16]))

    assert min(1.0, 3 * smallest) == interim_result(ratios, LOOKS).p_value


def test_only_planned_looks_count():
    """Twenty episodes are judged by the first sixteen."""
    ratios = [0.01 * one for one in range(20)]
    found = interim_result(ratios, LOOKS)

    assert 16 == found.episodes
    assert interim_result(ratios[:16], LOOKS) == found


def test_a_half_as_wide_interval_takes_four_times_the_episodes():
    """An interval of +-10 % around 1 needs about four times the episodes to fit in +-5 %."""
    needed = episodes_until(Interval(-0.10, 0.0, 0.10), 8, effect=0.02, margin=0.05)

    assert 32 == needed


def test_a_large_estimate_needs_only_to_leave_1_out():
    """An estimate of 20 % with +-25 % is near a decision although it is far from the margin."""
    needed = episodes_until(Interval(-0.05, 0.20, 0.45), 8, effect=0.02, margin=0.05)

    assert 13 == needed


def test_some_estimates_no_number_of_episodes_decides():
    """An estimate on the border between a small difference and a change stays there."""
    on_border = Interval(0.001, 0.02 - 1e-12, 0.039)

    assert episodes_until(Interval(-0.03, 0.0, 0.03), 8, effect=0.02, margin=0.0) is None
    assert episodes_until(on_border, 8, effect=0.02, margin=0.05) > 1e6


def test_a_difference_must_come_to_lie_below_the_smallest_effect():
    """An interval from 0.5 to 2.5 % around 1.5 % has to become half as wide."""
    needed = episodes_until(Interval(0.005, 0.015, 0.025), 8, effect=0.02, margin=0.05)

    assert 32 == needed


def test_the_interval_is_what_all_reached_looks_have_in_common():
    """A difference that was found at the first look is not lost in a wider second one."""
    first = [0.10 + 0.001 * one for one in range(8)]
    ratios = [*first, *(-0.2, 0.5, -0.4, 0.6, -0.3, 0.4, -0.5, 0.3)]
    early, late = interim_result(ratios[:8], (8, 16)), interim_result(ratios, (8, 16))
    alone = signed_rank_interval(ratios, 0.975)

    assert early.p_value == late.p_value < 0.05
    assert alone.low < 0.0 < late.interval.low
    assert early.interval.low <= late.interval.low <= late.interval.estimate <= late.interval.high
    assert late.interval.high <= early.interval.high


def test_looks_that_contradict_each_other_leave_the_last_one():
    """Two intervals without anything in common: one is wrong, and nobody knows which."""
    ratios = [0.1 + 0.001 * one for one in range(8)] + [-1.0 - 0.001 * one for one in range(40)]
    found = interim_result(ratios, (8, 48))

    assert signed_rank_interval(ratios, 0.975) == found.interval


def test_a_smaller_p_value_takes_more_episodes():
    """Twice the distance from 1 in standard errors takes four times the episodes."""
    once, twice = (2.0 * float(special.ndtr(-distance)) for distance in (1.5, 3.0))

    assert 40 == episodes_until_p(once, twice, 10)
    assert 11 == episodes_until_p(once, once, 10)
