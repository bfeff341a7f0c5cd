"""Where one thread of a recorded process writes next."""

from __future__ import annotations

from . import layout

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("Lane",)


class Lane:
    """
    One thread's place in the event file; nobody else writes there.

    Args:
        number: The lane's number in the file.
        cells: The file's words.
    """

    __slots__ = ("bits", "cells", "deepest", "next", "open", "shortest", "slots", "stop")

    def __init__(self, number: int, cells: Any) -> None:
        self.bits = number << 16
        self.cells = cells
        # Where the next event that begins is noted; it is erased when it ends.
        self.open = layout.HEADER_WORDS + number * layout.OPEN_WORDS
        self.deepest = self.open + layout.OPEN_WORDS if number < layout.LANES else 0
        # The chunk of records: the next free word, and the first one that is not the lane's.
        self.next = 0
        self.stop = 0
        # Shorter events are summed up and not kept.
        self.shortest = 0
        # Where events of one kind and object are summed up.
        self.slots: dict[int, int] = {}
