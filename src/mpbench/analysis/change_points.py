"""Where a series over commits steps to another level: places to look at, no verdicts."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ("Change", "CommitMedian", "change_points")

# A step below 5 % is not worth a mark, whatever its noise.
_LEAST = math.log(1.05)
# A step must be so many times the noise from commit to commit.
_TIMES_SPREAD = 3.0
# The standard deviation of normal noise over its median absolute deviation.
_NORMAL = 1.4826
# Without intervals only levels of several commits can carry a step.
_BARE = 3
_ENOUGH = 5


class CommitMedian(NamedTuple):
    """One commit: its median, and the interval of it where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


class Change(NamedTuple):
    """A step: the place of the first value after it, and the ratio of the level after to before."""

    position: int
    ratio: float


def _cost(logs: Sequence[float]) -> float:
    middle = statistics.median(logs)
    return sum(abs(one - middle) for one in logs)


def _is_apart(before: CommitMedian, after: CommitMedian) -> bool | None:
    """Tell whether two intervals have nothing in common, None where one is missing."""
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return None
    return before.high < after.low or after.high < before.low


def _spread(logs: Sequence[float]) -> float:
    """
    Return the noise from one commit to the next, untouched by a few steps.

    Of fewer differences than five a step could be the median itself; then the
    intervals alone decide.
    """
    gaps = [abs(after - before) for before, after in itertools.pairwise(logs)]
    return _NORMAL * statistics.median(gaps) / math.sqrt(2) if len(gaps) >= _ENOUGH else 0.0


def _cuts(levels: Sequence[CommitMedian], least: float) -> list[int]:
    """Return the places of supported cuts in a stretch, and in its parts."""
    logs = [math.log(one.value) for one in levels]
    places = range(1, len(logs))
    if not places:
        return []
    place = min(places, key=lambda one: _cost(logs[:one]) + _cost(logs[one:]))
    before, after = logs[:place], logs[place:]
    is_apart = _is_apart(levels[place - 1], levels[place])
    if is_apart is None:
        is_apart = min(len(before), len(after)) >= _BARE
    if not is_apart or abs(statistics.median(after) - statistics.median(before)) <= least:
        return []
    later = [place + one for one in _cuts(levels[place:], least)]
    return [*_cuts(levels[:place], least), place, *later]


def change_points(levels: Sequence[CommitMedian]) -> tuple[Change, ...]:
    """
    Return the steps of a series, in order.

    The series is cut where two medians fit it best, and each part again. A
    cut counts when the levels differ by more than 5 % and three times the
    noise from commit to commit, and the intervals of the two neighbours do
    not touch.

    Args:
        levels: One positive value for each commit, in the order of commits.
    """
    logs = [math.log(one.value) for one in levels]
    least = max(_LEAST, _TIMES_SPREAD * _spread(logs)) if logs else _LEAST
    cuts = _cuts(levels, least)
    ends = [0, *cuts, len(logs)]
    middles = [statistics.median(logs[low:high]) for low, high in itertools.pairwise(ends) if logs]
    steps = [after - before for before, after in itertools.pairwise(middles)]
    return tuple(Change(place, math.exp(step)) for place, step in zip(cuts, steps, strict=True))
