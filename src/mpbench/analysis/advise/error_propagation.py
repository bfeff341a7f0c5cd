"""
Error propagation for costs computed from several measurements.

Two computed costs often rest on one and the same measurement: two chunk sizes
on the same overhead, two start methods on the same payload. Its error is then
the same in both and says nothing about which of them is dearer. A cost
therefore keeps what each measurement behind it does to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mpbench.analysis.measurements import Measurement
from mpbench.analysis.scaling import Estimate

__all__ = (
    "DerivedCost",
    "derive",
    "estimate_of",
    "exact_cost",
    "measured",
    "measured_cost",
    "ratio",
    "ratio_of",
)


def estimate_of(measurement: Measurement) -> Estimate:
    """Return a reading as an estimate; of a rate, the time per operation."""
    if not measurement.unit.endswith("/s"):
        return Estimate(measurement.value, measurement.low, measurement.high)
    low, high = measurement.low, measurement.high
    return Estimate(1 / measurement.value, 1 / high if high else None, 1 / low if low else None)


class DerivedCost(NamedTuple):
    """
    A cost, and what it becomes where one measurement behind it is at an end of its interval.

    `moved` has such a pair for each measurement, by its name. It is empty for
    what is known exactly, and None where an interval is unknown.
    """

    value: float
    moved: Mapping[str, tuple[float, float]] | None

    @property
    def estimate(self) -> Estimate:
        """
        The cost with its interval.

        Distances from the value add as squares over independent measurements,
        each side by itself. For a sum this is MOVER (Zou and Donner, Statistics
        in Medicine 27, 2008).
        """
        if self.moved is None:
            return Estimate(self.value, None, None)
        below = math.hypot(*(max(0.0, self.value - min(ends)) for ends in self.moved.values()))
        above = math.hypot(*(max(0.0, max(ends) - self.value) for ends in self.moved.values()))
        return Estimate(self.value, self.value - below, self.value + above)


def exact_cost(value: float) -> DerivedCost:
    """Return what is given and not measured."""
    return DerivedCost(value, {})


def measured_cost(estimate: Estimate, name: str) -> DerivedCost:
    """Return an estimate as a measurement; what has the same name is the same measurement."""
    known = estimate.low is not None and estimate.high is not None
    return DerivedCost(estimate.value, {name: (estimate.low, estimate.high)} if known else None)  # type: ignore[dict-item]


def measured(measurement: Measurement) -> DerivedCost:
    """Return a reading as a measurement of its own; of a rate, the time per operation."""
    return measured_cost(estimate_of(measurement), f"{measurement.case} {measurement.fact}")


def derive(how: Callable[..., float], *parts: DerivedCost) -> DerivedCost:
    """
    Return a cost that is computed from others.

    One measurement after the other is moved to the ends of its interval, in all
    parts that rest on it at once: where they oppose each other it cancels.

    Args:
        how: Computes the cost from the values of the parts.
        parts: In the order of its arguments.
    """
    value = how(*(part.value for part in parts))
    every = [part.moved for part in parts]
    known = [moved for moved in every if moved is not None]
    if len(known) < len(every):
        return DerivedCost(value, None)

    def at_end(name: str, end: int) -> float:
        return how(
            *(
                moved[name][end] if name in moved else one.value
                for one, moved in zip(parts, known, strict=True)
            )
        )

    names = dict.fromkeys(name for moved in known for name in moved)
    return DerivedCost(value, {name: (at_end(name, 0), at_end(name, 1)) for name in names})


def ratio(mine: DerivedCost, other: DerivedCost) -> Estimate:
    """
    Return one cost as a multiple of another.

    The interval is formed on the logarithmic scale (Zou and Donner, 2008), as
    everywhere in mpbench. What both rest on is moved in both: the uncertainty
    that they have in common is no uncertainty of their ratio.
    """
    value = mine.value / other.value
    ends = [end for one in (mine, other) for pair in (one.moved or {}).values() for end in pair]
    if mine.moved is None or other.moved is None or min(ends, default=1.0) <= 0:
        return Estimate(value, None, None)
    found = derive(lambda one, base: math.log(one) - math.log(base), mine, other).estimate
    assert found.low is not None
    assert found.high is not None
    return Estimate(value, math.exp(found.low), math.exp(found.high))


def ratio_of(mine: Estimate, other: Estimate) -> Estimate:
    """Return one cost as a multiple of an independent one."""
    return ratio(measured_cost(mine, "mine"), measured_cost(other, "other"))
