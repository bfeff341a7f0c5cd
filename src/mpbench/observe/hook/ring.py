"""
The event file of one process, and how events get into it.

An event costs about a microsecond: two readings of the clock by the caller and
some stores into shared memory. Nothing is flushed: what was stored is in the
file, whatever happens to the process.
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import threading
import time

from . import layout
from .lane import Lane
from .program import program_name

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = ("Recorder", "line_of", "now", "recorder")

now: Callable[[], int] = time.perf_counter_ns

# As the file fills up, only longer events are kept, so that the waits that
# matter are there to the end: (share of the file, shortest event in ns).
_THINNING = ((0.5, 20_000), (0.75, 200_000), (0.875, 2_000_000))
# A program that makes a lock for each item must not fill the disk with names.
_MOST_NAMES = 20_000
_LANE_LIMIT = 0xFFFF
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
# A page that cannot be stored when it is touched ends the process, so a file
# is only begun where there is room for several of them.
_LEAST_FREE = 64 << 20
# Kept for ever: a mapping closes its own descriptor when it is freed, which a
# program that closes all descriptors may have given to something else.
_MAPPED: list[Any] = []
# What JSON does not allow inside a string as it is.
_ESCAPES = {number: f"\\u{number:04x}" for number in (*range(32), 34, 92)}


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    return '"' + str(value).translate(_ESCAPES) + '"'


def line_of(facts: dict[str, Any]) -> bytes:
    """Return one line of JSON; the json module would cost each process several milliseconds."""
    text = ",".join(f"{_value(key)}:{_value(value)}" for key, value in facts.items())
    return f"{{{text}}}\n".encode("utf-8", "replace")


def _mapped(path: str, records: int) -> Any:
    """
    Make an event file and map it.

    Raises:
        OSError: There is no such folder any more, or too little room in it.
    """
    size = (layout.record_start() + records * layout.RECORD_WORDS) * 8
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


class Recorder:
    """Everything that one process writes about itself."""

    def __init__(self, folder: str, records: int) -> None:
        self.folder = folder
        self.records = records
        self.born_ns = 0
        self.forked = False
        self._parent: str | None = None
        self._inherited = 0
        self._names: dict[str, int] = {}
        self._fresh()

    def _fresh(self) -> None:
        """Forget the file, not the names: a forked child opens its own when it has an event."""
        self.token = ""
        self._said = ""
        self._cells: Any = None
        self._local = threading.local()
        self._lock = threading.Lock()

    def after_fork(self) -> None:
        """Become the recorder of a forked child."""
        if self.token:
            self._parent = self.token
            self._inherited = len(self._names)
        self._fresh()
        self.born_ns = now()
        self.forked = True

    def _open(self) -> None:
        token = f"{os.getpid()}-{now():x}"
        base = os.path.join(self.folder, token)
        try:
            shared = _mapped(base + ".ring", self.records)
        except OSError:
            # The program goes on; what it does is forgotten.
            shared = bytearray((layout.record_start() + layout.CHUNK_WORDS) * 8)
        else:
            self._said = base + ".names"
        words = len(shared) // 8
        self._first = layout.record_start()
        self._whole = words - self._first
        self._taken = itertools.count()
        self._slots = itertools.count(1)
        self._lanes = itertools.count()
        _MAPPED.append(shared)
        self._cells = cells = memoryview(shared).cast("Q")
        cells[layout.PID] = os.getpid()
        cells[layout.OPENED] = now()
        cells[layout.MAGIC_AT] = layout.MAGIC
        self.token = token
        self.say(
            {
                "process": os.getpid(),
                "parent_pid": os.getppid(),
                "parent": self._parent,
                "inherited": self._inherited,
                "born_ns": self.born_ns,
                "forked": self.forked,
                "argv0": program_name(),
                # Other libraries start their own trackers with `python -c`.
                "tracks": any("resource_tracker" in one for one in getattr(sys, "orig_argv", ())),
                "python": sys.version.split()[0],
            }
        )

    def say(self, line: dict[str, Any]) -> None:
        """Append a line to the file of names; one write, so that it is whole or absent."""
        self.ready()
        if not self._said:
            return
        # Opened each time: a program that closes all descriptors would hand
        # ours on to its own next file.
        try:
            descriptor = os.open(self._said, _APPEND, 0o600)
        except OSError:
            return
        try:
            os.write(descriptor, line_of(line))
        except OSError:
            # A full disk must not end the user's program.
            return
        finally:
            os.close(descriptor)

    def ready(self) -> Any:
        """Open the file if need be and return its cells."""
        if self._cells is None:
            with self._lock:
                if self._cells is None:
                    self._open()
        return self._cells

    def named(self, key: str, what: str, label: str = "", **more: Any) -> int:
        """
        Return the number of an object, and describe it when it is new here.

        Args:
            key: The same in every process that uses the object.
            what: Its class, for people.
            label: Where it was made, or its name.
            more: Further facts for the line of the file.
        """
        number = self._names.get(key)
        if number is None:
            if len(self._names) >= _MOST_NAMES:
                return layout.ABSENT
            number = self._names[key] = len(self._names) + 1
        elif not more and not label:
            return number
        self.say({"name": number, "key": key, "what": what, "label": label, **more})
        return number

    def number(self, key: str, what: str) -> int:
        """Return the number of an object that another process may have described."""
        known = self._names.get(key)
        return known if known is not None else self.named(key, what)

    def _lane(self) -> Lane:
        self.ready()
        number = min(next(self._lanes), _LANE_LIMIT)
        lane = self._local.lane = Lane(number, self._cells)
        self.say(
            {
                "lane": number,
                "thread": threading.current_thread().name,
                "main": threading.current_thread() is threading.main_thread(),
            }
        )
        return lane

    def _refill(self, lane: Lane) -> None:
        """Give a lane its next chunk, if the file has one."""
        chunk = next(self._taken)
        begin = chunk * layout.CHUNK_WORDS
        if begin + layout.CHUNK_WORDS > self._whole:
            return
        lane.next = self._first + begin
        lane.stop = lane.next + layout.CHUNK_WORDS
        lane.shortest = max(
            (least for share, least in _THINNING if begin >= share * self._whole), default=0
        )
        cells = self._cells
        cells[layout.CHUNKS] = max(cells[layout.CHUNKS], chunk + 1)

    def _slot(self, lane: Lane, key: int) -> int:
        """Return where a lane sums up events of one kind and object."""
        number = next(self._slots)
        # The last slot takes what does not fit; the reader knows it by its key.
        number = min(number, layout.SLOTS - 1)
        at = layout.TOTALS_START + number * layout.SLOT_WORDS
        lane.slots[key] = at
        cells = self._cells
        cells[at] = key
        cells[layout.SLOT_AT] = max(cells[layout.SLOT_AT], number + 1)
        return at

    def begin(self, kind: int, thing: int) -> int:
        """
        Note that something begins that may take long, and return the time.

        A process that hangs or is ended in the middle shows what it was doing.
        """
        try:
            lane = self._local.lane
        except AttributeError:
            lane = self._lane()
        at = lane.open
        lane.open = at + 2
        start = now()
        if at < lane.deepest:
            cells = lane.cells
            cells[at] = start
            cells[at + 1] = kind | thing << 32
        return start

    def finish(self, kind: int, thing: int, start: int, argument: int = 0) -> None:
        """Keep the event that began at *start*."""
        duration = now() - start
        try:
            lane = self._local.lane
        except AttributeError:
            # It began in the parent of this forked child.
            return
        cells = lane.cells
        at = lane.open = lane.open - 2
        if at < lane.deepest:
            cells[at + 1] = 0
        at = lane.next
        if at == lane.stop or duration < lane.shortest:
            self._rare(lane, kind | thing << 32, start, duration, argument)
            return
        cells[at] = start
        cells[at + 1] = duration
        cells[at + 3] = argument
        # Last, so that a record is whole or has kind 0.
        cells[at + 2] = kind | lane.bits | thing << 32
        lane.next = at + 4

    def record(self, kind: int, thing: int, start: int, end: int, argument: int = 0) -> None:
        """Keep one event whose beginning nobody had to know: it cannot hang."""
        try:
            lane = self._local.lane
        except AttributeError:
            lane = self._lane()
        at, duration = lane.next, end - start
        if at == lane.stop or duration < lane.shortest:
            self._rare(lane, kind | thing << 32, start, duration, argument)
            return
        cells = lane.cells
        cells[at] = start
        cells[at + 1] = duration
        cells[at + 3] = argument
        cells[at + 2] = kind | lane.bits | thing << 32
        lane.next = at + 4

    def _rare(self, lane: Lane, key: int, start: int, duration: int, argument: int) -> None:
        """Keep an event in a lane's next chunk; sum it up where there is no room for it."""
        cells = lane.cells
        if lane.next == lane.stop:
            self._refill(lane)
        if lane.next < lane.stop and duration >= lane.shortest:
            at = lane.next
            cells[at] = start
            cells[at + 1] = duration
            cells[at + 3] = argument
            cells[at + 2] = key | lane.bits
            lane.next = at + 4
            return
        cells[layout.DROPPED] += 1
        slot = lane.slots.get(key) or self._slot(lane, key)
        cells[slot + 1] += 1
        cells[slot + 2] += duration
        cells[slot + 3] = max(cells[slot + 3], duration)

    def count(self, kind: int, thing: int) -> None:
        """Count an event that took no time worth a record."""
        try:
            lane = self._local.lane
        except AttributeError:
            lane = self._lane()
        key = kind | thing << 32
        slot = lane.slots.get(key) or self._slot(lane, key)
        lane.cells[slot + 1] += 1


_RECORDERS: list[Recorder] = []


def recorder() -> Recorder:
    """Return this process's recorder."""
    if not _RECORDERS:
        made = Recorder(
            os.environ["MPBENCH_PROFILE_DIR"],
            int(os.environ.get("MPBENCH_PROFILE_EVENTS", "") or 1 << 18),
        )
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=made.after_fork)
        _RECORDERS.append(made)
    return _RECORDERS[0]
