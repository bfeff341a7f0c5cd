"""Figures of consecutive parts of one operation, from zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.patches import Patch

from mpbench.report.document import Figure
from mpbench.report.figures.axes import CHARACTER, set_zero_based
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import quantity
from mpbench.report.figures.style import INK, SHADES, clean

__all__ = ("Part", "Stack", "Stacks", "stacks_figure")

_ROW, _AROUND = 0.42, 1.15


class Part(NamedTuple):
    """One part of a bar: what it is and how much of the whole."""

    name: str
    value: float


class Stack(NamedTuple):
    """One bar; `total` is what was measured as a whole and may differ a little from the sum."""

    label: str
    parts: tuple[Part, ...]
    total: float


class Stacks(NamedTuple):
    """A figure of bars in one unit, with its conclusion."""

    key: str
    title: str
    bars: tuple[Stack, ...]
    unit: str
    caption: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts, in the order in which they first appear."""
        return tuple(dict.fromkeys(part.name for bar in self.bars for part in bar.parts))


def _draw_bar(axes: Any, bar: Stack, height: float, figure: Stacks, inches: float) -> None:
    """Draw the parts of one bar with their values where they fit, and the total at its end."""
    left, names = 0.0, figure.names
    whole = max(one.total for one in figure.bars)
    for part in bar.parts:
        if part.value <= 0:
            continue
        shade = SHADES[names.index(part.name) % len(SHADES)]
        axes.barh(
            height,
            part.value,
            left=left,
            height=0.62,
            facecolor=shade.colour,
            edgecolor=INK,
            linewidth=0.5,
            hatch=shade.hatch,
        )
        words = quantity(part.value, figure.unit)
        if part.value / whole * inches > (len(words) + 1) * CHARACTER:
            axes.text(
                left + part.value / 2,
                height,
                words,
                ha="center",
                va="center",
                fontsize=8,
                color=shade.text,
            )
        left += part.value
    axes.annotate(
        quantity(bar.total, figure.unit),
        (max(left, bar.total), height),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
    )


def _table(figure: Stacks) -> pd.DataFrame:
    rows = []
    for bar in figure.bars:
        parts: Mapping[str, float] = {part.name: part.value for part in bar.parts}
        row = {"": bar.label}
        row |= {
            name: quantity(parts[name], figure.unit) if name in parts else ""
            for name in figure.names
        }
        rows.append(row | {"measured as a whole": quantity(bar.total, figure.unit)})
    return pd.DataFrame(rows)


def stacks_figure(family: str, figure: Stacks) -> Figure:
    """Draw horizontal bars of parts, the first bar on top."""
    count = len(figure.bars)
    longest = max(len(bar.label) for bar in figure.bars)
    inches = WIDTH - 1.2 - min(36, longest) * CHARACTER

    def draw(drawing: Drawing) -> None:
        axes = drawing.subplots()
        # Room for the totals to the right of the longest bar.
        set_zero_based(axes, [max(b.total for b in figure.bars) * 1.12], figure.unit, which="x")
        for place, bar in enumerate(figure.bars):
            _draw_bar(axes, bar, place, figure, inches)
        axes.set_yticks(range(count), labels=[clean(bar.label, longest=36) for bar in figure.bars])
        axes.set_ylim(count - 0.45, -0.55)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        shades = [SHADES[place % len(SHADES)] for place in range(len(figure.names))]
        handles = [
            Patch(facecolor=shade.colour, edgecolor=INK, linewidth=0.5, hatch=shade.hatch)
            for shade in shades
        ]
        names = [clean(name, longest=34) for name in figure.names]
        across = max(1, min(len(names), int(92 / (7 + max(len(name) for name in names)))))
        drawing.legend(handles, names, loc="outside upper left", ncols=across, handlelength=1.6)

    legend_rows = -(-len(figure.names) // 3)
    height = _AROUND + 0.2 * legend_rows + _ROW * max(2, count)
    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(f"{family}-{figure.key}", draw, width=WIDTH, height=height),
        caption=figure.caption,
        alt=f"Stacked bars of {figure.title}; parts: {', '.join(figure.names)}. {figure.caption}",
        table=_table(figure),
    )
