"""
Standard streams that may be closed, full, gone or unable to show a character.

Whatever is written to them, no control character reaches the terminal.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import unicodedata
from typing import Any

from mpbench.errors import OutputError, reason_of
from mpbench.printable import printable

__all__ = ("PlainText", "protect_streams")

# Nobody reads any more: the pipe is closed, or the terminal was hung up.
_UNREAD = {errno.EPIPE, errno.EIO}


# What the tables use and an ASCII or Latin-1 terminal lacks.
_SPELT = {
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{PLUS-MINUS SIGN}": "+/-",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{BOX DRAWINGS LIGHT HORIZONTAL}": "-",
    "\N{BOX DRAWINGS HEAVY HORIZONTAL}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{MICRO SIGN}": "u",
}
_SPELL = "mpbench-spell"


def _spell(error: UnicodeError) -> tuple[bytes, int]:
    """Spell what an encoding lacks; a byte of a file's name that is no text stays that byte."""
    assert isinstance(error, UnicodeEncodeError)
    parts = []
    for character in error.object[error.start : error.end]:
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - how os.fsdecode keeps such bytes
            parts.append(bytes([code & 0xFF]))
            continue
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore")
        parts.append(_SPELT.get(character, "").encode() or plain or b"?")
    return b"".join(parts), error.end


codecs.register_error(_SPELL, _spell)


class _Raw(io.FileIO):
    """
    A descriptor whose failures are met once.

    What nobody reads is dropped. Any other failure is raised the first time
    where *loud*; whatever follows is dropped too.
    """

    def __init__(self, descriptor: int, *, loud: bool) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._loud = loud
        self._lost = False

    def write(self, data: Any, /) -> int:
        """
        Write some bytes, or drop them.

        Raises:
            OutputError: The first failure that a reader should hear of.
        """
        size = memoryview(data).nbytes
        if self._lost:
            return size
        try:
            return super().write(data)
        except BlockingIOError:
            raise
        except OSError as error:
            self._lost = True
            if not self._loud or error.errno in _UNREAD:
                return size
            raise OutputError(
                f"cannot write to the standard output: {reason_of(error)}; files that a command "
                "writes besides are complete"
            ) from error


class PlainText(io.TextIOWrapper):
    """Text without control characters, whoever wrote it; what styles it has a way of its own."""

    def write(self, text: str, /) -> int:
        """Write text, with a space for each character that would not print."""
        if not isinstance(text, str):
            # click finds out what a stream takes by writing no bytes to it.
            raise TypeError(f"write() takes text, not {type(text).__name__}")
        return super().write(printable(text, keep="\n\t"))

    def write_styled(self, text: str) -> int:
        """Write text that rich has made of plain text: with colours and moves of the cursor."""
        return super().write(text)


def _guarded(stream: Any, descriptor: int, *, loud: bool) -> Any:
    """Return a stream that writes to the same place and minds its failures."""
    raw = _Raw(descriptor, loud=loud)
    terminal = raw.isatty()
    return PlainText(
        io.BufferedWriter(raw),
        encoding=getattr(stream, "encoding", None) or "utf-8",
        errors=_SPELL,
        line_buffering=terminal or not loud,
    )


def protect_streams() -> None:
    """
    Make the three standard streams safe to use.

    A closed one is opened on the null device, so that no result file gets its
    number. Streams that somebody else has put in place are left alone.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is taken, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    if sys.stdout is sys.__stdout__:
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.stdout = _guarded(sys.stdout, 1, loud=True)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _guarded(sys.stderr, 2, loud=False)
