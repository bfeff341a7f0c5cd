"""Interpreter options of an arm: the GIL, the JIT, flags; checked against what it then says."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from mpbench.environment import describe_interpreter
from mpbench.errors import EnvironmentUnfitError, UsageError
from mpbench.session.interpreters import InterpreterInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("OPTION_KEYS", "with_options")

# Variables that an interpreter, and every child of it, reads when it starts.
_SWITCHES = {"gil": "PYTHON_GIL", "jit": "PYTHON_JIT"}
OPTION_KEYS = (*_SWITCHES, "flags")


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"flags={text}: {str(error).lower()}") from None


def with_options(info: InterpreterInfo, overrides: Mapping[str, str]) -> InterpreterInfo:
    """
    Return an interpreter as it is when started with the options of an arm.

    Args:
        info: The interpreter.
        overrides: What the arm changes; other keys than `OPTION_KEYS` do not matter.

    Raises:
        UsageError: An option is unknown to the interpreter, or has no effect in it.
    """
    given = {key: overrides[key] for key in OPTION_KEYS if key in overrides}
    if not given:
        return info
    subject = info.subject
    variables = {_SWITCHES[key]: value for key, value in given.items() if key in _SWITCHES}
    flags = _words(given.get("flags", ""))
    text = ",".join(f"{key}={value}" for key, value in given.items())
    try:
        facts = describe_interpreter(
            subject.executable, variables={**os.environ, **variables}, options=flags
        )
    except EnvironmentUnfitError as error:
        raise UsageError(f"{text} is not possible here: {error}") from error
    for key in _SWITCHES.keys() & given.keys():
        if facts[key] is not (given[key] == "1"):
            raise UsageError(
                f"{key}={given[key]} has no effect: Python {facts['version']} "
                f"says that its {key.upper()} is {_state(facts[key])} then"
            )
    return InterpreterInfo(
        subject._replace(
            key=f"{subject.key} {text}",
            variables=(*subject.variables, *variables.items()),
            options=(*subject.options, *flags),
        ),
        {**info.facts, "gil": facts["gil"], "jit": facts["jit"], "options": text},
    )


def _state(value: bool | None) -> str:
    return "not there" if value is None else "on" if value else "off"
