"""Level shifts of a series over commits: segments, size and interval of each step."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

__all__ = ("Change", "CommitMedian", "change_points")

# A step below 3 % is not worth a mark, whatever its noise.
_MIN_STEP = math.log(1.03)
# The standard deviation of normal noise over its median absolute deviation.
_NORMAL = 1.4826
# Spread of a median over that of a mean, for normal noise.
_MEDIAN = 1.2533
# Shorter series hardly know their noise: the commits' own intervals decide as well.
_MIN_COMMITS = 20
# There a step must be so many times the noise from commit to commit, which takes five
# differences: of fewer a step could be the median itself.
_TIMES_NOISE = 3.0
_MIN_DIFFERENCES = 5
# Without intervals a level of a short series needs so many commits on either side.
_BARE = 3
# Width of the kernel in units of the noise: beyond about ten times the noise a value is an
# outlier, however far away. Penalty for each cut: both from tests/agreement/change_points.py,
# where equal commits give 0 to 0.2 false steps in 365 (normal, heavy-tailed, with outliers, and
# correlated from commit to commit with 0.5).
_GAMMA = 0.1
_PENALTY = 3.0
# A shorter segment is an outlier.
_MIN_LENGTH = 2
# Two commits in a row this many times the noise away are a segment too; the kernel, which
# saturates, does not see so short a one.
_FAR = 8.0
# Relative noise is never taken for smaller: what a clock resolves is not what commits differ by.
_MIN_NOISE = 1e-3
_CONFIDENCE = 1.96  # standard errors on either side: 95 %


class CommitMedian(NamedTuple):
    """One commit: its median, and the interval of it where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


class Change(NamedTuple):
    """
    A step: the place of the first value after it, and the ratio of the level after to before.

    `low` and `high` bound the ratio at about 95 %, from the noise from commit to commit and
    the commits on either side; None where the series is too short to know its noise.
    """

    position: int
    ratio: float
    low: float | None = None
    high: float | None = None


def _noise(logs: Sequence[float]) -> float:
    """
    Return the noise of one commit, untouched by a few steps.

    From differences over one, two and three commits, the largest of them: noise that is
    correlated from commit to commit hides in the differences of neighbours.
    """
    values = np.asarray(logs)
    spreads = [float(np.median(np.abs(values[gap:] - values[:-gap]))) for gap in (1, 2, 3)]
    return max(_NORMAL * max(spreads) / math.sqrt(2), _MIN_NOISE)


def _neighbour_noise(logs: Sequence[float]) -> float:
    """Return the noise of one commit from differences of neighbours, 0 where they are few."""
    gaps = [abs(after - before) for before, after in itertools.pairwise(logs)]
    few = len(gaps) < _MIN_DIFFERENCES
    return 0.0 if few else _NORMAL * statistics.median(gaps) / math.sqrt(2)


def _kernel_cuts(logs: Sequence[float], noise: float) -> list[int]:
    """
    Return the cuts of the optimal segmentation with a Gaussian kernel.

    The cost of a segment is its spread in the kernel's space: its length less the mean sum of
    similarities. Sums over segments come from a table of cumulative sums, so that the search
    takes n steps over arrays of n. The same cuts as KernelCPD of the library ruptures, which has
    no wheels for Python 3.14 and newer.

    A. Celisse, G. Marot, M. Pierre-Jean, G. Rigaill: New efficient algorithms for multiple
    change-point detection with reproducing kernels, 2018; B. Jackson et al.: An algorithm for
    optimal partitioning of data on an interval, 2005.
    """
    points = np.asarray(logs) / noise
    count = len(points)
    sums = np.zeros((count + 1, count + 1))
    similar = np.exp(-_GAMMA * (points[:, None] - points[None, :]) ** 2)
    sums[1:, 1:] = similar.cumsum(axis=0).cumsum(axis=1)
    diagonal = np.diag(sums)
    best = np.full(count + 1, np.inf)
    best[0] = -_PENALTY
    came_from = np.zeros(count + 1, dtype=int)
    for end in range(_MIN_LENGTH, count + 1):
        starts = np.arange(end - _MIN_LENGTH + 1)
        lengths = end - starts
        inside = diagonal[end] - 2 * sums[end, starts] + diagonal[starts]
        costs = best[starts] + lengths - inside / lengths + _PENALTY
        came_from[end] = int(np.argmin(costs))
        best[end] = costs[came_from[end]]
    cuts = [count]
    while cuts[-1]:
        cuts.append(int(came_from[cuts[-1]]))
    return cuts[-2:0:-1]


