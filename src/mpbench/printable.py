"""Text that may come from anywhere, made safe to show on one screen."""

from __future__ import annotations

__all__ = ("printable",)


def printable(text: str, *, instead: str = " ", keep: str = "") -> str:
    """
    Return text without control characters, which a terminal or a reader would obey.

    Args:
        text: A name, a reason, a command; it may stem from a hostile file.
        instead: What stands in the place of each character that is left out.
        keep: Characters that stay although they do not print.
    """
    return "".join(c if c.isprintable() or c in keep else instead for c in text)
