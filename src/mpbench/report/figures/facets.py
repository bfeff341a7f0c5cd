"""Several readings of the same cases side by side, each with its own unit, over one sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mpbench.analysis.measurements import Measurement
from mpbench.report.document import Figure
from mpbench.report.figures.axes import mark_place, place_of_count, set_swept, set_values
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import compared, once, param_name, params_words, table_of
from mpbench.report.figures.legend import legend_above, shade_beyond
from mpbench.report.figures.limits import Limits
from mpbench.report.figures.style import series_styles
from mpbench.report.figures.sweeps import draw_lines

__all__ = ("Facet", "Facets", "facets_figure")

_HEIGHT = 3.2
# The worst that three or more workers can do is near 0; the axis shows all of it.
_WHOLE = (0.0, 1.05)


class Facet(NamedTuple):
    """One reading of the contended case, by series."""

    title: str
    series: Mapping[str, tuple[Measurement, ...]]


class Facets(NamedTuple):
    """
    A figure of facets over the same parameter.

    Worker counts beyond `limits` are shaded; `marks` are values of the parameter
    with the words of their lines.
    """

    key: str
    title: str
    over: str
    facets: tuple[Facet, ...]
    limits: Limits = Limits()
    marks: tuple[tuple[float, str], ...] = ()
    note: str = ""

    @property
    def readings(self) -> tuple[Measurement, ...]:
        """Everything that is drawn."""
        return tuple(reading for f in self.facets for each in f.series.values() for reading in each)

    @property
    def values(self) -> tuple[float, ...]:
        """The worker counts, in ascending order."""
        found = {reading.number(self.over) for reading in self.readings}
        return tuple(sorted(value for value in found if value is not None))


def _caption(figure: Facets) -> str:
    """Compare the series at the last value of the sweep, reading by reading."""
    most = figure.values[-1]
    parts: list[str] = []
    for facet in figure.facets:
        there = {
            name: reading
            for name, each in facet.series.items()
            for reading in each
            if reading.number(figure.over) == most
        }
        if there:
            title = facet.title if not parts else facet.title[:1].upper() + facet.title[1:]
            parts.append(f"{title}: {compared(there)}.")
    where = params_words({figure.over: most})
    return once(f"With {where}, {' '.join(parts)} {figure.note}".strip())


def _scale(axes: Any, facet: Facet) -> None:
    readings = tuple(reading for each in facet.series.values() for reading in each)
    set_values(axes, readings)
    if readings[0].metric == "fairness":
        # Values far apart made it logarithmic, and a share is read from 0.
        axes.set_yscale("linear")
        axes.set_ylim(*_WHOLE)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1 (fair)"])
    axes.set_ylabel("")


def facets_figure(family: str, figure: Facets) -> Figure:
    """Draw one panel for each reading over the same worker counts."""
    names = tuple(dict.fromkeys(name for facet in figure.facets for name in facet.series))
    shown, count = series_styles(names), len(figure.facets)
    caption = _caption(figure)

    def draw(drawing: Drawing) -> None:
        grid = drawing.subplots(1, count, squeeze=False)[0]
        for number, (axes, facet) in enumerate(zip(grid, figure.facets, strict=True)):
            places = set_swept(axes, figure.over, figure.values, (WIDTH - 0.7 * count) / count)
            draw_lines(axes, facet.series, figure.over, places, shown)
            _scale(axes, facet)
            axes.set_title(facet.title)
            axes.set_xlabel(param_name(figure.over))
            shade_beyond(axes, figure.limits)
            for rank, (value, words) in enumerate(figure.marks):
                place = places.get(value, place_of_count(value))
                mark_place(axes, place, "" if number else words, top=1 - 0.08 * rank)
        legend_above(drawing, shown, figure.limits.exceeded_by(figure.values[-1]))

    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(f"{family}-{figure.key}", draw, width=WIDTH, height=_HEIGHT),
        caption=caption,
        alt=f"{count} line charts of {figure.title} by {param_name(figure.over)}. {caption}",
        table=table_of(figure.readings),
    )
