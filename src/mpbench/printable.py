"""Text for people: control characters removed, nouns in the number that a count needs."""

from __future__ import annotations

__all__ = ("counted", "printable")


def printable(text: str, *, instead: str = " ", keep: str = "") -> str:
    """
    Return text without control characters, which a terminal or a reader would obey.

    Args:
        text: A name, a reason, a command; it may stem from a hostile file.
        instead: What stands in the place of each character that is left out.
        keep: Characters that stay although they do not print.
    """
    return "".join(c if c.isprintable() or c in keep else instead for c in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 case`, `1,200 cases`, `2 processes`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith(('s', 'x', 'ch')) else 's'}"
