"""A user's plain callable as a workload; `mpbench compare --arm call=package.module:function`."""

from __future__ import annotations

import importlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.context import BaseContext
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Callable

from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, fixed, workload

__all__ = ("resolve", "user_function")

# CO_VARKEYWORDS of a code object.
_ANY_KEYWORD = 0x08
# To time a call that makes one of these would be to time nothing.
_UNFINISHED = (AsyncGeneratorType, CoroutineType, GeneratorType)


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
    """
    Return what to call it with: the context, where it has a parameter of that name.

    A wrapper that passes any keyword on, as one made with `functools.wraps`,
    has the parameters of what it wraps.
    """
    # Read from the code object: `inspect` would be copied into every forked child.
    asked: Any = function
    seen: set[int] = set()
    while asked is not None and id(asked) not in seen:
        seen.add(id(asked))
        code = getattr(asked, "__code__", None)
        if code is not None:
            if "context" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
                return {"context": context}
            if not code.co_flags & _ANY_KEYWORD:
                return {}
        asked = getattr(asked, "__wrapped__", None)
    return {}


def _refuse_unfinished(target: str, result: object) -> None:
    """
    Make sure that a call has done its work.

    Raises:
        UnsupportedError: It returned something that does the work only later.
    """
    if isinstance(result, _UNFINISHED):
        close = getattr(result, "close", None)
        if close is not None:
            # Or the interpreter complains that it was never awaited.
            close()
        raise UnsupportedError(
            f"{target} returned a {type(result).__name__} and did none of its work, expected a "
            "function that ends when its work is done; call it in one that awaits or consumes it"
        )


@workload(
    "call/function",
    metric=Metric.TIME,
    floor=NoFloor("what the function does is the user's"),
    tier=Tier.FULL,
    target=fixed(""),
)
def user_function(context: BaseContext, case: Case) -> Iterator[Body]:
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
        result = function(**given)
    except Exception as error:
        raise WorkloadError(
            f"{case.text('target')} raised {type(error).__name__}: {error}"
        ) from error
    _refuse_unfinished(case.text("target"), result)
    del result
    yield body
