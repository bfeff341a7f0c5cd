"""Style of figures: colours, markers and lines, the same in every figure."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ("INK", "SETTINGS", "SHADES", "SeriesStyle", "Shade", "clean", "series_styles")

# Text and lines are drawn in this colour, which the canvas then replaces by
# `currentColor`: a figure takes the colour of the page's text, light or dark.
INK = "#010203"

_LONGEST = 48


class SeriesStyle(NamedTuple):
    """Colour, marker and line of one series: three cues, so that colour is never alone."""

    colour: str
    marker: str
    line: Any


# Hues of Okabe and Ito (Color Universal Design, 2008). Blue is a little lighter,
# orange, sky blue and purple are darker than theirs, until each has a contrast
# of 3 to 1 on white and on the report's dark background.
_BLUE, _VERMILLION, _GREEN = "#1F7FBF", "#D55E00", "#009E73"
_PURPLE, _ORANGE, _SKY, _GREY = "#C06C9A", "#BD8300", "#3A96D0", "#8A8F98"

_LOOKS: tuple[SeriesStyle, ...] = (
    SeriesStyle(_BLUE, "o", "-"),
    SeriesStyle(_VERMILLION, "s", (0, (5, 2))),
    SeriesStyle(_GREEN, "^", (0, (4, 1, 1, 1))),
    SeriesStyle(_PURPLE, "D", (0, (1, 1))),
    SeriesStyle(_ORANGE, "v", (0, (6, 1, 1, 1, 1, 1))),
    SeriesStyle(_SKY, "P", (0, (3, 1))),
    SeriesStyle(INK, "X", (0, (2, 2))),
    SeriesStyle(_GREY, "<", (0, (1, 2))),
)


class Shade(NamedTuple):
    """Opaque fill, hatch and text colour of one part of a bar."""

    colour: str
    hatch: str
    text: str


# From cividis (Nunez, Anderton, Renslow, PLOS ONE 13, 2018), ordered so that
# neighbours differ in lightness as well.
SHADES: tuple[Shade, ...] = (
    Shade("#575D6D", "", "#FFFFFF"),
    Shade("#D3C164", "", "#000000"),
    Shade("#33507A", "", "#FFFFFF"),
    Shade("#A69D75", "///", "#000000"),
    Shade("#FEE838", "", "#000000"),
    Shade("#7C7B78", "...", "#FFFFFF"),
    Shade("#B9AC70", "xxx", "#000000"),
    Shade("#123570", "", "#FFFFFF"),
)

# Names that users compare again and again keep their look from figure to figure.
_KNOWN: Mapping[str, int] = {
    "fork": 0,
    "spawn": 1,
    "forkserver": 2,
    "Pipe": 0,
    "Queue": 1,
    "SimpleQueue": 2,
    "JoinableQueue": 3,
    "Value": 0,
    "Array": 1,
    "Manager": 2,
    "map": 0,
    "imap": 1,
    "starmap": 2,
    "imap_unordered": 3,
    "Lock": 0,
    "RLock": 1,
    "Semaphore": 2,
    "BoundedSemaphore": 3,
}

# Set around drawing and saving only; nothing of it outlives a figure.
SETTINGS: Mapping[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.formatter.use_mathtext": False,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.unicode_minus": False,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Segoe UI", "Arial", "sans-serif"],
    "font.size": 9.5,
    "grid.alpha": 0.16,
    "grid.color": INK,
    "grid.linewidth": 0.6,
    "hatch.color": INK,
    "hatch.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    # Names come from files: a `$` in one is a dollar sign and no formula.
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": INK,
    "xtick.labelsize": 9,
    "xtick.major.width": 0.7,
    "ytick.color": INK,
    "ytick.labelsize": 9,
    "ytick.major.width": 0.7,
}


def clean(text: str, *, longest: int = _LONGEST) -> str:
    """
    Make a name from a file fit for a figure.

    Control characters cannot stand in SVG and would hide or reorder text; a
    long name would push everything else out of the picture.
    """
    shown = "".join(
        " " if unicodedata.category(character)[0] == "C" else character for character in text
    )
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def series_styles(names: Sequence[str]) -> dict[str, SeriesStyle]:
    """
    Give each name its look: the known one, or one that follows from the name itself.

    The same name has the same look in every figure, unless two names of one
    figure would share one; then the later moves on.
    """
    given: dict[str, int] = {name: _KNOWN[name] for name in names if name in _KNOWN}
    taken = set(given.values())
    for name in sorted(set(names) - set(given), key=names.index):
        # Sizes and counts are a series, not names: they take the looks in their order.
        is_number = any(one.isdigit() for one in name)
        place = 0 if is_number else zlib.crc32(name.encode()) % len(_LOOKS)
        if len(taken) < len(_LOOKS):
            while place in taken:
                place = (place + 1) % len(_LOOKS)
        taken.add(place)
        given[name] = place
    return {name: _LOOKS[given[name]] for name in names}
