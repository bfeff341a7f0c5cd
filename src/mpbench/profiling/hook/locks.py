"""Events of multiprocessing.synchronize: waits for locks, conditions, events and barriers."""

from __future__ import annotations

import os

from . import kinds
from .recorder import now, recorder
from .wrap import blocking_call, call_site, drop_frame, patch, safe_value

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("lock_key", "lock_number", "wrap_synchronize")


# What a timeout is.
_TIMEOUTS = (type(None), int, float)
# The kind of an RLock, as multiprocessing.synchronize numbers it.
_RECURSIVE = 0
# A lock that is held for less long is nobody's wait worth a line.
_LONG_HOLD_NS = 200_000
# Nor worth an event, which costs a microsecond.
_LEAST_HOLD_NS = 20_000


def lock_key(lock: Any) -> str:
    """
    Return the same key for a lock or semaphore in every process.

    Its name, where it has one; under fork it has none, and children inherit
    the key with the object. A lock is pickled without it, and has a name then.
    """
    own = getattr(lock, "_mpbench_key", None)
    if own:
        return str(own[0])
    name = getattr(getattr(lock, "_semlock", None), "name", None)
    return f"sem:{name}" if name else ""


def lock_number(lock: Any) -> int:
    """Return the number of a lock or semaphore; 0 for what is none."""
    key = lock_key(lock)
    return recorder().object_id(key, type(lock).__name__) if key else 0


