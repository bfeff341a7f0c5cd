"""Ratios in a matrix: one row for each thing, one column for each environment or method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from mpbench.report.document import Figure
from mpbench.report.figures.axes import CHARACTER
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.cells import Cells, draw_cells, ratio_cell
from mpbench.report.figures.labels import ratio_words

__all__ = ("Matrix", "Ratio", "matrix_figure")

_ROW, _AROUND = 0.30, 0.95
# Inches that the cells of a row have together, beside the names of the rows.
_CELLS = 5.2


class Ratio(NamedTuple):
    """A cost as a multiple of another, with its interval where there is one."""

    value: float
    low: float | None
    high: float | None

    @property
    def is_unsure(self) -> bool:
        """Whether 1 lies in the interval, or there is none; the base itself is not unsure."""
        if self.low == self.high == 1:
            return False
        return self.low is None or self.high is None or self.low <= 1 <= self.high


class Matrix(NamedTuple):
    """A matrix of ratios; what is not in `ratios` was not measured."""

    key: str
    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    ratios: Mapping[tuple[str, str], Ratio]
    caption: str


def _table(figure: Matrix) -> pd.DataFrame:
    rows = []
    for row in figure.rows:
        cells = {"": row}
        for column in figure.columns:
            one = figure.ratios.get((row, column))
            cells[column] = "" if one is None else ratio_words(one.value)
            if one is not None and one.low is not None and one.high is not None:
                cells[column] += f" ({ratio_words(one.low)} to {ratio_words(one.high)})"
        rows.append(cells)
    return pd.DataFrame(rows)


def matrix_figure(scope: str, figure: Matrix) -> Figure:
    """
    Draw ratios as cells.

    A ratio whose interval holds 1 has a `~`, italics and no colour: noise must
    not look like news.
    """
    cells = {
        place: ratio_cell(
            ratio.value,
            f"{'~' if ratio.is_unsure else ''}{ratio_words(ratio.value)}",
            is_unsure=ratio.is_unsure,
        )
        for place, ratio in figure.ratios.items()
    }

    longest = max(len(column) for column in figure.columns)
    is_slanted = longest * CHARACTER > _CELLS / len(figure.columns)
    slanted = 0.045 * min(34, longest) if is_slanted else 0.0

    def draw(drawing: Drawing) -> None:
        axes = drawing.subplots()
        draw_cells(axes, Cells(figure.rows, figure.columns, cells), longest=34)
        axes.xaxis.tick_top()
        if is_slanted:
            axes.tick_params(axis="x", labelrotation=30)
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("left")

    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(
            f"{scope}-{figure.key}",
            draw,
            width=WIDTH,
            height=_AROUND + slanted + _ROW * max(2, len(figure.rows)),
        ),
        caption=figure.caption,
        alt=f"Heat map of {figure.title}. {figure.caption}",
        table=_table(figure),
    )
