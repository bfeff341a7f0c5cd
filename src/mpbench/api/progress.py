"""Progress as one line of text, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from mpbench.printable import printable
from mpbench.session.progress import NullProgress
from mpbench.units import format_duration

if TYPE_CHECKING:
    from mpbench.session.progress import Progress

__all__ = ("LineProgress", "progress_for")

# Writing costs CPU time on the machine that is being measured.
_LINES_PER_S = 2


class LineProgress:
    """One line on stderr that is written over."""

    def __init__(self) -> None:
        self._what, self._total, self._made, self._shown = "", 0, 0, 0.0

    def begin(self, what: str, total: int) -> None:
        """Start a stage of *total* steps."""
        self._what, self._total, self._made = what, total, 0

    def step(self, name: str, *, left_s: float | None) -> None:
        """Say what is measured next, and about how many seconds remain."""
        if time.monotonic() - self._shown < 1 / _LINES_PER_S:
            return
        self._shown = time.monotonic()
        left = "" if left_s is None else f", {format_duration(left_s)} left"
        text = printable(f"{self._what} {self._made}/{self._total}: {name}{left}")
        sys.stderr.write(f"\r{text[:100]:<100}")
        sys.stderr.flush()

    def done(self) -> None:
        """Count the step that was announced last."""
        self._made += 1

    def note(self, text: str) -> None:
        """Say something that the user should know now."""
        sys.stderr.write(f"\r{printable(text):<100}\n")

    def end(self) -> None:
        """Close the stage."""
        sys.stderr.write(f"\r{'':<100}\r")
        sys.stderr.flush()


def progress_for(given: Progress | None) -> Progress:
    """Return who is told: who was given, else a line where somebody reads it, else nobody."""
    if given is not None:
        return given
    # A kernel's stderr is no terminal, and a person reads it all the same.
    is_read = sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)
    return LineProgress() if is_read else NullProgress()
