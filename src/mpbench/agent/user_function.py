"""User's callable as a workload: `mpbench compare --arm call=package.module:function`."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
from collections.abc import Iterator
from multiprocessing.context import BaseContext
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Callable, NamedTuple

from mpbench.agent.child_exits import ChildExits, recorded_child_exits
from mpbench.clock import monotonic_ns
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyResult, NoFloor, fixed, workload

__all__ = ("CALL_VARIABLE", "FOLDER_VARIABLE", "Call", "resolve", "user_function")

# How a front end hands over a pickled call and the working directory.
CALL_VARIABLE = "MPBENCH_CALL"
FOLDER_VARIABLE = "MPBENCH_FOLDER"

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


class Call(NamedTuple):
    """A function with its arguments, and what runs before and after each call, untimed."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it
    setup: Callable[..., Any] | None = None
    teardown: Callable[..., Any] | None = None


def _load(target: str) -> Call:
    """
    Return the call that a front end pickled for this agent, or the function of that name.

    Raises:
        UnsupportedError: It cannot be imported here.
    """
    path = os.environ.get(CALL_VARIABLE)
    if not path:
        return Call(resolve(target))
    try:
        with open(path, "rb") as file:
            # The session wrote it a moment ago, into a folder that only this user can enter.
            return Call(*pickle.load(file))
    except (ImportError, AttributeError) as error:
        raise UnsupportedError(f"cannot import what {target} needs here: {error}") from error


def _context_place(function: Callable[..., Any]) -> int | None:
    """
    Return the position of a parameter named `context`, -1 for a keyword, None without one.

    A wrapper that passes any keyword on, as one made with `functools.wraps`,
    has the parameters of what it wraps.
    """
    # Read from the code object: `inspect` would be copied into every forked child.
    asked: Any = function
    seen: set[int] = set()
    taken = 0
    while asked is not None and id(asked) not in seen:
        seen.add(id(asked))
        code = getattr(asked, "__code__", None)
        if code is not None:
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            taken += getattr(asked, "__self__", None) is not None
            if "context" in names:
                place = names.index("context")
                return place - taken if taken <= place < code.co_argcount else -1
            if not code.co_flags & _ANY_KEYWORD:
                return None
        elif hasattr(asked, "func"):
            # A `functools.partial` that names the context, or has taken its place.
            if "context" in asked.keywords:
                return None
            taken += len(asked.args)
        asked = getattr(asked, "__wrapped__", getattr(asked, "func", None))
    return None


def _arguments(call: Call, context: BaseContext) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """
    Return what one call is given: what its set-up returns, or the arguments of the call.

    A parameter named `context` that has no argument receives the context.
    """
    made = None if call.setup is None else call.setup()
    args, kwargs = (call.args, call.kwargs) if made is None else made
    place = _context_place(call.function)
    if place is None or "context" in kwargs:
        return args, kwargs
    if 0 <= place < len(args):
        return (*args[:place], context, *args[place:]), kwargs
    return args, {**kwargs, "context": context}


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


def _raised(target: str, error: BaseException) -> WorkloadError:
    """Print the traceback of a user's function without our frames, and return a line for it."""
    import traceback  # noqa: PLC0415 - only a failure needs it

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    traceback.print_exception(
        type(error), error, error.__traceback__ and error.__traceback__.tb_next
    )
    standard = os.path.dirname(os.__file__)
    users = [frame for frame in own if not frame.filename.startswith(standard)] or own
    place = f" at {users[-1].filename}:{users[-1].lineno}" if users else ""
    return WorkloadError(f"{target} raised {type(error).__name__}: {error}{place}")


def _time_each(call: Call, context: BaseContext, iterations: int) -> int:
    """Return the nanoseconds of some calls; set-up and teardown of each are not timed."""
    elapsed = 0
    for _ in range(iterations):
        args, kwargs = _arguments(call, context)
        started = monotonic_ns()
        call.function(*args, **kwargs)
        elapsed += monotonic_ns() - started
        if call.teardown is not None:
            call.teardown(*args, **kwargs)
    return elapsed


def _body(target: str, call: Call, context: BaseContext, exits: ChildExits) -> Body:
    """Return what is timed: the calls alone; the children are checked afterwards."""
    function = call.function
    times_itself = call.setup is not None or call.teardown is not None
    args, kwargs = ((), {}) if times_itself else _arguments(call, context)

    def body(iterations: int, /) -> Any:
        elapsed = None
        try:
            if times_itself:
                elapsed = _time_each(call, context, iterations)
            else:
                for _ in range(iterations):
                    function(*args, **kwargs)
        except (Exception, SystemExit) as error:
            raise _raised(target, error) from error

        def check() -> BodyResult:
            exits.check(target)
            return BodyResult(operations=iterations, asked=iterations, elapsed_ns=elapsed)

        return check

    return body


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
    target = case.text("target")
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        os.chdir(folder)
    # In an agent of its own nobody else's start method is changed (DESIGN 10).
    multiprocessing.set_start_method(method, force=True)
    with recorded_child_exits() as exits:
        call = _load(target)
        try:
            args, kwargs = _arguments(call, context)
            result = call.function(*args, **kwargs)
            if call.teardown is not None:
                call.teardown(*args, **kwargs)
        except (Exception, SystemExit) as error:
            raise _raised(target, error) from error
        _refuse_unfinished(target, result)
        exits.check(target)
        del result, args, kwargs
        yield _body(target, call, context, exits)
