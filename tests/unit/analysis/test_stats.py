"""Intervals and exact tests against enumeration, tables and simulated truth."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from mpbench.analysis.stats import (
    Tail,
    clopper_pearson,
    false_discovery,
    hodges_lehmann,
    median_interval,
    quantiles,
    sign_flip_p,
    signed_rank_interval,
    smallest_p,
    student_interval,
)

differences = st.lists(st.floats(-1, 1).map(lambda one: round(one, 2)), min_size=1, max_size=9)


def _average_ranks(sizes):
    return [
        sum(other < one for other in sizes) + (sum(other == one for other in sizes) + 1) / 2
        for one in sizes
    ]


def _enumerated_p(values):
    """Count all sign flips one by one."""
    sizes = [abs(one) for one in values]
    ranks = _average_ranks(sizes)
    moving = [rank for rank, size in zip(ranks, sizes, strict=True) if size]
    centre = sum(moving) / 2
    seen = abs(sum(rank for rank, one in zip(ranks, values, strict=True) if one > 0) - centre)
    outcomes = [
        abs(sum(rank for rank, keep in zip(moving, kept, strict=True) if keep) - centre)
        for kept in itertools.product((False, True), repeat=len(moving))
    ]
    return sum(one >= seen - 1e-9 for one in outcomes) / len(outcomes)


@given(differences)
@settings(max_examples=200, deadline=None)
def test_the_sign_flip_p_value_counts_every_flip(values):
    """Ties and zeros included, the recursion equals the enumeration of all flips."""
    assert _enumerated_p(values) == pytest.approx(sign_flip_p(values))


def test_the_sign_flip_p_value_equals_the_exact_wilcoxon_test():
    """Without ties it is the exact Wilcoxon signed-rank test."""
    rng = np.random.default_rng(1)
    for count in (3, 8, 16, 32, 50):
        values = rng.normal(0.3, 1.0, count)
        for tail, name in (
            (Tail.BOTH, "two-sided"),
            (Tail.GREATER, "greater"),
            (Tail.LESS, "less"),
        ):
            expected = scipy_stats.wilcoxon(values, alternative=name, method="exact").pvalue

            assert expected == pytest.approx(sign_flip_p(values, tail=tail))


@given(differences, st.floats(0.001, 1_000))
def test_the_scale_of_the_differences_does_not_matter(values, factor):
    """Milliseconds and microseconds give the same p value."""
    scaled = [one * factor for one in values]

    assert sign_flip_p(values) == pytest.approx(sign_flip_p(scaled))


@given(differences, st.randoms(use_true_random=False))
def test_the_order_of_the_differences_does_not_matter(values, chance):
    """Shuffled differences give the same p value."""
    shuffled = list(values)
    chance.shuffle(shuffled)

    assert sign_flip_p(values) == pytest.approx(sign_flip_p(shuffled))


def test_the_smallest_p_value_is_reached_when_all_signs_agree():
    """Eight differences of one sign give two of 256 outcomes."""
    assert smallest_p(8) == sign_flip_p([0.01 * one for one in range(1, 9)])
    assert 2 / 256 == smallest_p(8)


def test_only_zeros_say_nothing():
    """Without any difference the p value is 1."""
    assert 1.0 == sign_flip_p([0.0] * 8)


def test_a_shifted_null_asks_whether_the_difference_exceeds_it():
    """Differences around 0.05 exceed 0.02 but not 0.08."""
    values = [0.05 + 0.001 * one for one in range(-4, 5)]

    assert sign_flip_p(values, null=0.02, tail=Tail.GREATER) < 0.01
    assert sign_flip_p(values, null=0.08, tail=Tail.GREATER) > 0.99


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=12, unique=True))
@settings(max_examples=100, deadline=None)
def test_the_interval_holds_what_the_test_does_not_reject(values):
    """Just inside the bounds the shifted test accepts, just outside it rejects."""
    level = 1 - 0.05 / 3
    low, estimate, high = signed_rank_interval(values, level)
    step = 1e-5
    gaps = np.diff(np.unique(np.add.outer(values, values) / 2))
    if gaps.min() < 10 * step:
        return

    assert low <= estimate <= high
    assert sign_flip_p(values, null=low + step) > 1 - level
    assert sign_flip_p(values, null=high - step) > 1 - level
    assert sign_flip_p(values, null=low - step) <= 1 - level
    assert sign_flip_p(values, null=high + step) <= 1 - level


def test_too_few_differences_have_no_interval():
    """Six differences cannot reach 98.33 %, because 2/64 is above 1.67 %; eight can."""
    level = 1 - 0.05 / 3
    values = [0.01 * one for one in range(1, 9)]

    assert signed_rank_interval(values[:6], level) is None
    assert signed_rank_interval(values, level) is not None
    assert signed_rank_interval([], level) is None


def test_the_hodges_lehmann_estimate_is_the_median_of_the_averages():
    """1, 2 and 6 have the averages 1, 1.5, 2, 3.5, 4 and 6."""
    assert 2.75 == hodges_lehmann([1, 2, 6])


def test_a_shift_moves_the_estimate_and_an_outlier_hardly_does():
    """One wild episode of sixteen moves the estimate by less than a tenth of the spread."""
    rng = random.Random(3)
    values = [rng.gauss(0, 0.01) for _ in range(15)]
    plain = hodges_lehmann(values)

    assert plain + 1 == pytest.approx(hodges_lehmann([one + 1 for one in values]))
    assert abs(hodges_lehmann([*values, 5.0]) - plain) < 0.002


@pytest.mark.parametrize(("count", "reaches"), [(1, False), (5, False), (6, True), (8, True)])
def test_a_median_needs_six_values_for_95_percent(count, reaches):
    """Below six values not even the extremes cover the median often enough."""
    assert reaches is (median_interval(range(count)) is not None)


def test_a_median_interval_takes_its_bounds_from_the_values():
    """The bounds lie between the outermost values and enclose the median."""
    low, middle, high = median_interval([5, 1, 4, 2, 8, 7, 3, 6])

    assert 4.5 == middle
    assert 1 <= low < 2
    assert 7 < high <= 8


def test_equal_values_have_an_interval_without_width():
    """All-equal values are no special case."""
    assert (2.0, 2.0, 2.0) == median_interval([2.0] * 8)


_SHAPES = {
    "normal": lambda rng, size: rng.normal(0, 1, size),
    "lognormal": lambda rng, size: rng.lognormal(0, 1, size) - 1,
    "uniform": lambda rng, size: rng.uniform(-1, 1, size),
    "heavy tails": lambda rng, size: rng.standard_t(2, size),
}


@pytest.mark.parametrize("shape", _SHAPES)
@pytest.mark.parametrize("count", [8, 12, 21])
def test_a_median_interval_covers_the_true_median(shape, count):
    """The coverage over 4,000 simulated results is near the stated 95 %, whatever the shape."""
    rng = np.random.default_rng(7)
    trials = 4_000
    rows = _SHAPES[shape](rng, (trials, count))
    hits = 0
    for row in rows:
        low, _, high = median_interval(row)
        hits += low <= 0.0 <= high

    assert 0.94 <= hits / trials <= 0.97


def test_the_false_discovery_procedure_matches_a_worked_example():
    """Benjamini and Hochberg's own example rejects the first four of fifteen at 5 %."""
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
    ]  # fmt: skip
    adjusted = false_discovery(p_values)

    assert 4 == sum(one <= 0.05 for one in adjusted)
    assert () == false_discovery([])


