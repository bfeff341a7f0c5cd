"""
Measurements: one metric of a case on one platform, with every agent's value.

Figures, steps and advice ask "which reading of which case", so they get
records instead of tables with a column for each parameter of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

__all__ = (
    "Measurement",
    "ParamValue",
    "Platform",
    "distinct",
    "grouped",
    "numeric_params",
    "pick",
    "platforms_of",
    "readings_of",
    "shared_params",
)

# A parameter's value: numbers are floats, everything else is text.
ParamValue = float | str


class Platform(NamedTuple):
    """Where readings were taken: one interpreter in one run on one machine."""

    run: str
    subject: str
    machine: str
    python: str

    @property
    def name(self) -> str:
        """Machine and interpreter, for people."""
        return f"{self.machine}, {self.python}"


class Measurement(NamedTuple):
    """
    The main reading of a case, or one of its facts.

    `low` and `high` bound the median over agents with 95 %; they are None
    where there were too few agents to say. `agents` holds the median of each.
    """

    case: str
    workload: str
    method: str
    params: Mapping[str, ParamValue]
    fact: str
    metric: str
    unit: str
    value: float
    low: float | None
    high: float | None
    agents: tuple[float, ...]
    floor: str = ""

    @property
    def family(self) -> str:
        """The part of the workload's name before the slash."""
        return self.workload.partition("/")[0]

    @property
    def behaviour(self) -> str:
        """The part of the workload's name after the slash."""
        return self.workload.partition("/")[2]

    @property
    def is_time(self) -> bool:
        """Whether it is a duration, of which less is better."""
        return self.unit == "s"

    @property
    def is_higher_better(self) -> bool:
        """Whether more of it is better: rates, fairness, efficiency."""
        return self.unit in {"op/s", "B/s"} or self.metric in {"fairness", "efficiency"}

    def number(self, name: str) -> float | None:
        """Return a parameter if the case has it and it is a number."""
        value = self.params.get(name)
        return value if isinstance(value, float) else None

    @property
    def has_interval(self) -> bool:
        """Whether there were enough agents to say how sure the median is."""
        return self.low is not None and self.high is not None

    def overlaps(self, other: Measurement) -> bool:
        """Whether the intervals, or the lack of them, leave open which of the two is larger."""
        if self.low is None or self.high is None or other.low is None or other.high is None:
            return True
        return self.low <= other.high and other.low <= self.high


def pick(
    readings: Iterable[Measurement],
    workload: str | None = None,
    *,
    fact: str | None = "",
    where: Callable[[Measurement], bool] | None = None,
    params: Mapping[str, ParamValue] | None = None,
) -> tuple[Measurement, ...]:
    """
    Return the readings of a workload, a fact and some parameters.

    Args:
        readings: Where to look.
        workload: Its name; None takes all.
        fact: The name of the reading, empty for the main one; None takes all.
        where: A further condition.
        params: Values that the case must have.
    """
    wanted = params or {}
    return tuple(
        measurement
        for measurement in readings
        if (workload is None or measurement.workload == workload)
        and (fact is None or measurement.fact == fact)
        and all(measurement.params.get(name) == value for name, value in wanted.items())
        and (where is None or where(measurement))
    )


def grouped(
    readings: Iterable[Measurement], key: Callable[[Measurement], str]
) -> dict[str, tuple[Measurement, ...]]:
    """Return readings by a key, in the order in which the keys first appear."""
    groups: dict[str, list[Measurement]] = {}
    for measurement in readings:
        groups.setdefault(key(measurement), []).append(measurement)
    return {name: tuple(each) for name, each in groups.items()}


def distinct(readings: Iterable[Measurement], name: str) -> tuple[ParamValue, ...]:
    """Return the values that a parameter has in these readings, in ascending order."""
    values = {measurement.params[name] for measurement in readings if name in measurement.params}
    return tuple(sorted(values, key=lambda value: (isinstance(value, str), value)))


def numeric_params(readings: Iterable[Measurement]) -> dict[str, int]:
    """Return the parameters that are numbers in every reading, with how many values each has."""
    measurements = tuple(readings)
    names = {name for measurement in measurements for name in measurement.params}
    return {
        name: len(distinct(measurements, name))
        for name in sorted(names)
        if all(isinstance(measurement.params.get(name), float) for measurement in measurements)
    }


def shared_params(readings: Iterable[Measurement]) -> dict[str, ParamValue]:
    """Return the parameters that have one and the same value in every reading."""
    measurements = tuple(readings)
    first = dict(measurements[0].params) if measurements else {}
    return {
        name: value
        for name, value in first.items()
        if all(measurement.params.get(name) == value for measurement in measurements)
    }


def platforms_of(summaries: pd.DataFrame) -> tuple[Platform, ...]:
    """Return where there are readings, the place with the most of them first."""
    good = summaries[summaries["status"] == "ok"]
    sizes = good.groupby(list(Platform._fields), observed=True, sort=False).size()
    ordered = sizes.sort_values(ascending=False, kind="stable")
    return tuple(Platform(*(str(one) for one in place)) for place in ordered.index)


def _agents(agents: pd.DataFrame, cases: pd.Series[Any]) -> dict[tuple[int, str, str], list[float]]:
    """Return the medians of the agents by case, fact and arm."""
    chosen = agents[agents["case"].isin(cases)]
    values: dict[tuple[int, str, str], list[float]] = {}
    columns = (chosen[name].tolist() for name in ("case", "fact", "arm", "median"))
    for case, fact, arm, value in zip(*columns, strict=True):
        values.setdefault((case, fact, arm), []).append(value)
    return values


def readings_of(
    summaries: pd.DataFrame, agents: pd.DataFrame, place: Platform
) -> tuple[Measurement, ...]:
    """
    Return what was measured at one place, in the order of the summaries.

    Args:
        summaries: As `analysis.summarize` makes them, of any number of runs.
        agents: As `analysis.summarize.agent_medians` makes them, of the same runs.
        place: Which run and interpreter.
    """
    here = (summaries["run"] == place.run) & (summaries["subject"] == place.subject)
    rows = summaries[here & (summaries["status"] == "ok") & (summaries["agents"] > 0)]
    # A case that was an arm of several comparisons is shown once.
    rows = rows.drop_duplicates(["id", "fact"])
    values_of = _agents(agents, rows["case"])
    params = [name for name in rows.columns if name.startswith("param:")]
    measurements: list[Measurement] = []
    for row in rows.to_dict("records"):
        values = {name.removeprefix("param:"): row[name] for name in params if pd.notna(row[name])}
        measurements.append(
            Measurement(
                case=row["id"],
                workload=row["workload"],
                method=row["method"],
                params=values,
                fact=row["fact"],
                metric=row["metric"],
                unit=row["unit"],
                value=row["median"],
                low=None if pd.isna(row["low"]) else row["low"],
                high=None if pd.isna(row["high"]) else row["high"],
                agents=tuple(values_of.get((row["case"], row["fact"], row["arm"]), ())),
                floor=row["floor"],
            )
        )
    return tuple(measurements)
