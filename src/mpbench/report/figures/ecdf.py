"""Cumulative distribution of single operations, up to the slowest 0.1 %."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from mpbench.report.document import Figure
from mpbench.report.figures.axes import set_log
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import quantity, ratio_words
from mpbench.report.figures.legend import legend_above
from mpbench.report.figures.style import clean, series_styles

__all__ = ("Distribution", "ecdf_figure")

_HEIGHT = 3.5
# A quantile is drawn only where so many operations lie beyond it: the 99.9th
# percentile of 1,000 operations is one operation.
_BEYOND = 5
_MARKED = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"))
# "Median" has one meaning on a page: that of a case, over its agents.
_PERCENTILES = "Percentiles are of single operations, all agents together; a median is of agents."
# Nines drawn above the last percentile that is marked.
_ABOVE = 0.5
# Points of one curve: more cannot be told apart at this width.
_POINTS = 240

_Floats = npt.NDArray[np.float64]


class Distribution(NamedTuple):
    """Single operations in seconds, by series."""

    key: str
    title: str
    series: Mapping[str, Sequence[float] | _Floats]


def _nines(share: Any) -> Any:
    """Return where a share stands: equal steps for 90 %, 99 %, 99.9 %."""
    return -np.log10(1 - np.asarray(share, float))


def _curve(values: _Floats) -> tuple[_Floats, _Floats]:
    """Return times and places of the share of operations, dense in the tail."""
    last = 1 - 1 / len(values)
    shares = 1 - np.logspace(0, math.log10(1 - last), _POINTS) if len(values) > 1 else np.zeros(1)
    return np.quantile(values, shares), _nines(np.minimum(shares, last))


def _known(count: int) -> tuple[tuple[float, str], ...]:
    """Return the percentiles that so many operations can tell."""
    return tuple((share, name) for share, name in _MARKED if (1 - share) * count >= _BEYOND)


def _table(figure: Distribution) -> pd.DataFrame:
    rows = []
    for name, values in figure.series.items():
        known = _known(len(values))
        marks = {
            label: quantity(float(np.quantile(values, share)), "s")
            if (share, label) in known
            else ""
            for share, label in _MARKED
        }
        rows.append(
            {"series": name, "operations": len(values)}
            | marks
            | {"longest": quantity(float(max(values)), "s")}
        )
    return pd.DataFrame(rows)


def _caption(figure: Distribution) -> str:
    """Say for each series how far its tail is from its middle."""
    parts = []
    for name, values in figure.series.items():
        share, label = _known(len(values))[-1]
        middle, tail = (float(one) for one in np.quantile(values, [0.5, share]))
        words = f"{clean(name)}: " * bool(name) + f"p50 {quantity(middle, 's')}"
        if share > _MARKED[0][0]:
            words += f", {label} {quantity(tail, 's')} ({ratio_words(tail / middle)} times)"
        parts.append(words)
    return f"{'; '.join(parts)}. {_PERCENTILES}"


def ecdf_figure(family: str, figure: Distribution) -> Figure | None:
    """
    Draw the cumulative distribution of each series; it has no parameter to choose.

    The vertical axis counts nines, so that the slowest operations, which a
    linear axis presses into its last pixel, have as much room as the others.

    Returns:
        The figure, or None where no series has enough operations for a median.
    """
    series = {
        name: np.sort(np.asarray(values, float))
        for name, values in figure.series.items()
        if len(values) >= 2 * _BEYOND and min(values) > 0
    }
    if not series:
        return None
    shown = series_styles(tuple(series))
    top = max(_known(len(values))[-1][0] for values in series.values())

    def draw(drawing: Drawing) -> None:
        axes = drawing.subplots()
        # As far right as the curves stay below the upper edge.
        last = 1 - 10.0 ** -(float(_nines(top)) + _ABOVE)
        ends = [float(one) for v in series.values() for one in np.quantile(v, [0.001, last])]
        set_log(axes, ends, "s", which="x")
        for name, values in series.items():
            look = shown[name]
            axes.plot(*_curve(values), color=look.colour, linestyle=look.line)
            marks = [share for share, _ in _known(len(values))]
            axes.plot(
                np.quantile(values, marks),
                _nines(marks),
                color=look.colour,
                marker=look.marker,
                linestyle="none",
            )
        ticks = [(share, name) for share, name in _MARKED if share <= top]
        axes.set_yticks(
            [0, *(float(_nines(share)) for share, _ in ticks)],
            labels=["0", *(f"{100 * share:g} %" for share, _ in ticks)],
        )
        axes.set_ylim(0, float(_nines(top)) + _ABOVE)
        axes.set_ylabel("operations that took no longer")
        axes.set_xlabel("one operation")
        legend_above(drawing, shown)

    kept = figure._replace(series=series)
    caption = _caption(kept)
    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(f"{family}-{figure.key}", draw, width=WIDTH, height=_HEIGHT),
        caption=caption,
        alt=f"Cumulative distribution of {figure.title}. {caption}",
        table=_table(kept),
    )
