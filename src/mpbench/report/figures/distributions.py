"""Figures of single operations: which workloads have enough of them, and in what series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mpbench.analysis.measurements import ParamValue
from mpbench.report.document import Figure
from mpbench.report.figures.ecdf import Distribution, ecdf_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import params_words

__all__ = ("tails",)

_COMPETING = frozenset({"workers", "clients", "consumers", "producers", "writers"})
_MOST_FIGURES, _MOST_SERIES = 1, 4
# Fewer single operations than this have no tail to show.
_LEAST = 200


def _params(row: pd.Series[Any]) -> dict[str, ParamValue]:
    names = [str(name) for name in row.index if str(name).startswith("param:")]
    return {name.removeprefix("param:"): row[name] for name in names if pd.notna(row[name])}


class _Case(NamedTuple):
    """The single operations of one case."""

    method: str
    params: dict[str, ParamValue]
    seconds: npt.NDArray[np.float64]


def _cases(table: pd.DataFrame) -> list[_Case]:
    found = []
    for _, each in table.groupby("case", observed=True, sort=True):
        first = each.iloc[0]
        seconds = each["value"].to_numpy(dtype=float)
        found.append(_Case(str(first["method"]), _params(first), seconds))
    return found


def _spread(values: Sequence[ParamValue]) -> set[ParamValue]:
    """Choose first, last and some between, so that the lines can still be told apart."""
    last = len(values) - 1
    places = {round(place * last / (_MOST_SERIES - 1)) for place in range(_MOST_SERIES)}
    return {values[place] for place in places}


def _series(cases: list[_Case]) -> tuple[dict[str, npt.NDArray[np.float64]], str]:
    """
    Return the operations by series, and what all of them share.

    The series are the values of the number that varies, such as workers,
    under the first start method; the start methods where none varies.
    """
    first = cases[0]
    varied = [
        name
        for name, value in first.params.items()
        if isinstance(value, float) and any(case.params.get(name) != value for case in cases)
    ]
    if varied:
        # How many compete says more about a tail than any size does.
        name = next((one for one in varied if one in _COMPETING), varied[0])
        values = sorted({case.params[name] for case in cases if name in case.params})
        shared = {key: value for key, value in first.params.items() if key != name}
        kept = [
            case
            for case in cases
            if case.method == first.method
            and all(case.params.get(key) == value for key, value in shared.items())
            and case.params.get(name) in _spread(values)
        ]
        series = {params_words({name: reading.params[name]}): reading.seconds for reading in kept}
        return series, ", ".join(part for part in (first.method, params_words(shared)) if part)
    kept = [case for case in cases if case.params == first.params]
    return {reading.method: reading.seconds for reading in kept}, params_words(first.params)


def tails(family: str, material: FigureData) -> Iterator[Figure]:
    """Draw the distribution of single operations for the workloads that have the most of them."""
    table = material.latencies
    if table is None or table.empty:
        return
    here = table[
        (table["family"] == family)
        & (table["run"] == material.place.run)
        & (table["subject"] == material.place.subject)
    ]
    counts = (
        here.groupby("workload", observed=True).size().sort_values(ascending=False, kind="stable")
    )
    for name in counts[counts >= _LEAST].index[:_MOST_FIGURES]:
        series, shared = _series(_cases(here[here["workload"] == name]))
        behaviour = str(name).partition("/")[2]
        title = f"{name}: how long single operations took" + (f" ({shared})" if shared else "")
        figure = ecdf_figure(family, Distribution(f"tail-{behaviour}", title, series))
        if figure is not None:
            yield figure._replace(caption=f"{figure.caption} {material.note}".strip())
