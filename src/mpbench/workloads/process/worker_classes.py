"""Subclasses of Process, in a module of their own so that a child imports little."""

from __future__ import annotations

import multiprocessing.context as _context

from mpbench.workloads.targets import stamp

# `typing` itself would cost each spawned child two milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

__all__ = ("worker_class",)


class _Worker:
    """A worker that overrides `run`, as the manual shows it."""

    def run(self) -> None:
        """Report two readings of the clock."""
        stamp(*self._args)  # type: ignore[attr-defined]  # every Process has it


class ForkWorker(_Worker, _context.ForkProcess):
    """A worker under fork."""


class SpawnWorker(_Worker, _context.SpawnProcess):
    """A worker under spawn."""


class ForkServerWorker(_Worker, _context.ForkServerProcess):
    """A worker under forkserver."""


def worker_class(method: str) -> type[BaseProcess]:
    """Return the class of a start method."""
    return {"fork": ForkWorker, "spawn": SpawnWorker, "forkserver": ForkServerWorker}[method]
