"""Abilities of the platform's semaphores."""

from __future__ import annotations

from importlib import import_module

__all__ = ("no_semaphore_value",)


def no_semaphore_value() -> str | None:
    """Return why the value of a semaphore cannot be asked for here; None where it can."""
    try:
        flags = import_module("_multiprocessing").flags
    except ImportError:
        return "this Python was built without semaphores"
    if flags.get("HAVE_BROKEN_SEM_GETVALUE"):
        return "the platform has no working sem_getvalue (macOS)"
    return None
