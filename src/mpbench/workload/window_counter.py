"""
Window counter of one worker in shared memory.

The page is one shared block of 64-bit integers: a head that the parent writes,
then a record of _STRIDE integers for each worker, then the waiting times.
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable

from mpbench.clock import Clock, monotonic_ns

__all__ = (
    "IDLE_NS",
    "KEEP",
    "HeaderWord",
    "WindowCounter",
    "WorkerWord",
    "block_length",
    "subsample",
    "worker_offset",
)

# 256 bytes between workers, so that no two share a cache line or its prefetched
# neighbour (will-it-scale uses the same distance).
_STRIDE = 32

# Waiting times kept of one worker in one window.
KEEP = 2_000

# How often a worker without a window looks for one. A window must be announced
# at least this long before its start, or operations inside it could be missed.
IDLE_NS = 500_000

# How long an eased worker stays away from its work at a time.
_EASED_S = 0.001


class HeaderWord:
    """Where the parent's words stand in the page."""

    SEQUENCE, START, END, STOP, EASE, WAITS = range(6)


class WorkerWord:
    """Where a worker's words stand in its record."""

    DONE, FIRST, LAST, COUNT, KEPT, LONGEST, CPU, SPAN, BEGUN = range(9)


def worker_offset(index: int) -> int:
    """Return where a worker's record begins."""
    return _STRIDE * (index + 1)


def block_length(workers: int) -> tuple[int, int]:
    """Return how many words a page has, and where its waiting times begin."""
    head = _STRIDE * (workers + 1)
    return head + workers * KEEP, head


def subsample(values: list[int], count: int) -> list[int]:
    """
    Return *count* of the values, or all if there are fewer.

    From sorted values it takes the middle of each of *count* equal parts, so
    that percentiles stay where they are; a pattern in time cannot alias.
    """
    if len(values) <= count:
        return values
    step = len(values) / count
    return [values[int((place + 0.5) * step)] for place in range(count)]


# What users' workload files of version 0.1 may still call.
_OLD_NAMES = {"cross": "advance", "edge": "next_check_ns", "rest": "wait_for_window"}


