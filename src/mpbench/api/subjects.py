"""Subjects of a comparison: start methods, workloads, functions, statements, whole programs."""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.errors import UsageError
from mpbench.model import StartMethod
from mpbench.session.comparing.arms import Arm

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ("Prepared", "code", "prepared", "program")

# What a person can do about a function that no other process can import.
_ADVICE = (
    "write it to a module (in a notebook: `%%writefile job.py` above the cell), import it from "
    "there, or pass a statement with mpbench.code('...', setup='...')"
)


class Prepared(NamedTuple):
    """An arm, and the folders that its interpreter must import from."""

    arm: Arm
    paths: tuple[Path, ...] = ()


def program(script: str | os.PathLike[str], *arguments: str) -> Prepared:
    """
    Return a whole Python program as a subject of `compare`.

    Args:
        script: A script; or `-m`, with the module as the first argument.
        arguments: What the program is given.
    """
    words = shlex.join((str(script), *arguments))
    return Prepared(Arm(text=f"program={words}", program=words))


def code(statement: str, *, setup: str = "") -> Prepared:
    """
    Return a statement as a subject of `compare`; one call of it is one operation.

    Args:
        statement: Python code; it may use the names that the set-up defines.
        setup: Python code that runs once in each agent, untimed.

    Raises:
        UsageError: One of them is no Python.
    """
    statement, setup = textwrap.dedent(statement).strip(), textwrap.dedent(setup)
    for text in (statement, setup):
        try:
            compile(text, "<statement>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            raise UsageError(f"{text!r} is no Python statement: {error.args[0]}") from error
    name = f"code={' '.join(statement.split())}"
    return Prepared(Arm(text=name, code=statement, setup=setup))


def _function(function: Callable[..., Any]) -> Prepared:
    """
    Return a function as a subject: other processes import it by its module and name.

    Raises:
        UsageError: No other process can import it.
    """
    name = getattr(function, "__qualname__", repr(function))
    module = getattr(function, "__module__", None) or ""
    if "<lambda>" in name or "<locals>" in name:
        raise UsageError(f"{name} has no name that another process can import; {_ADVICE}")
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    # A session that reads from a terminal or a pipe names no file, or none that there is.
    file = file if file and Path(file).is_file() else None
    if module == "__main__":
        specification = getattr(loaded, "__spec__", None)
        module = specification.name if specification else Path(file or "").stem
    if file is None and getattr(loaded, "__spec__", None) is None:
        raise UsageError(f"{name} exists only in this interactive session; {_ADVICE}")
    paths: tuple[Path, ...] = ()
    if file is not None:
        depth = module.count(".") + (Path(file).stem == "__init__")
        paths = (Path(file).resolve().parents[depth],)
    return Prepared(Arm(text=f"call={module}:{name}", call=f"{module}:{name}"), paths)


def prepared(subject: object) -> Prepared:
    """
    Return what was given to `compare` as an arm.

    Args:
        subject: A start method or `default`, a workload's name, `module:function`, a
            function, or what `program` and `code` return.

    Raises:
        UsageError: It is none of these.
    """
    if isinstance(subject, Prepared):
        return subject
    if isinstance(subject, Arm):
        return Prepared(subject)
    if callable(subject):
        return _function(subject)
    if not isinstance(subject, str):
        raise UsageError(
            f"{type(subject).__name__} cannot be compared; give a start method, a workload, "
            "'module:function', a function, mpbench.program(...) or mpbench.code(...)"
        )
    return Prepared(_named(subject))


def _named(subject: str) -> Arm:
    """Return the arm of a start method, `module:function` or a workload, by the text's form."""
    if subject in {method.value for method in StartMethod}:
        return Arm(text=f"method={subject}", method=StartMethod(subject))
    if subject == "default":
        return Arm(text="method=default", default_method=True)
    if ":" in subject:
        return Arm(text=f"call={subject}", call=subject)
    return Arm(text=f"workload={subject}", workload=subject)
