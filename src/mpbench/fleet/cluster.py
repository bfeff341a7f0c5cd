"""Protocols of a cluster and its tasks: Dask's, or a fake in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mpbench.errors import MpbenchError

if TYPE_CHECKING:
    from mpbench.fleet.task import Answer, Chunk, Job

__all__ = ("Cluster", "SchedulerLostError", "Task")


class SchedulerLostError(MpbenchError):
    """The scheduler does not answer any more; what was gathered is kept."""


class Task(Protocol):
    """One job on one worker."""

    def answer(self) -> Answer | str | None:
        """Return its answer, why it failed, or None while it runs."""

    def cancel(self) -> None:
        """Give it up."""


class Cluster(Protocol):
    """Workers on hosts."""

    def workers(self) -> dict[str, str]:
        """
        Return each worker's address and its host.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """

    def start(self, job: Job, worker: str) -> Task:
        """Start a job on a worker."""

    def chunks(self) -> list[Chunk]:
        """Return the lines that arrived since the last call."""

    def discard(self, job: Job, worker: str) -> None:
        """Remove a job's files from its host."""

    def renew(self, controller: str) -> None:
        """Tell every worker that a controller lives; a run without it ends after its lease."""

    def stop(self, controller: str) -> None:
        """Have every worker end what it runs for a controller; wait a moment for their answers."""
