"""Progress bars in the terminal; none where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from mpbench.printable import printable
from mpbench.units import format_duration

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ("Bars",)

# Redrawing costs CPU time on the machine that is being measured.
_REDRAWS_PER_S = 2


class Bars:
    """A progress bar of rich on stderr; as a context manager it cleans up after itself."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._shown = 0.0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            from mpbench.cli.terminal import terminal

            # No refresh thread: the bar is drawn between measurements only.
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[name]}"),
                TextColumn("{task.fields[left]}"),
                console=terminal(stderr=True),
                auto_refresh=False,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def begin(self, what: str, total: int) -> None:
        """Start a stage of *total* steps."""
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(what, total=total, name="", left="")

    def step(self, name: str, *, left_s: float | None) -> None:
        """Say what is measured next, and about how many seconds remain."""
        if self._bar is None:
            return
        left = "" if left_s is None else f"{format_duration(left_s)} left"
        self._bar.update(self._task, name=name, left=left)
        if time.monotonic() - self._shown >= 1 / _REDRAWS_PER_S:
            self._bar.refresh()
            self._shown = time.monotonic()

    def done(self) -> None:
        """Count the step that was announced last."""
        if self._bar is not None:
            self._bar.advance(self._task)

    def note(self, text: str) -> None:
        """Say something that the user should know now."""
        plain = printable(text)
        if self._bar is not None:
            self._bar.console.print(plain, style="yellow", markup=False, highlight=False)
        else:
            sys.stderr.write(f"mpbench: {plain}\n")

    def end(self) -> None:
        """Close the stage."""
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
            self._bar.refresh()
