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
