"""Subclasses of Process, apart from the workloads so that a child imports little."""

from __future__ import annotations

import multiprocessing.context as _context

from mpbench.workloads.targets import stamp

# `typing` itself would cost each spawned child two milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

__all__ = ("worker_class",)


class ForkWorker(_context.ForkProcess):
    """A worker that overrides `run`, as the manual shows it."""

    def run(self) -> None:
        """Report two readings of the clock."""
        stamp(*self._args)  # type: ignore[attr-defined]  # every Process has it


class SpawnWorker(_context.SpawnProcess):
    """The same under spawn."""

    def run(self) -> None:
        """Report two readings of the clock."""
        stamp(*self._args)  # type: ignore[attr-defined]  # every Process has it


class ForkServerWorker(_context.ForkServerProcess):
    """The same under forkserver."""

    def run(self) -> None:
        """Report two readings of the clock."""
        stamp(*self._args)  # type: ignore[attr-defined]  # every Process has it


def worker_class(method: str) -> type[BaseProcess]:
    """Return the class of a start method."""
    return {"fork": ForkWorker, "spawn": SpawnWorker, "forkserver": ForkServerWorker}[method]
