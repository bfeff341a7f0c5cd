"""Wrappers that record an event around a function of multiprocessing."""

from __future__ import annotations

import os
import sys

from .layout import FIRST_RECORD, NO_OBJECT
from .recorder import now, recorder

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ("blocking_call", "call_site", "drop_frame", "nonblocking_call", "patch", "safe_value")

# Files whose frames are never the place where a user made something.
_STANDARD = os.path.dirname(os.__file__) + os.sep
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_FUNCTION = type(os.path.join)
_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("joblib", "loky", "site-packages"))


def patch(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
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
    if type(original) is not _FUNCTION:
        # A subclass may make its methods by other means, such as partialmethod.
        return
    wrapper = make(original)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        if hasattr(original, attribute):
            setattr(wrapper, attribute, getattr(original, attribute))
    wrapper.__wrapped__ = original
    setattr(owner, name, wrapper if kind is None else kind(wrapper))


def drop_frame(error: BaseException) -> None:
    """
    Take the wrapper that has caught an exception out of its traceback; `raise` follows.

    From Python 3.11 on nothing of ours is left in it. Older ones keep the traceback
    elsewhere meanwhile, and show the wrapper.
    """
    here = error.__traceback__
    if here is not None:
        error.__traceback__ = here.tb_next


def safe_value(question: Callable[..., Any]) -> Callable[..., Any]:
    """Return a question that answers 0 where it would fail, and so end a call of the program's."""

    def asked(*about: Any) -> Any:
        try:
            return question(*about)
        except Exception:  # noqa: BLE001 - whatever a subclass has made of the object
            return 0

    return asked


def blocking_call(  # noqa: C901 - written out, see below
    kind: int,
    thing_of: Callable[[Any], int] | None = None,
    argument_of: Callable[[tuple[Any, ...], Any], int] | None = None,
) -> Callable[[Any], Any]:
    """
    Return a maker of wrappers that keep one event for each call, which may hang.

    What `Recorder.begin` and `finish` do is written out: calling them would make
    the event half as dear again. The questions must not fail, whatever a subclass
    has made of the object; `safe_value` sees to it where a question does not itself.

    Args:
        kind: What happened.
        thing_of: Returns the number of the object from the first argument; asked only
            where that does not bear it already, as `_mpbench`.
        argument_of: Returns the event's argument from arguments and result.
    """
    local, new_lane = recorder().local, recorder().thread_buffer

    def make(original: Any) -> Any:  # noqa: C901 - as above
        def wrapper(*args: Any, **named: Any) -> Any:
            thing = argument = 0
            if thing_of is not None:
                try:
                    # Not by its own ways of finding attributes, which may do anything.
                    thing = args[0].__dict__["_mpbench"]
                except (AttributeError, KeyError):
                    thing = thing_of(args[0])
            try:
                lane = local.lane
            except AttributeError:
                lane = new_lane()
            at = lane.next
            if at == lane.stop:
                at = lane.begin_slow()
            else:
                lane.next = at + 4
            cells, word, start = lane.words, kind | lane.bits | thing << 32, now()
            cells[at] = start
            cells[at + 2] = word
            result = None
            try:
                result = original(*args, **named)
                # Whether it returned at all, where there is nothing better to say.
                argument = 1
            except BaseException as error:
                drop_frame(error)
                raise
            finally:
                duration = now() - start
                if argument_of is not None:
                    argument = argument_of(args, result)
                if at >= FIRST_RECORD:
                    # Asked again: in a forked child it leads nowhere.
                    cells = lane.words
                    cells[at + 3] = argument
                    cells[at + 1] = duration or 1
                else:
                    lane.finish_slow(at, word, start, duration, argument)
            return result

        return wrapper

    return make


def nonblocking_call(
    kind: int, argument_of: Callable[[tuple[Any, ...], Any], int]
) -> Callable[[Any], Any]:
    """
    Return a maker of wrappers that keep one event for each call that succeeds.

    Cheaper than `blocking_call`: for calls that only compute.

    Args:
        kind: What happened.
        argument_of: Returns the event's argument from arguments and result; it must not fail.
    """
    local, new_lane, record = recorder().local, recorder().thread_buffer, recorder().record

    def make(original: Any) -> Any:
        def wrapper(*args: Any, **named: Any) -> Any:
            start = now()
            try:
                result = original(*args, **named)
            except BaseException as error:
                drop_frame(error)
                raise
            end = now()
            try:
                lane = local.lane
            except AttributeError:
                lane = new_lane()
            at = lane.next
            if at == lane.stop:
                record(kind, NO_OBJECT, start, end, argument_of(args, result))
                return result
            lane.next = at + 4
            cells = lane.words
            cells[at] = start
            cells[at + 1] = end - start or 1
            cells[at + 3] = argument_of(args, result)
            # Last, so that a record is whole or has kind 0.
            cells[at + 2] = kind | lane.bits
            return result

        return wrapper

    return make


def call_site() -> str:
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
