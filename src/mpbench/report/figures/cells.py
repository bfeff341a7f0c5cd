"""A table of numbers as coloured cells, each with its number in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from mpbench.report.figures.style import INK, clean

__all__ = ("Cell", "Cells", "draw_cells", "ratio_cell", "share_colour")

_DARK, _LIGHT = "#000000", "#FFFFFF"
# Blue is cheaper, vermillion dearer; what does not differ has the colour of the page, which
# may be dark.
_CHEAPER, _DEARER = "#2166AC", "#D55E00"
_STRONGEST = 0.6
# Four times as much, or a quarter, has the full colour.
_FULL = math.log(4)


class Cell(NamedTuple):
    """
    One cell: its colour and the words in it; `is_unsure` sets the words in italics.

    `alpha` below 1 lets the page shine through, and the words have the page's colour.
    """

    colour: str
    words: str
    is_unsure: bool = False
    alpha: float = 1.0


class Cells(NamedTuple):
    """Rows and columns by their names; a cell that is not there is hatched."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[str, str], Cell]


def ratio_cell(ratio: float, words: str, *, is_unsure: bool) -> Cell:
    """Return a cell for a ratio; without colour at 1 and where it is unsure."""
    size = 0.0 if is_unsure else min(1.0, abs(math.log(ratio)) / _FULL)
    return Cell(_DEARER if ratio > 1 else _CHEAPER, words, is_unsure, _STRONGEST * size)


def share_colour(share: float) -> str:
    """Return the colour of a share between 0 and 1 from cividis, bright at 1."""
    return str(mpl.colors.to_hex(mpl.colormaps["cividis"](max(0.0, min(1.0, share)))))


def _text_colour(fill: str) -> str:
    """Return black or white, whichever contrasts more with a fill (WCAG relative luminance)."""
    parts = [int(fill[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - sRGB
        for part in parts
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return _DARK if luminance > 0.179 else _LIGHT  # noqa: PLR2004 - equal contrast with both


def draw_cells(axes: Any, table: Cells, *, longest: int = 30) -> None:
    """Draw cells with the first row on top and the column names above."""
    for down, row in enumerate(table.rows):
        for along, column in enumerate(table.columns):
            cell = table.cells.get((row, column))
            axes.add_patch(
                Rectangle(
                    (along - 0.5, down - 0.5),
                    1,
                    1,
                    facecolor=to_rgba(cell.colour, cell.alpha) if cell else "none",
                    edgecolor=INK,
                    linewidth=0.4,
                    hatch=None if cell else "///",
                    alpha=None if cell else 0.35,
                )
            )
            if cell:
                axes.text(
                    along,
                    down,
                    cell.words,
                    ha="center",
                    va="center",
                    fontsize=8.5,
                    style="italic" if cell.is_unsure else "normal",
                    color=INK if cell.alpha < 1 else _text_colour(cell.colour),
                )
    axes.set_xlim(-0.5, len(table.columns) - 0.5)
    axes.set_ylim(len(table.rows) - 0.5, -0.5)
    axes.set_xticks(
        range(len(table.columns)), labels=[clean(one, longest=longest) for one in table.columns]
    )
    axes.set_yticks(
        range(len(table.rows)), labels=[clean(one, longest=longest) for one in table.rows]
    )
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
