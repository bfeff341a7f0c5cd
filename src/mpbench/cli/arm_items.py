"""Splitting of an arm whose value may hold commas: a command line, or a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import re

__all__ = ("arm_items",)

_OPEN, _CLOSE = "([{", ")]}"


def _starts(text: str, key: re.Pattern[str], *, brackets: bool) -> list[int]:
    """
    Return where the items of an arm start.

    A comma separates where a key of the arm and = follow it, outside of quotes.
    """
    starts, quote, depth, at = [0], "", 0, 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif brackets and letter in _OPEN + _CLOSE:
            depth += 1 if letter in _OPEN else -1
        elif letter == "," and depth <= 0 and key.match(text[at + 1 :].lstrip()):
            starts.append(at + 1)
        at += 1
    return starts


def arm_items(text: str, key: re.Pattern[str], *, brackets: bool = False) -> dict[str, str]:
    """
    Return the values of an arm by their keys.

    Args:
        text: `KEY=VALUE,KEY=VALUE`, where a value may hold commas.
        key: Matches each of the keys with the = behind it.
        brackets: Whether commas in brackets never separate, as in Python.

    Raises:
        click.BadParameter: The first key is another one, or one is named twice.
    """
    starts = _starts(text, key, brackets=brackets)
    given: dict[str, str] = {}
    for begin, end in zip(starts, [*(at - 1 for at in starts[1:]), len(text)], strict=True):
        name, _, value = (part.strip() for part in text[begin:end].partition("="))
        if not key.fullmatch(f"{name}="):
            raise click.BadParameter(
                f"{text!r} begins with {name!r}, which is no key of such an arm", param_hint="--arm"
            )
        if name in given:
            raise click.BadParameter(f"{text!r} names {name!r} twice", param_hint="--arm")
        given[name] = value
    return given
