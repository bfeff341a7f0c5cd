"""
Reading a process tree from Linux's /proc, cheaply enough to do it ten times a second.

Each process's `stat` stays open and is read again with one call: about a
fifth of the cost of opening it, and a read of a process that has ended fails
instead of answering for a stranger with the same pid.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from mpbench.environment import SYSTEM, Files
from mpbench.sampling.snapshot import Key, ProcessSnapshot

__all__ = ("ProcReader",)

# A line of stat is about 350 bytes; names are at most 16.
_STAT_BYTES = 1_024
# Where things stand after the name, counted from 0; man 5 proc counts from 3.
_PARENT, _USER, _SYSTEM, _THREADS, _STARTED, _RESIDENT = 1, 11, 12, 17, 19, 21


class _Open(NamedTuple):
    """A process with its open file."""

    key: Key
    descriptor: int
    # Of the main thread's scheduling figures; -1 where the kernel keeps none.
    schedule: int


def _boot_offset_ns() -> int:
    """Return what must be added to time since boot to get the monotonic clock."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    return time.perf_counter_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def _close(one: _Open) -> None:
    os.close(one.descriptor)
    if one.schedule >= 0:
        os.close(one.schedule)


def _with_schedule(reading: ProcessSnapshot, one: _Open) -> ProcessSnapshot:
    """
    Add what the scheduler says about the main thread.

    Its CPU time is exact, that of the process is counted in ticks of 10 ms;
    a process with one thread is known to the nanosecond by the larger of the two.
    """
    if one.schedule < 0:
        return reading
    try:
        field = os.pread(one.schedule, 128, 0).split()
    except OSError:
        return reading
    if len(field) < 2:  # noqa: PLR2004 - time on a CPU, time waiting for one
        return reading
    return reading._replace(own_ns=max(reading.own_ns, int(field[0])), delay_ns=int(field[1]))


class ProcReader:
    """
    Looks at a process and its descendants.

    Args:
        root: The process at the top; its own CPU time is left out by callers
            who mean its children only.
        files: Where /proc is.
    """

    def __init__(self, root: int, files: Files = SYSTEM) -> None:
        self._root = root
        # Plain text: a Path for each of some hundred files would double the price of a look.
        self._proc = str(files.path("/proc"))
        self._tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._offset = _boot_offset_ns()
        self._known: dict[int, _Open] = {}

    def read(self, *, discover: bool) -> list[ProcessSnapshot]:
        """Return the live processes of the tree, parents before their children."""
        if discover:
            return self._walk()
        found = [self._again(pid) for pid in list(self._known)]
        return [reading for reading in found if reading is not None]

    def close(self) -> None:
        """Close every file."""
        for one in self._known.values():
            _close(one)
        self._known.clear()

    def _walk(self) -> list[ProcessSnapshot]:
        """Read the tree from its root, level by level."""
        found: list[ProcessSnapshot] = []
        order: dict[int, _Open] = {}
        level = [self._root]
        while level:
            below: list[int] = []
            for pid in level:
                reading = self._again(pid) if pid in self._known else self._first(pid)
                if reading is not None:
                    found.append(reading)
                    order[pid] = self._known[pid]
                    below += self._children(pid)
            level = below
        # A process that was adopted by somebody outside the tree is kept while it lives.
        for pid in [pid for pid in self._known if pid not in order]:
            reading = self._again(pid)
            if reading is not None:
                found.append(reading)
                order[pid] = self._known[pid]
        self._known = order
        return found

    def _first(self, pid: int) -> ProcessSnapshot | None:
        try:
            descriptor = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        reading = self._read(pid, descriptor)
        if reading is None:
            os.close(descriptor)
            return None
        try:
            schedule = os.open(f"{self._proc}/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            schedule = -1
        one = self._known[pid] = _Open(reading.key, descriptor, schedule)
        return _with_schedule(reading, one)

    def _again(self, pid: int) -> ProcessSnapshot | None:
        one = self._known[pid]
        reading = self._read(pid, one.descriptor)
        if reading is not None:
            return _with_schedule(reading, one)
        _close(one)
        del self._known[pid]
        return None

    def _read(self, pid: int, descriptor: int) -> ProcessSnapshot | None:
        try:
            text = os.pread(descriptor, _STAT_BYTES, 0)
        except OSError:
            return None
        head, _, tail = text.rpartition(b")")
        field = tail.split()
        if len(field) <= _RESIDENT:
            return None
        user, system, waited_user, waited_system = (int(one) for one in field[_USER : _USER + 4])
        tick = self._tick_ns
        return ProcessSnapshot(
            key=(pid, int(field[_STARTED]) * tick + self._offset),
            parent=int(field[_PARENT]),
            name=head.partition(b"(")[2].decode(errors="replace"),
            own_ns=(user + system) * tick,
            waited_ns=(waited_user + waited_system) * tick,
            rss_bytes=int(field[_RESIDENT]) * self._page,
            threads=int(field[_THREADS]),
        )

    def _children(self, pid: int) -> list[int]:
        """Return the children of all threads of a process."""
        folder = f"{self._proc}/{pid}/task"
        found: list[int] = []
        try:
            tasks = os.listdir(folder)
        except OSError:
            return found
        for task in tasks:
            try:
                descriptor = os.open(f"{folder}/{task}/children", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                # Eight bytes for each child; a thread with more than 8,000 shows the first ones.
                found += [int(word) for word in os.read(descriptor, 1 << 16).split()]
            except OSError:
                continue
            finally:
                os.close(descriptor)
        return found
