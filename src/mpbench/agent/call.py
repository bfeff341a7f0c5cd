"""A user's plain callable as a workload; `mpbench compare --arm call=package.module:function`."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.context import BaseContext
from typing import Any, Callable

from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("call_function", "resolve")


def resolve(target: str) -> Callable[..., Any]:
    """
    Import a callable by `package.module:function`.

    Raises:
        UnsupportedError: It is not there, or cannot be called.
    """
    module_name, separator, path = target.partition(":")
    if not (separator and module_name and path):
        raise UnsupportedError(f"{target!r} is not package.module:function")
    try:
        found: Any = importlib.import_module(module_name)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise UnsupportedError(f"cannot import {target!r} here: {error}") from error
    if not callable(found):
        raise UnsupportedError(f"{target!r} is a {type(found).__name__}, expected a callable")
    return found  # type: ignore[no-any-return]  # whatever the user wrote


def _given(function: Callable[..., Any], context: BaseContext) -> dict[str, Any]:
    """Return what to call it with: the context, where it has a parameter of that name."""
    # Read from the code object: `inspect` would be copied into every forked child.
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {"context": context} if "context" in names else {}


@workload(
    "call/function",
    metric=Metric.TIME,
    floor=NoFloor("what the function does is the user's"),
    tier=Tier.FULL,
    target=fixed(""),
)
def call_function(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Call a function of the user's.

    Timed: one call. Not timed: importing its module. The start method is set
    once, before that import; a parameter named `context` receives the context.

    Reads as: what one call costs with this start method in this interpreter.
    """
    method = context.get_start_method()
    # In an agent of its own nobody else's start method is changed (DESIGN 10).
    multiprocessing.set_start_method(method, force=True)
    function = resolve(case.text("target"))
    given = _given(function, context)

    def body(iterations: int, /) -> int:
        for _ in range(iterations):
            function(**given)
        return iterations

    try:
        function(**given)
    except Exception as error:
        raise WorkloadError(
            f"{case.text('target')} raised {type(error).__name__}: {error}"
        ) from error
    yield body
