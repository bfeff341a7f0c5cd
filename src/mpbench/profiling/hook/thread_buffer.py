"""Event buffer of one thread."""

from __future__ import annotations

from . import kinds, layout

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .eventfile import EventFile

__all__ = ("NullEventFile", "ThreadBuffer")

# Their own names, because they are read for every event of a long program.
_OPEN_DEPTH, _RECORD_WORDS, _DROPPED = layout.OPEN_DEPTH, layout.RECORD_WORDS, layout.DROPPED
# An event's word without its lane: what it is summed up by.
_KIND_AND_OBJECT = (1 << 64) - 1 - (0xFFFF << 16)
# Longer than any event, in nanoseconds: the file has no room left.
_NONE_KEPT = 1 << 62


class _Nowhere:
    """Takes words and keeps none."""

    def __getitem__(self, at: int) -> int:
        return 0

    def __setitem__(self, at: int, word: int) -> None:
        pass


class NullEventFile:
    """An event file that keeps nothing: for what happens while the real one is made."""

    cells: Any = _Nowhere()

    def take(self) -> None:
        """Return no chunk."""

    def lane(self, number: int) -> int:
        """Return no place."""
        return 0 * number

    def slot(self) -> int:
        """Return a slot that nobody reads."""
        return 0


class ThreadBuffer:
    """
    One thread's place in the event file; nobody else writes there.

    `next` is the record for the next event and `stop` the end of its chunk. They
    are equal when there is none, or when the file is so full that an event is
    kept only once it has lasted long enough: `more` and `settle` know then.

    Args:
        number: The lane's number in the file.
        file: The process's event file.
    """

    __slots__ = (
        "_depth",
        "_file",
        "_open",
        "_shortest",
        "_slots",
        "_spare",
        "_spare_stop",
        "bits",
        "next",
        "stop",
        "words",
    )

    def __init__(self, number: int, file: EventFile | NullEventFile) -> None:
        self._file = file
        self.words: Any = file.cells
        self.bits = number << 16
        self.next = self.stop = 0
        # Of a chunk whose records are given to events that have ended already.
        self._spare = self._spare_stop = 0
        self._shortest = 0
        self._depth = 0
        self._open = file.lane(number)
        # Where events of one kind and object are summed up.
        self._slots: dict[int, int] = {}

    def disable(self) -> None:
        """Write nothing more: a forked child is not the thread that it was copied from."""
        self.words = _Nowhere()

    def _refill(self) -> None:
        """Take the file's next chunk; where there is none, no event is kept any more."""
        taken = self._file.take()
        if taken is None:
            self._shortest = _NONE_KEPT
            return
        self._spare, self._spare_stop, self._shortest, chunks = taken
        cells = self.words
        cells[layout.CHUNKS] = max(cells[layout.CHUNKS], chunks)

    def begin_slow(self) -> int:
        """Return where an event that begins is noted when `next` is `stop`."""
        if not self._shortest:
            if self._spare == self._spare_stop:
                self._refill()
            if not self._shortest:
                at = self._spare
                self.next, self.stop = at + _RECORD_WORDS, self._spare_stop
                self._spare = self._spare_stop
                return at
        depth = self._depth
        self._depth = depth + 1
        if depth < _OPEN_DEPTH and self._open:
            return self._open + depth * _RECORD_WORDS
        return layout.SCRATCH_RECORD

    def finish_slow(self, at: int, key: int, start: int, duration: int, argument: int) -> None:
        """Keep or sum up an event that has ended and was noted by `more` at *at*."""
        self._depth -= 1
        cells = self.words
        cells[at + 2] = 0
        if duration < self._shortest:
            # A long program's events are nearly all of them here.
            self._sum(key, duration, argument)
            return
        if self._spare == self._spare_stop:
            self._refill()
            if duration < self._shortest:
                self._sum(key, duration, argument)
                return
        at, self._spare = self._spare, self._spare + _RECORD_WORDS
        cells[at] = start
        cells[at + 1] = duration or 1
        cells[at + 3] = argument
        # Last, so that a record is whole or has kind 0.
        cells[at + 2] = key

    def _slot(self, key: int) -> int:
        """Return where the lane sums up events of one kind and object."""
        known = self._slots.get(key)
        if known is not None:
            return known
        number = self._file.slot()
        at = layout.TOTALS_START + number * layout.SLOT_WORDS
        self._slots[key] = at
        cells = self.words
        cells[at] = key
        cells[layout.SLOT_AT] = max(cells[layout.SLOT_AT], number + 1)
        return at

    def _sum(self, key: int, duration: int, argument: int) -> None:
        """Count an event that is not kept with the others of its kind and object."""
        cells, key = self.words, key & _KIND_AND_OBJECT
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slot(key)
        cells[_DROPPED] += 1
        cells[slot + 1] += 1
        cells[slot + 2] += duration
        cells[slot + 3] = max(cells[slot + 3], duration)
        if key & 0xFFFF == kinds.SEND:
            # Bytes, in the word for nanoseconds.
            cells[self._slot(key - kinds.SEND + kinds.SENT) + 2] += argument

    def counter(self, kind: int, thing: int) -> int:
        """Return the word in which the lane counts events that take no time worth a record."""
        return self._slot(kind | thing << 32) + 1
