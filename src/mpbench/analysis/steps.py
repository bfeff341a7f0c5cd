"""Detection of cost jumps in a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy import special

from mpbench.analysis.scaling import Estimate

__all__ = ("LEAST_RATIO", "Step", "boundary_of", "find_steps")

# A jump below 10 % is not called a step, however sure it is.
LEAST_RATIO = 1.10
# With fewer agents at one of the points the spread is not known.
_LEAST_AGENTS = 3
# Family error of one sweep: the level is shared by all its gaps and slopes.
_LEVEL = 0.05
# Share of agents cut off at each end before means are compared (Yuen, The
# two-sample trimmed t for unequal population variances, Biometrika 61, 1974).
_TRIM = 0.2
# A slope is read over at least this ratio of sizes; between 65,536 and 65,537
# bytes any noise would be a steep slope.
_APART = 1.4

# Sizes at which CPython or Linux change what they do. A payload is a little
# smaller than the message that carries it, hence the tolerance in `boundary_of`.
_BOUNDARIES: tuple[tuple[int, str], ...] = (
    (4_096, "4 KiB: PIPE_BUF, up to which a pipe write is atomic"),
    (16_384, "16 KiB: up to here Connection sends header and body in one write"),
    (65_536, "64 KiB: the capacity of a Linux pipe"),
)


class Step(NamedTuple):
    """
    A jump of the cost between two neighbouring values of a sweep.

    `ratio` is the cost after over the cost before, less what the slope beside
    the gap explains; above 1 the cost jumps up, below 1 it falls.
    """

    before: float
    after: float
    ratio: Estimate
    cost_before: float
    cost_after: float

    @property
    def is_up(self) -> bool:
        """Whether the cost rises where the value does."""
        return self.ratio.value > 1


class _Point(NamedTuple):
    """One value of the sweep: robust mean of the logarithm of its cost, and its uncertainty."""

    value: float
    cost: float
    log: float
    variance: float
    freedom: int

    @property
    def place(self) -> float:
        """The logarithm of the value; 0 bytes stand beside 1 byte."""
        return math.log(max(1.0, self.value))


def _point(value: float, costs: Sequence[float]) -> _Point:
    logs = sorted(math.log(cost) for cost in costs)
    count = len(logs)
    cut = int(_TRIM * count)
    kept = logs[cut : count - cut]
    middle = sum(kept) / len(kept)
    # Winsorised: what was cut counts as the nearest value that was kept.
    drawn = [min(max(log, kept[0]), kept[-1]) for log in logs]
    mean = sum(drawn) / count
    spread = sum((one - mean) ** 2 for one in drawn)
    freedom = len(kept) - 1
    return _Point(value, math.exp(middle), middle, spread / (len(kept) * freedom), freedom)


def _slope(points: Sequence[_Point], start: int, direction: int) -> float | None:
    """
    Return the log-log slope beside a gap, at least 0 and at most 1.

    A cost of a + b x has a slope between 0 and 1 that does not fall, so more
    than 1 is itself a step and less than 0 is noise.
    """
    here = points[start]
    place = start + direction
    while 0 <= place < len(points):
        there = points[place]
        if abs(there.place - here.place) >= math.log(_APART):
            slope = (there.log - here.log) / (there.place - here.place)
            return min(1.0, max(0.0, slope))
        place += direction
    return None


def _explained(points: Sequence[_Point], gap: int) -> float:
    """Return the growth over a gap that its neighbourhood explains."""
    left, right = _slope(points, gap, -1), _slope(points, gap + 1, 1)
    # Without a point to the right one cannot tell a step from the place where
    # the cost per byte takes over, so all linear growth is granted.
    slope = 1.0 if right is None else max(right, left or 0.0)
    return slope * (points[gap + 1].place - points[gap].place)


def _step(points: Sequence[_Point], gap: int) -> Step | None:
    before, after = points[gap], points[gap + 1]
    growth = after.log - before.log
    excess = growth - _explained(points, gap) if growth > 0 else growth
    if math.copysign(1, excess) != math.copysign(1, growth):
        return None
    variance = before.variance + after.variance
    freedom = min(before.freedom, after.freedom)
    tail = _LEVEL / (2 * (len(points) - 1))
    reach = math.sqrt(variance) * -float(special.stdtrit(freedom, tail))
    if abs(excess) <= reach or abs(excess) < math.log(LEAST_RATIO):
        return None
    ratio = Estimate(math.exp(excess), math.exp(excess - reach), math.exp(excess + reach))
    return Step(before.value, after.value, ratio, before.cost, after.cost)


def _joined(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Make one step of neighbours that rise within a narrow range of values."""
    joined: list[Step] = []
    for step in steps:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.after == step.before
            and last.is_up == step.is_up
            and step.after <= _APART * max(1.0, last.before)
        ):
            ends = zip(last.ratio, step.ratio, strict=True)
            ratio = Estimate(*(end * other for end, other in ends if end and other))
            joined[-1] = Step(last.before, step.after, ratio, last.cost_before, step.cost_after)
        else:
            joined.append(step)
    return tuple(joined)


def find_steps(costs: Mapping[float, Sequence[float]]) -> tuple[Step, ...]:
    """
    Return the jumps of a sweep, in its order.

    A gap is a step when the cost over it changes by more than the slope on
    either side explains, by at least `LEAST_RATIO`, and surely: the interval
    of all gaps of the sweep together holds with 95 %.

    Args:
        costs: For each value of the swept parameter the cost per operation
            that each agent measured; lower is better.
    """
    points = [
        _point(value, each) for value, each in sorted(costs.items()) if len(each) >= _LEAST_AGENTS
    ]
    found = (_step(points, gap) for gap in range(len(points) - 1))
    return _joined([step for step in found if step is not None])


def boundary_of(step: Step) -> str | None:
    """Name the documented size inside a gap of bytes, if there is exactly one."""
    inside = [
        words for size, words in _BOUNDARIES if 0.99 * step.before <= size <= 1.01 * step.after
    ]
    return inside[0] if len(inside) == 1 else None
