"""The parts of a report, before any format: figures and the words around them."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

__all__ = ("Figure",)


class Figure(NamedTuple):
    """
    One figure, complete enough to be read without seeing it.

    Args:
        key: Unique in its family, in kebab-case; becomes part of an HTML id.
        title: What is shown, in a few words.
        svg: One `<svg>` element: no XML prologue, transparent background, a
            `viewBox`, colours that can be read on white and on black (text and
            lines in `currentColor`), ids prefixed so that several figures can
            stand in one page.
        caption: The conclusion in one or two sentences, with units.
        alt: What a reader who cannot see it needs to know.
        table: The values that are drawn; shown below it on request.
    """

    key: str
    title: str
    svg: str
    caption: str
    alt: str
    table: pd.DataFrame
