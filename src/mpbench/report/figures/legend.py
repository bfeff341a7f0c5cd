"""Legend above the axes, and shading beyond the usable CPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mpbench.report.figures.axes import place_of_count
from mpbench.report.figures.limits import Band, Limits
from mpbench.report.figures.style import INK, SeriesStyle, clean

__all__ = ("columns_for", "legend_above", "shade_beyond")

# Characters that fit into a row of a legend.
_ACROSS = 94


def legend_above(
    drawing: Any, shown: Mapping[str, SeriesStyle], bands: Sequence[Band] = ()
) -> None:
    """Explain the series, and the shading, in one row above the axes, where nothing is hidden."""
    # A single series without a name is explained by the title.
    named = {name: look for name, look in shown.items() if name}
    handles: list[Any] = [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle=look.line)
        for look in named.values()
    ]
    names = [clean(name, longest=28) for name in named]
    for band in bands:
        handles.append(Patch(facecolor=INK, alpha=0.12, hatch=band.hatch, linewidth=0))
        names.append(band.words)
    if handles:
        drawing.legend(handles, names, loc="outside upper left", ncols=columns_for(names, 7))


def columns_for(names: Sequence[str], beside: int) -> int:
    """
    Return in how many columns a legend of the whole width can stand.

    Args:
        names: What it says.
        beside: Width of a mark and the space around it, in characters.
    """
    for rows in range(1, len(names) + 1):
        # A legend fills its columns one after the other, and each is as wide as its longest name.
        count = -(-len(names) // rows)
        deep, longer = divmod(len(names), count)
        ends = [place * deep + min(place, longer) for place in range(count + 1)]
        widths = [max(map(len, names[at:to])) + beside for at, to in pairwise(ends)]
        if sum(widths) <= _ACROSS:
            return count
    return 1


def shade_beyond(axes: Any, limits: Limits) -> None:
    """Shade the worker counts beyond each limit; where several bind, the shades add up."""
    low, high = axes.get_xlim()
    for band in limits.bands:
        edge = place_of_count(band.beyond + 0.5)
        if edge < high:
            at = max(low, edge)
            axes.axvspan(at, high, facecolor=INK, alpha=0.07, linewidth=0)
            if band.hatch:
                axes.axvspan(at, high, fill=False, hatch=band.hatch, alpha=0.25, linewidth=0)
    axes.set_xlim(low, high)
