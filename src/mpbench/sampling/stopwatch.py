"""Time that stands still in pauses, and waiting for a moment of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("Stopwatch",)


class Stopwatch:
    """
    Seconds during which something was not paused; it begins paused.

    One thread waits, any may pause, resume and end.

    Args:
        clock: Seconds; a fake in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ran_s = 0.0
        # When it was resumed; None while it is paused.
        self._since: float | None = None
        self._is_over = False

    def ran_s(self) -> float:
        """Return how many seconds it has run."""
        with self._changed:
            return self._ran_s + (0.0 if self._since is None else self._clock() - self._since)

    def resume(self) -> None:
        """Let time pass."""
        with self._changed:
            if self._since is None:
                self._since = self._clock()
            self._changed.notify()

    def pause(self) -> None:
        """Let time stand still; who waits is not woken for it."""
        with self._changed:
            self._ran_s = self.ran_s()
            self._since = None

    def end(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def wait_until(self, moment_s: float) -> bool:
        """
        Wait until it has run for *moment_s* seconds and runs.

        Returns:
            False when it was ended.
        """
        with self._changed:
            while not self._is_over:
                left = moment_s - self.ran_s()
                if self._since is not None and left <= 0:
                    return True
                self._changed.wait(None if self._since is None else left)
        return False