def _made(original: Any) -> Any:
    def wrapper(self: Any, *args: Any, **named: Any) -> None:
        try:
            original(self, *args, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        _name_lock(self)

    return wrapper


@safe_value
def _name_lock(lock: Any) -> None:
    if not lock_key(lock):
        lock._mpbench_key.append(f"sem:{os.getpid()}.{now()}")
    recorder().register_object(lock_key(lock), type(lock).__name__, call_site())


class _Hold:
    """How long a process has a lock: since when, and the longest time until now."""

    __slots__ = ("longest_ns", "number", "since_ns")

    def __init__(self) -> None:
        self.number = self.since_ns = 0
        self.longest_ns = _LONG_HOLD_NS


def _waiting_acquire(  # noqa: C901 - written out: a call more would make each acquire dearer
    semaphore: Any, own: list[str], what: str, hold: _Hold
) -> Any:
    """
    Return an acquire that keeps an event only when it has to wait.

    The semaphore's own acquire tries before it waits, too, so that the order
    in which processes get it does not change. It does not hold the lock itself, which
    would then live until the garbage collector comes, and its semaphore with it.

    Args:
        semaphore: What the lock is made of.
        own: Holds the lock's key once it has one that is not its semaphore's name.
        what: The lock's class, for people.
        hold: Is told when the lock was got.
    """
    raw = semaphore.acquire
    ours = recorder()
    local, new_lane, begin, finish = ours.local, ours.thread_buffer, ours.begin, ours.finish
    thing = 0
    # The lane that counted last, and the word that it counts in.
    counted: tuple[Any, int] = (None, 0)

    def acquire(block: bool = True, timeout: float | None = None) -> bool:  # noqa: C901 - as above
        nonlocal thing, counted
        if not (block is True or block is False) or not isinstance(timeout, _TIMEOUTS):
            # The semaphore knows what else may be given, and what may not.
            try:
                return bool(raw(block, timeout))
            except BaseException as error:
                drop_frame(error)
                raise
        if not thing:
            # Not before: whoever makes the lock describes it first.
            key = own[0] if own else f"sem:{semaphore.name}"
            thing = hold.number = ours.object_id(key, what)
        if raw(False):
            hold.since_ns = now()
            try:
                lane = local.lane
            except AttributeError:
                lane = new_lane()
            last, at = counted
            if lane is not last:
                at = lane.counter(kinds.LOCK_WAIT, thing)
                counted = lane, at
            lane.words[at] += 1
            return True
        if not block:
            return False
        begun = begin(kinds.LOCK_WAIT, thing)
        got = False
        try:
            got = bool(raw(True, timeout))
            hold.since_ns = now() if got else 0
        except BaseException as error:
            drop_frame(error)
            raise
        finally:
            finish(kinds.LOCK_WAIT, thing, begun, int(got))
        return got

    return acquire


def _timed_release(semaphore: Any, hold: _Hold) -> Any:
    """Return a release that keeps an event where the lock was held for long."""
    raw = semaphore.release

    def release() -> None:
        since, end = hold.since_ns, now()
        hold.since_ns = 0
        try:
            raw()
        except BaseException as error:
            drop_frame(error)
            raise
        if since and end - since >= _LEAST_HOLD_NS:
            _note_hold(hold, since, end)

    return release


@safe_value
def _note_hold(hold: _Hold, since: int, end: int) -> None:
    recorder().record(kinds.HOLD, hold.number, since, end)
    if (end - since) * 2 > hold.longest_ns * 3:
        hold.longest_ns = end - since
        line = {"hold": end - since, "object": hold.number, "place": call_site()}
        recorder().write_metadata(line)


def _methods(original: Any) -> Any:
    def wrapper(self: Any) -> None:
        original(self)
        own: list[str] = []
        hold = _Hold()
        self._mpbench_key = own
        semaphore = self._semlock
        self.acquire = _waiting_acquire(semaphore, own, type(self).__name__, hold)
        if semaphore.maxvalue == 1 and semaphore.kind != _RECURSIVE:
            # Others than the one who got a semaphore may give it back.
            self.release = _timed_release(semaphore, hold)

    return wrapper


def _leave(original: Any) -> Any:
    del original

    def wrapper(self: Any, *args: Any) -> Any:
        del args
        try:
            return self.release()
        except BaseException as error:
            drop_frame(error)
            raise

    return wrapper


def _enter(original: Any) -> Any:
    del original

    def wrapper(self: Any) -> Any:
        try:
            return self.acquire()
        except BaseException as error:
            drop_frame(error)
            raise

    return wrapper


@safe_value
def _condition_number(condition: Any) -> int:
    return lock_number(getattr(condition, "_lock", None))


@safe_value
def _name_whole(lock: Any, parts: tuple[Any, ...], what: str) -> None:
    """Call a lock by what it is a part of, and say that the other parts belong to it."""
    key = lock_key(lock)
    recorder().register_object(key, what, call_site())
    for part in parts:
        recorder().register_object(lock_key(part), type(part).__name__, owner=key)


def _condition_made(original: Any) -> Any:
    def wrapper(self: Any, lock: Any = None, **named: Any) -> None:
        try:
            original(self, lock, **named)
        except BaseException as error:
            drop_frame(error)
            raise
        parts = ("_sleeping_count", "_woken_count", "_wait_semaphore")
        # A lock that the program brought is its own thing.
        what = type(self).__name__ if lock is None else type(lock).__name__
        inner = tuple(getattr(self, name, None) for name in parts)
        _name_whole(getattr(self, "_lock", None), inner, what)

    return wrapper


def _with_condition_made(*parts: str) -> Any:
    """Return a maker of wrappers for what is made of a condition and of further parts."""

    def make(original: Any) -> Any:
        def wrapper(self: Any, *args: Any, **named: Any) -> None:
            try:
                original(self, *args, **named)
            except BaseException as error:
                drop_frame(error)
                raise
            lock = getattr(getattr(self, "_cond", None), "_lock", None)
            _name_whole(lock, tuple(getattr(self, name) for name in parts), type(self).__name__)

        return wrapper

    return make


def wrap_synchronize(module: Any) -> None:
    """
    Wrap the classes of multiprocessing.synchronize.

    Event and Barrier wait by the condition that they are made of, which bears their name.
    """
    patch(module.SemLock, "__init__", _made)
    patch(module.SemLock, "_make_methods", _methods)
    patch(module.SemLock, "__enter__", _enter)
    patch(module.SemLock, "__exit__", _leave)
    patch(module.Condition, "__init__", _condition_made)
    patch(module.Condition, "wait", blocking_call(kinds.SYNC_WAIT, _condition_number))
    patch(module.Event, "__init__", _with_condition_made("_flag"))
    patch(module.Barrier, "__init__", _with_condition_made())
