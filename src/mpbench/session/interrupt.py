"""Requests to stop: one Ctrl-C finishes the current record, a second one ends at once."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mpbench.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ("StopRequest", "ending_signals", "stop_requests", "terminations")

_DEADLY = ("SIGQUIT", "SIGUSR1", "SIGUSR2")


def ending_signals() -> tuple[signal.Signals, ...]:
    """
    Return the signals that end a session.

    They are SIGTERM and SIGHUP, unless they are ignored, and what else would end this
    process before it has removed its folder, unless somebody handles it.
    """
    asked = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    deadly = [getattr(signal, name) for name in _DEADLY if hasattr(signal, name)]
    heard = {one for one in asked if signal.getsignal(one) is not signal.SIG_IGN}
    return (*heard, *(one for one in deadly if signal.getsignal(one) is signal.SIG_DFL))


class StopRequest:
    """
    Whether the user has asked to stop.

    Args:
        doing: What is being measured, for the answer to the first request.
    """

    def __init__(self, doing: str = "the present measurement") -> None:
        self.asked = False
        self.doing = doing

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take the first request as a wish and the second as an order."""
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        text = f"\nmpbench: stopping after {self.doing}; again ends now\n"
        # Not through sys.stderr: the signal may have come while that was writing.
        with suppress(OSError):
            os.write(2, printable(text, keep="\n").encode("ascii", "backslashreplace"))


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


@contextmanager
def terminations() -> Iterator[None]:
    """
    Take SIGTERM, SIGHUP and the like as Ctrl-C, so that what was made for a session is removed.

    It is for the time before anything is measured; in a thread that is not
    the main one nothing is caught.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """
    Catch SIGINT, SIGTERM, SIGHUP and the like while measuring.

    In a thread that is not the main one nothing is caught: signals are then
    somebody else's.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    numbers = (signal.SIGINT, *ending_signals())
    before = {number: signal.signal(number, request) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
