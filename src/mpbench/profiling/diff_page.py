"""HTML page and words of the difference between two profiles."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from mpbench.profiling.html_tables import as_percent, as_time
from mpbench.units import format_bytes

__all__ = ("diff_page", "diff_rows", "loss_rows")

_NONE = "-"


def _words(value: float | None, unit: str) -> str:
    if value is None:
        return _NONE
    if unit == "ns":
        return as_time(value)
    if unit == "bytes":
        return format_bytes(float(value))
    return as_percent(value) if unit == "share" else f"{value:,.0f}"


def diff_rows(difference: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the figures in words: name, before, after, ratio."""
    return [
        (
            figure["name"],
            _words(figure["before"], figure["unit"]),
            _words(figure["after"], figure["unit"]),
            _NONE if figure["ratio"] is None else f"{figure['ratio']:.3g}",
        )
        for figure in difference["figures"]
    ]


def loss_rows(difference: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the losses in words: what, before, after."""
    return [
        (loss["text"], _words(loss["before"], "share"), _words(loss["after"], "share"))
        for loss in difference["losses"]
    ]


def diff_page(difference: Mapping[str, Any]) -> str:
    """Return a page that needs nothing else."""
    folder = files("mpbench.profiling").joinpath("templates")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    source = folder.joinpath("profile.css").read_text(encoding="utf-8")
    css = environment.from_string(source).render(states=[])
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    template = folder.joinpath("profile_diff.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        difference=difference,
        rows=diff_rows(difference),
        losses=loss_rows(difference),
        style=Markup(css),  # noqa: S704 - our own style, without any of the program's words
        digest=f"'sha256-{digest}'",
    )
