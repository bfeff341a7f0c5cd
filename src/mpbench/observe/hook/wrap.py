"""How a function of multiprocessing is replaced by one that keeps an event."""

from __future__ import annotations

import os
import sys

from .layout import ABSENT
from .ring import now, recorder

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ("calling_place", "measured", "replace", "timed")

# Files whose frames are never the place where a user made something.
_STANDARD = os.path.dirname(os.__file__) + os.sep
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("joblib", "loky", "site-packages"))


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """
    Put a wrapper in the place of an attribute, if it is there.

    The wrapper takes the original's names, so that it is pickled by reference
    under them. Class and static methods stay what they are.

    Args:
        owner: A class or a module.
        name: The attribute.
        make: Gets the original function and returns its wrapper.
    """
    raw = vars(owner).get(name)
    if raw is None:
        return
    kind = type(raw) if isinstance(raw, (classmethod, staticmethod)) else None
    original = raw.__func__ if kind is not None else raw
    wrapper = make(original)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        if hasattr(original, attribute):
            setattr(wrapper, attribute, getattr(original, attribute))
    wrapper.__wrapped__ = original
    setattr(owner, name, wrapper if kind is None else kind(wrapper))


def _asked(question: Callable[..., int], *about: Any) -> int:
    """Return the answer, or 0: a question of ours must not end a call of the program's."""
    try:
        return question(*about)
    except Exception:  # noqa: BLE001 - whatever a subclass has made of the object
        return 0


def timed(
    kind: int,
    thing_of: Callable[[Any], int] | None = None,
    argument_of: Callable[[tuple[Any, ...], Any], int] | None = None,
) -> Callable[[Any], Any]:
    """
    Return a maker of wrappers that keep one event for each call, which may hang.

    Args:
        kind: What happened.
        thing_of: Returns the number of the object from the first argument.
        argument_of: Returns the event's argument from arguments and result.
    """
    begin, finish = recorder().begin, recorder().finish

    def make(original: Any) -> Any:
        def wrapper(*args: Any, **named: Any) -> Any:
            thing = ABSENT if thing_of is None else _asked(thing_of, args[0] if args else None)
            start = begin(kind, thing)
            result = None
            try:
                result = original(*args, **named)
            finally:
                argument = 0 if argument_of is None else _asked(argument_of, args, result)
                finish(kind, thing, start, argument)
            return result

        return wrapper

    return make


def measured(kind: int, argument_of: Callable[[tuple[Any, ...], Any], int]) -> Callable[[Any], Any]:
    """
    Return a maker of wrappers that keep one event for each call that succeeds.

    Cheaper than `timed`: for calls that only compute.

    Args:
        kind: What happened.
        argument_of: Returns the event's argument from arguments and result.
    """
    record = recorder().record

    def make(original: Any) -> Any:
        def wrapper(*args: Any, **named: Any) -> Any:
            start = now()
            result = original(*args, **named)
            end = now()
            record(kind, ABSENT, start, end, _asked(argument_of, args, result))
            return result

        return wrapper

    return make


def calling_place() -> str:
    """
    Return `file.py:line` of the nearest frame that is the user's own.

    Where a library made the object for itself, its first frame above the
    standard library is the answer.
    """
    frame: Any = sys._getframe(1)
    second = ""
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(("<frozen", _OURS)):
            installed = any(part in name for part in _LIBRARIES)
            place = f"{os.path.basename(name)}:{frame.f_lineno}"
            if not installed and not name.startswith(_STANDARD):
                return place
            second = second or (place if installed else "")
        frame = frame.f_back
    return second