@pytest.mark.parametrize(
    ("successes", "trials", "high"), [(0, 59, 0.05), (4, 200, 0.0452), (0, 299, 0.01)]
)
def test_clopper_pearson_matches_the_one_sided_table(successes, trials, high):
    """A two-sided 90 % interval ends where the one-sided 95 % bound of MEASURING 3.6 does."""
    assert high == pytest.approx(clopper_pearson(successes, trials, 0.90)[1], abs=6e-4)


@given(st.integers(0, 40), st.integers(0, 40))
def test_clopper_pearson_agrees_with_scipy(successes, failures):
    """The bounds are those of scipy's exact binomial test."""
    trials = successes + failures
    if not trials:
        return
    expected = scipy_stats.binomtest(successes, trials).proportion_ci(method="exact")

    assert tuple(expected) == pytest.approx(clopper_pearson(successes, trials))


def test_students_interval_agrees_with_scipy():
    """The pooled two-sample interval from its estimate, its error and its degrees of freedom."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(0, 1, 9), rng.normal(0.4, 1, 14)
    expected = scipy_stats.ttest_ind(second, first).confidence_interval(0.99)
    pooled = (8 * first.var(ddof=1) + 13 * second.var(ddof=1)) / 21
    error = math.sqrt(pooled * (1 / 9 + 1 / 14))
    low, estimate, high = student_interval(second.mean() - first.mean(), error, 21, level=0.99)

    assert (expected.low, expected.high) == pytest.approx((low, high))
    assert estimate == second.mean() - first.mean()


def test_no_error_is_an_interval_without_width():
    """No spread at all is no failure."""
    assert (1.0, 1.0, 1.0) == student_interval(1.0, 0.0, 4)


def test_quantiles_interpolate():
    """The 90th percentile of 0 to 10 is 9."""
    assert (5.0, 9.0) == quantiles(range(11), (0.5, 0.9))
    assert math.isclose(2.5, quantiles([0, 5], (0.5,))[0])
