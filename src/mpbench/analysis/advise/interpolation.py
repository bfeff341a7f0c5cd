"""Interpolation of costs between measured sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from mpbench.analysis.advise.error_propagation import estimate_of
from mpbench.analysis.measurements import Measurement
from mpbench.analysis.scaling import Estimate

__all__ = ("InterpolatedCost", "crossover", "interpolate")


class InterpolatedCost(NamedTuple):
    """A cost at a wanted value, from one case or from the two around it."""

    cost: Estimate
    cases: tuple[str, ...]
    is_modelled: bool


def _mixed(before: Estimate, after: Estimate, share: float, *, is_log: bool) -> Estimate:
    def mix(one: float | None, other: float | None) -> float | None:
        if one is None or other is None:
            return None
        if is_log and min(one, other) > 0:
            return math.exp((1 - share) * math.log(one) + share * math.log(other))
        return (1 - share) * one + share * other

    value = mix(before.value, after.value)
    assert value is not None
    return Estimate(value, mix(before.low, after.low), mix(before.high, after.high))


def interpolate(
    readings: Sequence[Measurement], name: str, wanted: float, *, is_log: bool = True
) -> InterpolatedCost | None:
    """
    Return the cost at a value of a parameter.

    Between two measured values it is interpolated: on logarithmic axes for
    messages, whose cost goes from flat to proportional, on plain ones for the
    memory of a parent. Below the smallest value the smallest one answers; above
    the largest there is no answer, because that is where steps hide.

    Args:
        readings: One series, with different values of the parameter.
        name: The parameter.
        wanted: The value asked for, in the parameter's unit.
        is_log: Whether to interpolate on logarithmic axes.
    """
    known = sorted(
        (value, reading)
        for reading in readings
        if (value := reading.number(name)) is not None and reading.agents
    )
    for place, (value, one) in enumerate(known):
        if value == wanted or (value > wanted and place == 0):
            return InterpolatedCost(estimate_of(one), (one.case,), value != wanted)
        if value > wanted:
            before, other = known[place - 1]
            if is_log and before > 0:
                share = math.log(wanted / before) / math.log(value / before)
            else:
                share = (wanted - before) / (value - before)
            cost = _mixed(estimate_of(other), estimate_of(one), share, is_log=is_log)
            return InterpolatedCost(cost, (other.case, one.case), is_modelled=True)
    return None


def crossover(
    rising: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]
) -> float | None:
    """
    Return the smallest size from which on the second cost stays below the first.

    Args:
        rising: Sizes and costs of what is better when small.
        other: The same sizes with the costs of the alternative.

    Returns:
        The place where the lines cross on logarithmic axes; the smallest size if
        the alternative is always below, None if it is not below at the end.
    """
    gaps = [(size, math.log(b / a)) for (size, a), (_, b) in zip(rising, other, strict=True)]
    if not gaps or gaps[-1][1] >= 0:
        return None
    last = max((place for place, (_, gap) in enumerate(gaps) if gap >= 0), default=-1)
    if last < 0:
        return gaps[0][0]
    (before, high), (after, low) = gaps[last], gaps[last + 1]
    if before <= 0:
        return after
    return math.exp(math.log(before) + high / (high - low) * math.log(after / before))
