"""The absolute reading of each arm or side of a comparison, in base units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from mpbench.analysis.comparison import Phase
from mpbench.analysis.episode import MetricRef, slice_values
from mpbench.model import Metric, Run

__all__ = ("ArmValues", "arm_values", "unmatched_cases")


class ArmValues(NamedTuple):
    """The medians of the baseline's and the candidate's episodes; None where one has none."""

    baseline: float | None
    candidate: float | None


# A pair's key in the plan, and the name of a further reading (None for the main one).
_Key = tuple[str, str | None]


def arm_values(run: Run) -> Mapping[_Key, ArmValues]:
    """
    Return the readings of both arms of each comparison in a file of `mpbench compare`.

    Args:
        run: The stored session; values are in the metric's base unit.
    """
    episodes: dict[tuple[str, str], list[tuple[MetricRef, float]]] = defaultdict(list)
    readings = {
        str(pair["id"]): [
            MetricRef(metric=Metric.of(entry["metric"]), fact=entry.get("fact"))
            for entry in pair["readings"]
        ]
        for pair in run.header.plan.get("pairs", ())
    }
    for repetition in run.repetitions:
        if repetition.is_ok and repetition.extra.get("part", Phase.MAIN.value) == Phase.MAIN.value:
            pair, role = str(repetition.extra.get("pair")), str(repetition.extra.get("role"))
            for reading in readings.get(pair, ()):
                values = slice_values(repetition, reading).values()
                if values:
                    episodes[pair, role].append((reading, median(values)))

    def middle(pair: str, role: str, reading: MetricRef) -> float | None:
        values = [value for own, value in episodes[pair, role] if own == reading]
        return median(values) if values else None

    return {
        (pair, reading.fact): ArmValues(
            middle(pair, "baseline", reading), middle(pair, "candidate", reading)
        )
        for pair, own in readings.items()
        for reading in own
    }


def unmatched_cases(sides: Sequence[Sequence[Run]]) -> tuple[tuple[str, ...], ...]:
    """Return for each side the ids of the cases that it alone measured, sorted."""
    measured = [
        {repetition.case.id for run in side for repetition in run.repetitions if repetition.is_ok}
        for side in sides
    ]
    return tuple(
        tuple(sorted(own - set().union(*(other for other in measured if other is not own))))
        for own in measured
    )
