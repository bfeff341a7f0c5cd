"""From drawing commands to one `<svg>` element that can stand in any page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Drawing

from mpbench.report.figures.style import INK, SETTINGS

__all__ = ("WIDTH", "Drawing", "render")

# Inches: 720 px at 96 px to the inch, the width of the report's column.
WIDTH = 7.5

_PROLOGUE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
# Matplotlib's own style sheet would rule the whole page.
_SHEETS = re.compile(r"\s*<metadata>.*?</metadata>|\s*<style.*?</style>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_STYLE = re.compile(r'style="([^"]*)"')
# Only definitions need an id; `figure_1` and the like would repeat in every figure.
_GROUP_ID = re.compile(r'(?<=^<g) id="[^"]*"')
_LONG_NUMBER = re.compile(r"(?<=\.\d\d)\d+")
_FAMILY = re.compile(r' font-family="[^"]*"')


def _attributes(style: re.Match[str]) -> str:
    """Write declarations as attributes, which a page may forbid to have a `style`."""
    pairs = (one.partition(":") for one in style[1].split(";") if one.strip())
    return " ".join(f'{name.strip()}="{value.strip()}"' for name, _, value in pairs)


def _tag(tag: re.Match[str]) -> str:
    """Rewrite one tag; the text between tags is never touched, whatever it says."""
    text = _LONG_NUMBER.sub("", _GROUP_ID.sub("", tag[0]))
    text = _FAMILY.sub("", _STYLE.sub(_attributes, text)).replace(INK, "currentColor")
    if text.startswith("<svg "):
        family = ", ".join(SETTINGS["font.sans-serif"])
        text = f'<svg font-family="{family}" stroke-linejoin="round" {text[5:]}'
    return text


def _embed(svg: str) -> str:
    """Drop what belongs to a file of its own, and take the page's colour for text and lines."""
    svg = _TAG.sub(_tag, _SHEETS.sub("", _PROLOGUE.sub("", svg)))
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip())


def render(name: str, draw: Callable[[Drawing], Any], *, width: float, height: float) -> str:
    """
    Draw one figure and return it as SVG.

    matplotlib's settings are put back afterwards, and the drawing belongs to no
    window manager, so nothing has to be closed. The result depends on the
    arguments only: no date, and ids that follow from *name*.

    Args:
        name: Unique in a page; keeps the ids of one figure apart from another's.
        draw: Adds axes to the drawing and draws in them.
        width: In inches.
        height: In inches.
    """
    buffer = io.StringIO()
    settings: Any = {**SETTINGS, "svg.hashsalt": name}
    with mpl.rc_context(settings), warnings.catch_warnings():
        # A name in a script that the font lacks is shown by the reader's own font.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        drawing = Drawing(figsize=(width, height), layout="constrained")
        canvas: Any = FigureCanvasSVG(drawing)
        draw(drawing)
        # `Figure.savefig` would draw everything twice, once without output.
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return _embed(buffer.getvalue())
