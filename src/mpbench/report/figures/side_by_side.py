"""The values of a comparison as a table: what is compared side by side, in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from mpbench.analysis.measurements import Measurement
from mpbench.report.document import Figure
from mpbench.report.figures.labels import params_words, quantity, reading_name
from mpbench.report.figures.style import clean

__all__ = ("row_of", "side_by_side_table")

_NOTHING = "\N{EN DASH}"


def row_of(
    *names: str, with_workload: bool = False, with_method: bool = False
) -> Callable[[Measurement], str]:
    """
    Return what names the row of a reading: some of its parameters, and which reading it is.

    Args:
        names: Parameters; those that a case does not have are left out.
        with_workload: Whether the workload's name stands in front.
        with_method: Whether the start method does.
    """

    def words(measurement: Measurement) -> str:
        given = {name: measurement.params[name] for name in names if name in measurement.params}
        first = (
            [measurement.workload] if with_workload else [measurement.method] if with_method else []
        )
        last = [reading_name(measurement.fact, "")] if measurement.fact else []
        caption = ", ".join(part for part in (*first, params_words(given), *last) if part)
        return caption or reading_name("", measurement.metric)

    return words


def _order(measurement: Measurement) -> tuple[tuple[str, float], ...]:
    return tuple(
        (name, v) for name, v in sorted(measurement.params.items()) if isinstance(v, float)
    )


def _value(measurement: Measurement) -> str:
    median = quantity(measurement.value, measurement.unit)
    if measurement.low is None or measurement.high is None:
        return median
    low, high = (quantity(end, measurement.unit) for end in (measurement.low, measurement.high))
    return f"{median} ({low} to {high})"


def side_by_side_table(
    figure: Figure, columns: Mapping[str, Iterable[Measurement]], row: Callable[[Measurement], str]
) -> Figure:
    """
    Return a figure whose table has a column for each series and a row for each situation.

    Args:
        figure: The figure.
        columns: The readings of each column, under its title.
        row: Names the row of a reading.
    """
    cells: dict[str, dict[str, str]] = {}
    every = [(name, reading) for name, each in columns.items() for reading in each]
    for name, one in sorted(every, key=lambda pair: _order(pair[1])):
        cells.setdefault(row(one), {}).setdefault(clean(name), _value(one))
    titles = [clean(name) for name in columns]
    rows = [
        {"median (95 % interval)": words, **{name: found.get(name, _NOTHING) for name in titles}}
        for words, found in cells.items()
    ]
    table = pd.DataFrame(rows, columns=["median (95 % interval)", *titles])
    return figure._replace(table=table)
