"""Figure of efficiency over chunk size and task length, with the break-even line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from mpbench.report.document import Figure
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.cells import Cell, Cells, draw_cells, share_colour
from mpbench.report.figures.style import INK

__all__ = ("Surface", "surface_figure")

_ROW, _AROUND = 0.36, 1.25
_LEVELS = (0.5, 0.9)


class Surface(NamedTuple):
    """
    Efficiency by task length and chunk size.

    `tasks` and `chunks` are the written values in ascending order, `lengths`
    the task lengths in seconds; `share` has a row for each task length and None
    where a combination was not measured.
    """

    key: str
    title: str
    tasks: Sequence[str]
    lengths: Sequence[float]
    chunks: Sequence[str]
    share: Sequence[Sequence[float | None]]
    row_name: str
    column_name: str
    caption: str


def _cells(figure: Surface) -> Cells:
    cells = {
        (row, column): Cell(share_colour(share), f"{share:.0%}".replace("%", " %"))
        for row, shares in zip(figure.tasks, figure.share, strict=True)
        for column, share in zip(figure.chunks, shares, strict=True)
        if share is not None
    }
    return Cells(figure.tasks, figure.chunks, cells)


def _draw_border(axes: Any, figure: Surface, level: float, style: str) -> None:
    """Draw the border of the cells that reach a level, column by column, between the numbers."""
    steps: list[tuple[float, float]] = []
    for along in range(len(figure.chunks)):
        reached = [
            down
            for down, row in enumerate(figure.share)
            if (share := row[along]) and share >= level
        ]
        edge = (reached[0] if reached else len(figure.tasks)) - 0.5
        steps += [(along - 0.5, edge), (along + 0.5, edge)]
    if all(edge in {-0.5, len(figure.tasks) - 0.5} for _, edge in steps):
        return
    # A white edge keeps the line visible on dark and bright cells alike.
    axes.plot(*zip(*steps, strict=True), color="#FFFFFF", linewidth=4.2, clip_on=False)
    axes.plot(
        *zip(*steps, strict=True),
        color="#000000",
        linewidth=1.8,
        linestyle=style,
        clip_on=False,
        label=f"{level:.0%} reached below this line".replace("%", " %"),
    )


def surface_figure(family: str, figure: Surface) -> Figure:
    """Draw efficiencies as cells, with the lines above which more than half is wasted."""

    def draw(drawing: Drawing) -> None:
        axes = drawing.subplots()
        draw_cells(axes, _cells(figure))
        for level, style in zip(_LEVELS, ("-", "--"), strict=True):
            _draw_border(axes, figure, level, style)
        axes.set_ylabel(figure.row_name)
        axes.set_xlabel(figure.column_name)
        if axes.get_legend_handles_labels()[1]:
            legend = drawing.legend(loc="outside upper left", ncols=2)
            for line in legend.get_lines():
                line.set_color(INK)

    rows = [
        {figure.row_name: task}
        | {
            f"{figure.column_name} {chunk}": "" if share is None else f"{share:.1%}"
            for chunk, share in zip(figure.chunks, shares, strict=True)
        }
        for task, shares in zip(figure.tasks, figure.share, strict=True)
    ]
    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(
            f"{family}-{figure.key}",
            draw,
            width=WIDTH,
            height=_AROUND + _ROW * max(2, len(figure.tasks)),
        ),
        caption=figure.caption,
        alt=f"Heat map of {figure.title}. {figure.caption}",
        table=pd.DataFrame(rows),
    )
