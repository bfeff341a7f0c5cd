"""Values of words on the command line: parameters, start methods, durations, folders."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mpbench.model import StartMethod
from mpbench.units import parse_bytes, parse_seconds

if TYPE_CHECKING:
    from mpbench.model import Scalar

__all__ = (
    "Duration",
    "Folder",
    "given_options",
    "methods_of",
    "parameters_of",
    "scalar",
)


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
    values_of: dict[str, tuple[Scalar, ...]] = {}
    for text in given:
        name, separator, values = text.partition("=")
        if not (separator and name.strip() and values.strip()):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE,VALUE", param_hint="--param")
        values_of[name.strip()] = tuple(dict.fromkeys(scalar(value) for value in values.split(",")))
    return values_of


def methods_of(given: tuple[str, ...]) -> tuple[StartMethod, ...]:
    """
    Read start methods, separated by commas or given several times.

    Raises:
        click.BadParameter: One does not exist.
    """
    names = [method.value for method in StartMethod]
    methods: dict[StartMethod, None] = {}
    for text in given:
        for word in text.split(","):
            if word.strip() not in names:
                raise click.BadParameter(
                    f"{word.strip()!r} is no start method; one of {', '.join(names)}",
                    param_hint="--start-method",
                )
            methods[StartMethod(word.strip())] = None
    return tuple(methods)


class Duration(click.ParamType[float]):
    """A duration such as 60s, 15m or 250ms; its value is seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds, or fail with a message that shows how to write one."""
        if isinstance(value, float):
            return value
        if re.fullmatch(r"\s*(-.*|0*\.?0*\s*[a-z]*)", str(value)) and re.search(r"\d", str(value)):
            self.fail(f"{value!r} must be above 0, such as 60s, 15m or 250ms", param, ctx)
        try:
            return parse_seconds(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Folder(click.Path):
    """A folder that is there, or that can be made: no file, and no empty text."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or fail at once."""
        if not str(value):
            self.fail("expected a folder, found an empty path", param, ctx)
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.exists() and not path.is_dir():
            self.fail(f"{path} is a file; name a folder", param, ctx)
        return path


def given_options(context: click.Context) -> dict[str, str]:
    """Return the options that stand on the command line: their names in Python and in it."""
    return {
        option.name: max(option.opts, key=len)
        for option in context.command.params
        if isinstance(option, click.Option)
        and option.name is not None
        and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
    }
