"""The event file of one process: where it is, and which parts of it are given away."""

from __future__ import annotations

import errno
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
# Pages of events are asked for so many at a time, fewer in the beginning: the first touch of a
# page in a file costs several times what an event does, and comes in the middle of one.
_AHEAD = 16
_PAGE_BYTES = 4_096
_LANES_ON_PAGE = _PAGE_BYTES // 8 // layout.OPEN_WORDS
_SLOTS_ON_PAGE = _PAGE_BYTES // 8 // layout.SLOT_WORDS
# Linux 5.14 and newer, <linux/mman.h>; Python does not name it.
_MADV_POPULATE_WRITE = 23
# A page that cannot be stored when it is touched ends the process, so pages are asked
# for before, and a file is only begun where there is room for several of them
# (layout.LEAST_FREE_BYTES).
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
        if free.f_bavail * free.f_frsize < layout.LEAST_FREE_BYTES:
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
        self._path = path
        try:
            shared: Any = _mapped(path, records)
            # The header with the first threads, and the first sums; the rest when it is needed.
            self.is_kept = self._prepared(shared, 0, 2 * _PAGE_BYTES) and self._prepared(
                shared, layout.TOTALS_START * 8, _PAGE_BYTES
            )
        except OSError:
            self.is_kept = False
        if not self.is_kept:
            # The program goes on; what it does is forgotten.
            shared = bytearray((layout.FIRST_RECORD + layout.CHUNK_WORDS) * 8)
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
        # 1, 1, 2, 4, 8 chunks, then 16 at a time.
        is_due = chunk % _AHEAD == 0 or (chunk < _AHEAD and not chunk & (chunk - 1))
        ahead = min(max(1, chunk), _AHEAD)
        if is_due and not self._populate(layout.FIRST_RECORD + begin, ahead):
            # No room on the disk any more: from now on events are summed up.
            self._whole = 0
            return None
        shortest = max(
            (least for share, least in _THINNING if begin >= share * self._whole), default=0
        )
        first = layout.FIRST_RECORD + begin
        return first, first + layout.CHUNK_WORDS, shortest, chunk + 1

    def _populate(self, word: int, chunks: int) -> bool:
        """Prepare the pages of the next chunks; return whether there is room for them."""
        size = min(chunks * layout.CHUNK_WORDS, len(self.cells) - word) * 8
        return not self.is_kept or self._prepared(self._shared, word * 8, size)

    def _prepared(self, shared: Any, begin: int, size: int) -> bool:
        """Return whether a part of the file has pages, which may then be touched."""
        if sys.platform != "linux":
            return True
        try:
            shared.madvise(_MADV_POPULATE_WRITE, begin, size)
        except (OSError, ValueError) as error:
            # An older kernel, or pages of another size; anything else is a lack of room.
            unknown = isinstance(error, ValueError) or error.errno == errno.EINVAL
            return unknown and self._allocated(begin, size)
        return True

    def _allocated(self, begin: int, size: int) -> bool:
        """Have the file system find room where memory cannot be prepared."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, begin, size)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def lane(self, number: int) -> int:
        """Return where a thread notes what has begun; 0 where there is no room for it."""
        if number >= layout.MAX_THREADS:
            return 0
        at = layout.HEADER_WORDS + number * layout.OPEN_WORDS
        if number >= _LANES_ON_PAGE and number % _LANES_ON_PAGE == 0 and not self._page(at):
            return 0
        return at

    def slot(self) -> int:
        """Return the number of a slot that no one has; 0, which nobody reads, without room."""
        number = min(next(self._slots), layout.TOTALS - 1)
        at = layout.TOTALS_START + number * layout.SLOT_WORDS
        return number if number % _SLOTS_ON_PAGE or self._page(at) else 0

    def _page(self, word: int) -> bool:
        """Prepare one page; return whether there is room for it."""
        return not self.is_kept or self._prepared(self._shared, word * 8, _PAGE_BYTES)
