"""How words on the command line become values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mpbench.model import StartMethod
from mpbench.units import parse_bytes, parse_seconds

if TYPE_CHECKING:
    from mpbench.model import Scalar

__all__ = ("Duration", "methods_of", "parameters_of", "scalar")


def scalar(text: str) -> Scalar:
    """Read one value of a parameter: a number, a size such as 64KiB, true, false, or a word."""
    word = text.strip()
    if word.lower() in {"true", "false"}:
        return word.lower() == "true"
    for read in (int, float, parse_bytes):
        try:
            value: Scalar = read(word)
        except ValueError:
            continue
        return value
    return word


def parameters_of(given: tuple[str, ...]) -> dict[str, tuple[Scalar, ...]]:
    """
    Read `name=value,value` options.

    Raises:
        click.BadParameter: One is not of that form.
    """
    found: dict[str, tuple[Scalar, ...]] = {}
    for text in given:
        name, separator, values = text.partition("=")
        if not (separator and name.strip() and values.strip()):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE,VALUE", param_hint="--param")
        found[name.strip()] = tuple(dict.fromkeys(scalar(value) for value in values.split(",")))
    return found


def methods_of(given: tuple[str, ...]) -> tuple[StartMethod, ...]:
    """
    Read start methods, separated by commas or given several times.

    Raises:
        click.BadParameter: One does not exist.
    """
    known = [one.value for one in StartMethod]
    found: dict[StartMethod, None] = {}
    for text in given:
        for word in text.split(","):
            if word.strip() not in known:
                raise click.BadParameter(
                    f"{word.strip()!r} is no start method; one of {', '.join(known)}",
                    param_hint="--start-method",
                )
            found[StartMethod(word.strip())] = None
    return tuple(found)


class Duration(click.ParamType[float]):
    """A duration such as 60s, 15m or 250ms; its value is seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds, or fail with a message that shows how to write one."""
        if isinstance(value, float):
            return value
        try:
            return parse_seconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
