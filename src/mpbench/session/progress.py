"""Progress of a session: the protocol of those who are told."""

from __future__ import annotations

from typing import Protocol

__all__ = ("NullProgress", "Progress")


class Progress(Protocol):
    """Somewhere to show how far a session has come; the command line draws bars."""

    def begin(self, what: str, total: int) -> None:
        """Start a stage of *total* steps."""

    def step(self, name: str, *, left_s: float | None) -> None:
        """Say what is measured next, and about how many seconds remain."""

    def done(self) -> None:
        """Count the step that was announced last."""

    def note(self, text: str) -> None:
        """Say something that the user should know now."""

    def end(self) -> None:
        """Close the stage."""


class NullProgress:
    """Shows nothing."""

    def begin(self, what: str, total: int) -> None:
        """Do nothing."""

    def step(self, name: str, *, left_s: float | None) -> None:
        """Do nothing."""

    def done(self) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""