class WindowCounter:
    """
    One worker's side of the windows.

    A worker loops while `running`, and after each operation reads the clock;
    when the reading reaches `next_check_ns` it calls `advance`. A worker that wants its
    waiting times kept appends one to `waits` for each operation.

    An operation belongs to a window [start, end) when it ends inside it. One
    that begins before and ends inside counts, one that ends after does not, so
    the two edges balance. A worker that completes nothing inside reports 0 as
    soon as it gets through.

    Args:
        index: Which worker this is.
        page: The shared page.
        cpu_clock: The CPU time of this process, in nanoseconds.
    """

    def __init__(self, index: int, page: Any, *, cpu_clock: Clock = time.process_time_ns) -> None:
        self.index = index
        self.running = True
        self.next_check_ns = 0
        self.waits: list[int] = []
        self._page = page
        self._cpu_clock = cpu_clock
        self._at = worker_offset(index)
        self._parent = os.getppid()
        self._seen = 0
        self._inside: tuple[int, int] | None = None
        self._pending: tuple[int, int] | None = None
        # Since when the worker has been at work without a pause.
        self._loaded: int | None = None
        # The clock and the CPU time at the last look outside a window.
        self._mark: tuple[int, int] | None = None
        self._first_done = 0

    def __getattr__(self, name: str) -> Any:
        if name in _OLD_NAMES:
            raise AttributeError(f"{name!r} is called {_OLD_NAMES[name]!r} since version 0.2")
        raise AttributeError(name)

    def repeat(
        self, operation: Callable[..., object], *arguments: Any, notes_waits: bool = False
    ) -> None:
        """
        Repeat an operation until told to stop, counting it in each window.

        Args:
            operation: What is counted.
            arguments: What it is called with.
            notes_waits: Whether the duration of each operation is kept.
        """
        clock, note = monotonic_ns, self.waits.append
        done = 0
        now = clock()
        while self.running:
            began = now
            operation(*arguments)
            done += 1
            now = clock()
            if notes_waits:
                note(now - began)
            if now >= self.next_check_ns:
                self.advance(now, done)
                now = clock()

    @property
    def is_idle(self) -> bool:
        """Whether no window is open or announced."""
        return self._inside is None and self._pending is None

    def advance(self, now: int, done: int) -> None:
        """
        Take note of the time after the *done*-th operation.

        Args:
            now: The clock, read after that operation.
            done: Operations completed since the worker began.
        """
        if self._loaded is None:
            self._loaded = now
            self._page[self._at + WorkerWord.BEGUN] = 1
        if self._inside is not None and now >= self._inside[1]:
            self._leave(now, done)
        if self._inside is None:
            self._look(now, done)

    def wait_for_window(self) -> None:
        """
        Stay away from the work until the next window is announced, or the end.

        For a worker whose state must stand still between windows. It must
        have crossed with its last operation and be idle, or not have begun.
        """
        page = self._page
        page[self._at + WorkerWord.BEGUN] = 1
        while (
            page[HeaderWord.SEQUENCE] == self._seen
            and not page[HeaderWord.STOP]
            and not self._is_orphan()
        ):
            time.sleep(IDLE_NS / 1e9)
        self._loaded = None
        self.next_check_ns = 0

    def _is_orphan(self) -> bool:
        return os.getppid() != self._parent

    def _look(self, now: int, done: int) -> None:
        page = self._page
        if page[HeaderWord.STOP] or self._is_orphan():
            self.running = False
            return
        if self._pending is None and page[HeaderWord.SEQUENCE] != self._seen:
            self._seen = page[HeaderWord.SEQUENCE]
            self._pending = (page[HeaderWord.START], page[HeaderWord.END])
        if self._pending is not None and now >= self._pending[0]:
            self._enter(now, done)
            return
        self._mark = (now, self._cpu_clock())
        if self._pending is None:
            self.waits.clear()
            self.next_check_ns = now + IDLE_NS
            if page[HeaderWord.EASE]:
                time.sleep(_EASED_S)
        else:
            self.next_check_ns = self._pending[0]

    def _enter(self, now: int, done: int) -> None:
        """Begin to count with the operation that ended just now: the first inside."""
        assert self._pending is not None
        self._inside, self._pending = self._pending, None
        self._first_done = done - 1
        if self._mark is None:
            self._mark = (now, self._cpu_clock())
        del self.waits[:-1]
        self.next_check_ns = self._inside[1]
        if now >= self.next_check_ns:
            # Not even this one ended inside: a starved worker, or a late one.
            self._leave(now, done)
            self._look(now, done)

    def _leave(self, now: int, done: int) -> None:
        """Report the window; the operation that ended just now ended after it."""
        assert self._inside is not None
        assert self._mark is not None
        assert self._loaded is not None
        start, end = self._inside
        at, page = self._at, self._page
        # The wait that reached beyond the window counts as the longest if it is.
        page[at + WorkerWord.LONGEST] = max(self.waits, default=0)
        kept = subsample(sorted(self.waits[:-1]), KEEP)
        base = page[HeaderWord.WAITS] + self.index * KEEP
        page[base : base + len(kept)] = kept
        page[at + WorkerWord.KEPT] = len(kept)
        # For how much of the window this worker was at work, be it waiting.
        page[at + WorkerWord.FIRST] = max(start, self._loaded)
        page[at + WorkerWord.LAST] = max(end, self._loaded)
        page[at + WorkerWord.COUNT] = done - 1 - self._first_done
        page[at + WorkerWord.CPU] = self._cpu_clock() - self._mark[1]
        page[at + WorkerWord.SPAN] = now - self._mark[0]
        # Last, because it tells the parent that the rest can be read.
        page[at + WorkerWord.DONE] = self._seen
        self._inside = None
