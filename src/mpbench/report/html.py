"""
A document as one HTML page that needs nothing else: no network, no script, no font.

What a result file says is text here and nothing else: the templates escape
everything, figures are checked to be drawings, and the page forbids itself
to load or to run anything but its own style and script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from mpbench.report import formatting
from mpbench.report.document import Cell, Column, Document, Figure, Strip, Table
from mpbench.report.svg import checked_svg, spread_svg

__all__ = ("html",)

_TEMPLATES = "templates"


def _asset(name: str) -> str:
    return files("mpbench.report").joinpath(_TEMPLATES, name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return what a content security policy names a piece of the page by."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _policy(style: str, script: str) -> str:
    """
    Return the page's content security policy.

    Style attributes are allowed because the figures consist of them; they
    come from our own drawing code. `style-src` is for browsers that do not
    know the two finer directives.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'unsafe-inline'",
            f"style-src-elem {_digest(style)}",
            "style-src-attr 'unsafe-inline'",
            f"script-src {_digest(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _strip(strip: Strip) -> Markup:
    return Markup(spread_svg(strip))  # noqa: S704 - numbers only


def _drawing(figure: Figure) -> Markup:
    return Markup(checked_svg(figure.svg))  # noqa: S704 - checked to be a drawing


def _raw(cell: Cell) -> str:
    """Return the value for sorting and copying where the text does not do."""
    if cell.value is None or cell.value == cell.text:
        return ""
    return f"{cell.value:.6g}" if isinstance(cell.value, float) else str(cell.value)


def _prose(text: str) -> Markup:
    """Return text with what stands between backticks as code; everything is escaped."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return Markup.escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else Markup.escape(piece)
        for place, piece in enumerate(pieces)
    )


def _values(figure: Figure, family: str) -> Table:
    """Return the values of a figure as a table of the page."""
    frame = figure.table
    numeric = [str(frame[name].dtype).startswith(("int", "float")) for name in frame.columns]
    columns = tuple(
        Column(str(name) or "row", str(name) or "row", is_number=is_number)
        for name, is_number in zip(frame.columns, numeric, strict=True)
    )
    # Lists of columns: walking a text column of pandas value by value is far slower.
    values = (frame.iloc[:, place].tolist() for place in range(len(frame.columns)))
    rows = tuple(tuple(map(_value, row)) for row in zip(*values, strict=True))
    title = f"Values of: {figure.title}"
    return Table(f"values-{family}-{figure.key}", title, title, columns, rows)


def _value(value: Any) -> Cell:
    if isinstance(value, float):
        return Cell(f"{value:.4g}" if value == value else formatting.DASH, value)  # noqa: PLR0124 - NaN
    return Cell(str(value), value if isinstance(value, int) else str(value))


def html(document: Document) -> str:
    """Return the page; the same document always gives the same bytes."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mpbench.report", _TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "strip_svg": _strip,
        "drawing": _drawing,
        "raw": _raw,
        "prose": _prose,
    }
    environment.filters.update(filters)
    environment.globals["values_of"] = _values
    style, script = _asset("report.css").strip(), _asset("report.js").strip()
    return environment.get_template("report.html.j2").render(
        document=document,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        policy=_policy(style, script),
    )
