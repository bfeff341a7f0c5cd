"""A table of numbers as coloured cells, each with its number in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from mpbench.report.figures.style import INK, clean

__all__ = ("Cell", "Cells", "draw_cells", "ratio_colour", "share_colour")

_DARK, _LIGHT = "#000000", "#FFFFFF"
# Blue is cheaper, vermillion dearer, and what does not differ is nearly white.
_RATIOS = LinearSegmentedColormap.from_list(
    "ratios", ["#2166AC", "#92C5DE", "#F4F4F4", "#F4A582", "#B2430C"]
)
# Four times as much, or a quarter, has the full colour.
_FULL = math.log(4)


class Cell(NamedTuple):
    """One cell: its colour and the words in it; `is_unsure` sets the words in italics."""

    colour: str
    words: str
    is_unsure: bool = False


class Cells(NamedTuple):
    """Rows and columns by their names; a cell that is not there is hatched."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[str, str], Cell]


def ratio_colour(ratio: float) -> str:
    """Return the colour of a ratio, white at 1."""
    place = 0.5 + 0.5 * max(-1.0, min(1.0, math.log(ratio) / _FULL))
    return str(mpl.colors.to_hex(_RATIOS(place)))


def share_colour(share: float) -> str:
    """Return the colour of a share between 0 and 1 from cividis, bright at 1."""
    return str(mpl.colors.to_hex(mpl.colormaps["cividis"](max(0.0, min(1.0, share)))))


def _text_colour(fill: str) -> str:
    """Return black or white, whichever contrasts more with a fill (WCAG relative luminance)."""
    parts = [int(fill[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]  # noqa: PLR2004 - sRGB
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
                    facecolor=cell.colour if cell else "none",
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
                    color=_text_colour(cell.colour),
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
