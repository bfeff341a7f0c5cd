"""A table of words on a profile's page."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("Table",)


class Table(NamedTuple):
    """A table of words; the columns named in `words` are aligned to the left."""

    key: str
    title: str
    caption: str
    heads: tuple[str, ...]
    words: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
