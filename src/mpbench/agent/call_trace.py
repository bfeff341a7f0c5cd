"""
Recorder of a workload's multiprocessing calls.

Used by verification only, never while anything is timed. Names are written
as users write them: `Process.start`, `Lock.acquire`, `connection.wait`. The
profile hook survives a fork, so calls in forked children are seen as well;
spawned children are new interpreters and are not.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

__all__ = ("CallTracer",)

_PACKAGES = ("multiprocessing", "concurrent.futures", "_multiprocessing")

# Types that users know by another name.
_ALIASES = {
    "BaseProcess": "Process",
    "ForkProcess": "Process",
    "SpawnProcess": "Process",
    "ForkServerProcess": "Process",
    "_ParentProcess": "Process",
    "_MainProcess": "Process",
    "_ConnectionBase": "Connection",
    "ApplyResult": "AsyncResult",
    "MapResult": "AsyncResult",
    "Synchronized": "Value",
    "SynchronizedBase": "Value",
    "SynchronizedArray": "Array",
    "SynchronizedString": "Array",
}

# One function under two names; the hook sees the one that it was defined with.
_SAME = {
    "Process.ident": "Process.pid",
    **{
        f"{kind}.{call}{name}": f"{kind}.{name}"
        for kind in ("Value", "Array", "Synchronized", "SynchronizedString")
        for call in ("get", "set")
        for name in ("value", "raw")
    },
}

# A with statement acquires and releases.
_WITH = {"__enter__": "acquire", "__exit__": "release"}

# A Condition's own `acquire` is its lock's, so that the hook sees it as the
# lock's; in a with statement it can be told apart.
_GUARDS = ("Condition",)

# The kinds of _multiprocessing.SemLock.
_RECURSIVE = 0


def _semaphore_name(raw: Any) -> str:
    """Return which of the four types a raw semaphore belongs to."""
    if raw.kind == _RECURSIVE:
        return "RLock"
    if raw.maxvalue == 1:
        return "Lock"
    return "Semaphore" if raw.maxvalue == type(raw).SEM_VALUE_MAX else "BoundedSemaphore"


def _type_name(kind: Any) -> str | None:
    """
    Return the name of the first class of multiprocessing among a type and its bases.

    Other people's code is watched as well: what it calls `cls` may be no class.
    """
    bases: tuple[type, ...] = getattr(kind, "__mro__", ())
    for base in bases:
        if base.__module__.startswith(_PACKAGES):
            if base.__name__ == "ApplyResult" and base.__module__ != "multiprocessing.pool":
                return None
            return _ALIASES.get(base.__name__, base.__name__)
    return None


class CallTracer:
    """Writes each name once, as soon as it is seen, to a file that children share."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._seen: set[str] = set()
        self._kinds: dict[int, str] = {}

    def start(self) -> None:
        """Watch this thread, and every thread that is started from now on."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _write(self, *names: str) -> None:
        for name in names:
            if name not in self._seen:
                self._seen.add(name)
                try:
                    os.write(self._descriptor, name.encode() + b"\n")
                except OSError:
                    # A daemonised child may have closed every descriptor.
                    return

    def _note(self, frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            self._python_call(frame)
        elif event == "c_call":
            owner = getattr(argument, "__self__", None)
            if owner is not None and type(owner).__name__ == "SemLock":
                kind = self._kinds.get(owner.handle) or _semaphore_name(owner)
                name = argument.__name__
                self._write(f"{kind}.{name}", f"{kind}.{_WITH.get(name, name)}")
        elif event == "return" and frame.f_code.co_name == "__init__":
            self._remember(frame.f_locals.get("self"))

    def _remember(self, made: Any) -> None:
        """Keep which type made a raw semaphore: a bounded one of 1 looks like a lock."""
        raw = getattr(made, "_semlock", None)
        if raw is not None and type(raw).__name__ == "SemLock" and type(made).__name__ != "SemLock":
            self._kinds[raw.handle] = type(made).__name__

    def _python_call(self, frame: Any) -> None:
        name = frame.f_code.co_name
        first = frame.f_code.co_varnames[:1]
        if first == ("self",):
            self._method(frame, name)
            return
        if first == ("cls",):
            # A class method; it is also noted as a function, below.
            kind = _type_name(frame.f_locals.get("cls"))
            if kind is not None:
                self._write(f"{kind}.{name}")
        # A module's name is None when the interpreter ends.
        module = frame.f_globals.get("__name__") or ""
        if module.startswith(_PACKAGES) and "." not in name:
            short = module.rpartition(".")[2]
            self._write(name, f"{short}.{name}")

    def _method(self, frame: Any, name: str) -> None:
        owner = frame.f_locals.get("self")
        kind = _type_name(type(owner))
        if kind is None:
            return
        if name == "temp" and "typeid" in frame.f_locals:
            # The methods that BaseManager.register makes all have this name.
            name = frame.f_locals["typeid"]
        if kind.endswith("Context"):
            self._write(name, f"Context.{name}")
        elif name == "__init__":
            module = type(owner).__module__.rpartition(".")[2]
            self._write(kind, f"{module}.{kind}")
        else:
            if kind in _GUARDS:
                name = _WITH.get(name, name)
            # What `Value()` and `Array()` make has a type of its own name as well.
            for full in (f"{kind}.{name}", f"{type(owner).__name__}.{name}"):
                self._write(full, _SAME.get(full, full))
