"""The event file of one process: where it is, and which parts of it are given away."""

from __future__ import annotations

import itertools
import mmap
import os
import sys

from . import layout

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("EventFile",)

# As the file fills up, only longer events are kept, so that the waits that
# matter are there to the end: (share of the file, shortest event in ns).
_THINNING = ((0.5, 20_000), (0.75, 200_000), (0.875, 2_000_000))
# Pages are asked for so many at a time: the first touch of a page in a file costs
# several times what an event does, and comes in the middle of one.
_AHEAD = 16
# Linux 5.14 and newer, <linux/mman.h>; Python does not name it.
_MADV_POPULATE_WRITE = 23
# A page that cannot be stored when it is touched ends the process, so a file
# is only begun where there is room for several of them.
_LEAST_FREE = 64 << 20
# Kept for ever: a mapping closes its own descriptor when it is freed, which a
# program that closes all descriptors may have given to something else.
_MAPPED: list[Any] = []


def _mapped(path: str, records: int) -> Any:
    """
    Make an event file and map it.

    Raises:
        OSError: There is no such folder any more, or too little room in it.
    """
    size = (layout.FIRST_RECORD + records * layout.RECORD_WORDS) * 8
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        free = os.fstatvfs(descriptor)
        if free.f_bavail * free.f_frsize < _LEAST_FREE:
            os.unlink(path)
            raise OSError("too little room for events")
        os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


class EventFile:
    """
    Words in shared memory, in a file if there can be one.

    Args:
        path: The file to make.
        records: How many events it has room for.
    """

    def __init__(self, path: str, records: int) -> None:
        try:
            shared: Any = _mapped(path, records)
            self.is_kept = True
        except OSError:
            # The program goes on; what it does is forgotten.
            shared = bytearray((layout.FIRST_RECORD + layout.CHUNK_WORDS) * 8)
            self.is_kept = False
        _MAPPED.append(shared)
        self._shared = shared
        self.cells = memoryview(shared).cast("Q")
        self._whole = len(self.cells) - layout.FIRST_RECORD
        self._taken = itertools.count()
        self._slots = itertools.count(1)

    def take(self) -> tuple[int, int, int, int] | None:
        """Return a chunk: its words, the shortest event to keep, and how many chunks are taken."""
        chunk = next(self._taken)
        begin = chunk * layout.CHUNK_WORDS
        if begin + layout.CHUNK_WORDS > self._whole:
            return None
        if chunk % _AHEAD == 0:
            self._populate(layout.FIRST_RECORD + begin)
        shortest = max(
            (least for share, least in _THINNING if begin >= share * self._whole), default=0
        )
        first = layout.FIRST_RECORD + begin
        return first, first + layout.CHUNK_WORDS, shortest, chunk + 1

    def _populate(self, word: int) -> None:
        """Have the system prepare the next pages, if it can; otherwise the first touch does."""
        size = min(_AHEAD * layout.CHUNK_WORDS, len(self.cells) - word) * 8
        if self.is_kept and sys.platform == "linux":
            try:
                self._shared.madvise(_MADV_POPULATE_WRITE, word * 8, size)
            except (OSError, ValueError):
                # An older kernel, or pages of another size.
                return

    def slot(self) -> int:
        """Return the number of a slot that no one has; the last one takes what does not fit."""
        return min(next(self._slots), layout.SLOTS - 1)
