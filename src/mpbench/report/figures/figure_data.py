"""Input data of figures: measurements of one platform."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from mpbench.analysis.measurements import (
    Measurement,
    ParamValue,
    Platform,
    pick,
    platforms_of,
    readings_of,
)
from mpbench.report.figures.labels import params_words
from mpbench.report.figures.limits import Limits
from mpbench.report.run_names import names_in

__all__ = ("METHOD", "FigureData", "prepare", "value_of", "values_of", "words_of")

# Names the start method where parameters are named.
METHOD = "start method"
_METHODS = ("fork", "spawn", "forkserver", "")


class FigureData(NamedTuple):
    """
    Readings of one interpreter on one machine.

    A figure of absolute values shows one place; places are compared by ratios
    (`machines`), because seconds of two machines differ for too many reasons.
    """

    readings: tuple[Measurement, ...]
    place: Platform
    places: tuple[Platform, ...]
    latencies: pd.DataFrame | None
    cpus: int | None
    limits: Limits = Limits()
    # The name of the place's run, where another run is of the same machine.
    run_name: str = ""
    watched: pd.DataFrame | None = None
    # Whether the interpreter had its lock; None is not known.
    gil: bool | None = None

    def of(self, workload: str, *, fact: str | None = "") -> tuple[Measurement, ...]:
        """Return the readings of a workload, by default the main ones."""
        return pick(self.readings, workload, fact=fact)

    def family(self, name: str) -> tuple[Measurement, ...]:
        """Return the main readings of a family."""
        return pick(self.readings, where=lambda reading: reading.family == name)

    def floor_of(self, measurement: Measurement) -> Measurement | None:
        """Return the reading of a case's floor, where it was measured in the same unit."""
        workload = measurement.floor.partition("[")[0]
        found = pick(self.readings, workload, where=lambda other: other.case == measurement.floor)
        return found[0] if found and found[0].unit == measurement.unit else None

    def methods(self, readings: tuple[Measurement, ...]) -> tuple[str, ...]:
        """Return the start methods of some readings, in the order that tables have."""
        present = {reading.method for reading in readings}
        return tuple(name for name in _METHODS if name in present)

    def first_method(self, readings: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
        """Return the readings of the first start method, or all where none can matter."""
        known = self.methods(readings)
        if not known:
            return readings
        return pick(readings, fact=None, where=lambda reading: reading.method == known[0])

    @property
    def where(self) -> str:
        """Run, machine and interpreter, as far as it takes to know which place is shown."""
        return ", ".join(part for part in (self.run_name, self.place.name) if part)

    @property
    def note(self) -> str:
        """Say which place is shown, where there are several."""
        return f"Shown: {self.where}." if len(self.places) > 1 else ""


def prepare(
    summaries: pd.DataFrame,
    agents: pd.DataFrame,
    latencies: pd.DataFrame | None = None,
    cpus: int | None = None,
) -> FigureData | None:
    """
    Choose the place with the most readings and take its readings out of the tables.

    Args:
        summaries: As `analysis.summarize` makes them; every family and the floors.
        agents: As `analysis.summarize.agent_medians` makes them.
        latencies: As `store.latencies` makes them, or None.
        cpus: Usable CPUs of that place, for the shading of worker counts.

    Returns:
        None where nothing was measured.
    """
    places = platforms_of(summaries)
    if not places:
        return None
    here = places[0]
    others = {place.run for place in places if place.machine == here.machine} - {here.run}
    return FigureData(
        readings_of(summaries, agents, here),
        here,
        places,
        latencies,
        cpus,
        Limits(allowed=cpus),
        names_in(summaries)[here.run] if others else "",
    )


def value_of(measurement: Measurement, name: str) -> ParamValue:
    """Return a parameter of a reading, or its start method; empty where it has none."""
    return measurement.method if name == METHOD else measurement.params.get(name, "")


def values_of(readings: tuple[Measurement, ...], name: str) -> tuple[ParamValue, ...]:
    """Return the values of a parameter, or the start methods, in the order of the readings."""
    return tuple(dict.fromkeys(value_of(reading, name) for reading in readings))


def words_of(measurement: Measurement, name: str) -> str:
    """Write the value of a parameter, or the start method, for a legend."""
    return (
        measurement.method if name == METHOD else params_words({name: value_of(measurement, name)})
    )
