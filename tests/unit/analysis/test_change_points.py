"""Steps of a series over commits: found where they are, and seldom where there are none."""

from __future__ import annotations

import random
import statistics

import pytest

from mpbench.analysis.change_points import CommitMedian, change_points
from mpbench.analysis.stats import median_interval


def series(seed: int, *levels: float, noise: float = 0.05, agents: int = 16) -> list[CommitMedian]:
    """Return commits at given levels, each the median of agents that differ by some noise."""
    dice = random.Random(seed)
    made = []
    for level in levels:
        values = [level * dice.lognormvariate(0, noise) for _ in range(agents)]
        interval = median_interval(values)
        assert interval is not None
        made.append(CommitMedian(statistics.median(values), interval.low, interval.high))
    return made


def test_a_step_is_found_with_its_place_and_ratio() -> None:
    """A level that rises by half stays risen, and that is one step."""
    (change,) = change_points(series(1, 1, 1, 1, 1, 1.5, 1.5, 1.5))

    assert 4 == change.position
    assert pytest.approx(1.5, rel=0.1) == change.ratio


def test_two_steps_are_found() -> None:
    """A level that rises and falls again has two steps, in their order."""
    found = change_points(series(2, 1, 1, 1, 2, 2, 2, 1, 1, 1))

    assert [3, 6] == [change.position for change in found]
    assert found[1].ratio < 1 < found[0].ratio


def test_two_commits_suffice_with_intervals() -> None:
    """Two commits whose intervals lie apart are a step; without intervals they are not."""
    levels = series(3, 1, 2)

    assert 1 == len(change_points(levels))
    assert () == change_points([CommitMedian(one.value) for one in levels])


def test_levels_without_intervals_need_several_commits() -> None:
    """Three commits on either side carry a step without any interval."""
    found = change_points([CommitMedian(value) for value in (1, 1.01, 0.99, 1.5, 1.51, 1.49)])

    assert [3] == [change.position for change in found]


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 1.0, 1.0)])
def test_nothing_happens_in_flat_series(values: tuple[float, ...]) -> None:
    """No commit, one commit and equal commits have no step."""
    assert () == change_points([CommitMedian(value, value, value) for value in values])


def test_noise_is_seldom_a_step() -> None:
    """Of 300 series of ten equal commits with noise of 5 % hardly any has a step."""
    flagged = sum(bool(change_points(series(seed, *[1.0] * 10))) for seed in range(300))

    assert flagged <= 15


def bump(seed: int, ratio: float, length: int, count: int = 40) -> list[CommitMedian]:
    """Return a series whose level rises from commit 20 on and falls again after some commits."""
    dice = random.Random(seed)
    levels = [ratio if 20 <= place < 20 + length else 1.0 for place in range(count)]
    return [CommitMedian(level * dice.lognormvariate(0, 0.01)) for level in levels]


@pytest.mark.parametrize("length", [2, 5, 8, 20])
def test_a_level_that_lasted_for_some_commits_is_two_steps(length: int) -> None:
    """A doubling that was repaired is found, and so is one at the end of the series."""
    expected = [20, 20 + length] if length < 20 else [20]

    assert expected == [change.position for change in change_points(bump(1, 2.0, length))]


def test_a_step_has_an_interval_around_its_ratio() -> None:
    """Of 40 series the intervals hold the true ratio in nearly all."""
    held = 0
    for seed in range(40):
        first = change_points(bump(seed, 1.3, 8))[0]
        assert first.low is not None
        assert first.high is not None
        held += first.low <= 1.3 <= first.high

    assert held >= 35


def test_an_outlier_is_no_step() -> None:
    """One commit that is ten times slower is one commit."""
    levels = bump(3, 1.0, 8)
    levels[10] = CommitMedian(10.0)

    assert () == change_points(levels)
