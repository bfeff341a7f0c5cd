"""Dot plots: one row a case, one mark with its interval a series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from matplotlib.lines import Line2D

from mpbench.analysis.measurements import Measurement
from mpbench.report.document import Figure
from mpbench.report.figures.axes import set_along
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import table_of
from mpbench.report.figures.legend import columns_for
from mpbench.report.figures.style import INK, clean, series_styles

__all__ = ("DotRow", "Dots", "dots_figure")

# Inches for each row, and for axis, legend and margins together.
_ROW, _AROUND = 0.30, 1.05


class DotRow(NamedTuple):
    """One line of the figure: what it is, its readings by series, and the floor below them."""

    label: str
    series: Mapping[str, Measurement]
    floor: Measurement | None = None


class Dots(NamedTuple):
    """A figure of rows that share one unit, with its conclusion."""

    key: str
    title: str
    rows: tuple[DotRow, ...]
    caption: str

    @property
    def readings(self) -> tuple[Measurement, ...]:
        """Everything that is drawn, without the floors."""
        return tuple(line for row in self.rows for line in row.series.values())


def _draw_row(axes: Any, row: DotRow, height: float, shown: Mapping[str, Any]) -> None:
    """Draw the marks of a row, a little apart from each other so that none hides another."""
    names = [name for name in shown if name in row.series]
    if row.floor is not None:
        axes.plot(
            [row.floor.value], [height], color=INK, marker="|", markersize=12, linestyle="none"
        )
    for name in names:
        one, look = row.series[name], shown[name]
        rank = list(shown).index(name)
        offset = (rank - (len(shown) - 1) / 2) * 0.56 / len(shown)
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [height + offset] * 2, color=look.colour, linewidth=1.4)
        axes.plot(
            [one.value], [height + offset], color=look.colour, marker=look.marker, linestyle="none"
        )


def _legend(drawing: Drawing, figure: Dots, shown: Mapping[str, Any]) -> None:
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="none")
        for look in shown.values()
    ]
    names = [clean(name, longest=28) for name in shown]
    if any(row.floor is not None for row in figure.rows):
        handles.append(Line2D([], [], color=INK, marker="|", markersize=11, linestyle="none"))
        names.append("floor")
    if len(handles) > 1:
        across = columns_for(names, 5)
        drawing.legend(handles, names, loc="outside upper left", ncols=across, handlelength=1.4)


def dots_figure(family: str, figure: Dots) -> Figure:
    """Draw rows of marks, the first row on top, over one axis that holds all of them."""
    names = tuple(dict.fromkeys(name for row in figure.rows for name in row.series))
    shown = series_styles(names)
    floors = tuple(row.floor for row in figure.rows if row.floor is not None)
    count = len(figure.rows)

    def draw(drawing: Drawing) -> None:
        axes = drawing.subplots()
        set_along(axes, (*figure.readings, *floors))
        for place, row in enumerate(figure.rows):
            _draw_row(axes, row, place, shown)
        axes.set_yticks(range(count), labels=[clean(row.label, longest=44) for row in figure.rows])
        axes.set_ylim(count - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        _legend(drawing, figure, shown)

    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(
            f"{family}-{figure.key}", draw, width=WIDTH, height=_AROUND + _ROW * max(2, count)
        ),
        caption=figure.caption,
        alt=f"Dot plot of {figure.title}: {count} rows, series {', '.join(names)}. "
        f"{figure.caption}",
        table=table_of((*figure.readings, *floors)),
    )