def _middles(logs: Sequence[float], cuts: Sequence[int]) -> list[float]:
    ends = [0, *cuts, len(logs)]
    return [statistics.median(logs[low:high]) for low, high in itertools.pairwise(ends)]


def _short_runs(logs: Sequence[float], cuts: Sequence[int], noise: float) -> list[int]:
    """Return the ends of runs of commits that are far from the level of their segment."""
    ends = [0, *cuts, len(logs)]
    more: set[int] = set()
    for (low, high), middle in zip(itertools.pairwise(ends), _middles(logs, cuts), strict=True):
        sides = [
            0 if abs(value - middle) < _FAR * noise else math.copysign(1, value - middle)
            for value in logs[low:high]
        ]
        start = low
        for side, group in itertools.groupby(sides):
            length = len(list(group))
            if side and length > 1:
                more |= {start, start + length}
            start += length
    return sorted({*cuts, *more} - {0, len(logs)})


def _without_small(logs: Sequence[float], cuts: list[int], noise: float) -> list[int]:
    """Remove cuts, the smallest first, until each step is worth a mark and exceeds its error."""
    while cuts:
        middles = _middles(logs, cuts)
        ends = [0, *cuts, len(logs)]
        margins = [
            abs(middles[place + 1] - middles[place])
            - max(_MIN_STEP, _CONFIDENCE * _error(ends, place, noise))
            for place in range(len(cuts))
        ]
        smallest = min(range(len(cuts)), key=margins.__getitem__)
        if margins[smallest] > 0:
            break
        cuts = cuts[:smallest] + cuts[smallest + 1 :]
    return cuts


def _error(ends: Sequence[int], place: int, noise: float) -> float:
    """Return the standard error of the step between two neighbouring segments."""
    before, after = ends[place + 1] - ends[place], ends[place + 2] - ends[place + 1]
    return _MEDIAN * noise * math.sqrt(1 / before + 1 / after)


def _is_apart(before: CommitMedian, after: CommitMedian) -> bool | None:
    """Tell whether two intervals have nothing in common, None where one is missing."""
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return None
    return before.high < after.low or after.high < before.low


def _short_series(levels: Sequence[CommitMedian], least: float) -> list[int]:
    """
    Return the cuts of a few commits, and of the parts on either side.

    Where two medians fit best, if the levels differ by more than *least* and the
    intervals of the two neighbours do not touch.
    """
    logs = [math.log(level.value) for level in levels]

    def rest(cut: int) -> float:
        parts = (logs[:cut], logs[cut:])
        middles = [statistics.median(part) for part in parts]
        return sum(abs(value - middles[n]) for n in (0, 1) for value in parts[n])

    cut = min(range(1, len(logs)), key=rest, default=0)
    if not cut:
        return []
    is_apart = _is_apart(levels[cut - 1], levels[cut])
    if is_apart is None:
        is_apart = min(cut, len(logs) - cut) >= _BARE
    step = statistics.median(logs[cut:]) - statistics.median(logs[:cut])
    if not is_apart or abs(step) <= least:
        return []
    after = [cut + place for place in _short_series(levels[cut:], least)]
    return [*_short_series(levels[:cut], least), cut, *after]


def change_points(levels: Sequence[CommitMedian]) -> tuple[Change, ...]:
    """
    Return the steps of a series, in order.

    Any number of levels, each of any length of at least two commits: a level that lasted
    for some commits and went away again is two steps. The search is optimal for its cost
    (kernel segmentation), robust to outliers, and its penalty gives less than one false step
    in a year of daily commits; docs/ASV.md has the simulated rates.

    Args:
        levels: One positive value for each commit, in the order of commits.
    """
    logs = [math.log(level.value) for level in levels]
    if not logs:
        return ()
    if len(logs) < _MIN_COMMITS:
        cuts = _short_series(levels, max(_MIN_STEP, _TIMES_NOISE * _neighbour_noise(logs)))
        middles = _middles(logs, cuts)
        steps = (after - before for before, after in itertools.pairwise(middles))
        return tuple(Change(cut, math.exp(step)) for cut, step in zip(cuts, steps, strict=True))
    noise = _noise(logs)
    cuts = _short_runs(logs, _kernel_cuts(logs, noise), noise)
    cuts = _without_small(logs, cuts, noise)
    ends, middles = [0, *cuts, len(logs)], _middles(logs, cuts)
    changes = []
    for place, cut in enumerate(cuts):
        step = middles[place + 1] - middles[place]
        error = _CONFIDENCE * _error(ends, place, noise)
        changes.append(Change(cut, math.exp(step), math.exp(step - error), math.exp(step + error)))
    return tuple(changes)
