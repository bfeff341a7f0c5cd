"""Durations of the calls in a worker's chunks, in their order."""

from __future__ import annotations

import mmap
import os

from .recorder import recorder

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("HEADER_WORDS", "MAX_WORDS", "CallTimes")

# 8 bytes a call; the calls of further chunks are known by their chunk's time only.
MAX_WORDS = 1 << 17
# Before the durations of a chunk: when it began, and how many follow.
HEADER_WORDS = 2


class CallTimes:
    """A file of 64-bit words: for each chunk when it began, its number of calls, their times."""

    def __init__(self) -> None:
        # None before the first chunk, and empty where there can be no file.
        self.words: Any = None
        self.next = 0

    def _open(self) -> Any:
        """Map the file; a memory of no words where that is impossible."""
        ours = recorder()
        if ours.ensure_file() is None or not ours.token:
            return ()
        path = os.path.join(ours.folder, f"{ours.token}.calls")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                # Room that is there already: the touch of a page without room ends a process.
                os.posix_fallocate(descriptor, 0, MAX_WORDS * 8)
                return memoryview(mmap.mmap(descriptor, MAX_WORDS * 8)).cast("Q")
            finally:
                os.close(descriptor)
        except (OSError, AttributeError):
            return ()

    def room(self, began: int, calls: int) -> int:
        """Return where the durations of a chunk go; 0 where there is no room for them."""
        words = self.words
        if words is None:
            words = self.words = self._open()
        at = self.next + HEADER_WORDS
        if at + calls > len(words):
            return 0
        words[at - 2] = began
        return at

    def close_chunk(self, at: int, calls: int) -> None:
        """Say that all durations of the chunk at *at* are there."""
        self.words[at - 1] = calls
        self.next = at + calls
