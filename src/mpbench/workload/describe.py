"""Parser of a workload's docstring into its labelled parts."""

from __future__ import annotations

import inspect
from typing import NamedTuple

__all__ = ("Description", "description", "summary")

_HEADS = {"Timed": "timed", "Not timed": "not_timed", "Reads as": "reads_as"}


class Description(NamedTuple):
    """The parts of a workload's docstring, each on one line."""

    summary: str = ""
    timed: str = ""
    not_timed: str = ""
    reads_as: str = ""


def _label(line: str) -> str | None:
    head, colon, _ = line.partition(":")
    return _HEADS.get(head) if colon else None


def _sentences(text: str) -> list[str]:
    """Split before `Not timed:`, which may stand inside the paragraph of `Timed:`."""
    head, found, tail = text.partition(". Not timed:")
    return [f"{head}.", f"Not timed:{tail}"] if found else [text]


def summary(doc: str) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return " ".join(doc.strip().partition("\n\n")[0].split())


def description(doc: str) -> Description:
    """
    Split a docstring into what is timed, what is not, and how to read the number.

    A paragraph without one of these heads belongs to the part before it.
    """
    parts: dict[str, list[str]] = {}
    current = "summary"
    for block in inspect.cleandoc(doc).split("\n\n"):
        for text in _sentences(" ".join(line.strip() for line in block.splitlines())):
            label = _label(text)
            if label is not None:
                current = label
                text = text.partition(":")[2].strip()  # noqa: PLW2901 - the rest of the paragraph
            parts.setdefault(current, []).append(text)
    return Description(**{name: " ".join(texts) for name, texts in parts.items()})
