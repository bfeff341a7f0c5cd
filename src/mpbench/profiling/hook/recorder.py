"""
Recorder of one process: events, objects, metadata.

An event costs about a microsecond: two readings of the clock and some stores
into shared memory. Nothing is flushed: what was stored is in the file, whatever
happens to the process.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time

from . import layout
from .config import CONFIG, read_config
from .eventfile import EventFile
from .program import program_name
from .thread_buffer import NullEventFile, ThreadBuffer

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    # A lane, the place of its record, and when it began.
    Begun = tuple[ThreadBuffer, int, int]

__all__ = ("Recorder", "line_of", "now", "recorder")

now: Callable[[], int] = time.perf_counter_ns

# A program that makes a lock for each item must not fill the disk with names.
_MOST_NAMES = 20_000
_LANE_LIMIT = 0xFFFF
_FIRST = layout.FIRST_RECORD
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
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
        # The same object for ever: wrappers keep it. `local.lane` is the thread's lane,
        # once it has one.
        self.local = threading.local()
        self._fresh()

    def _fresh(self) -> None:
        """Forget the file, not the names: a forked child opens its own when it has an event."""
        self.token = ""
        self._names_path = ""
        self._file: EventFile | None = None
        # A signal handler, or a finalizer, may have events while the file is made.
        self._lock = threading.RLock()
        self._opening = False

    def after_fork(self) -> None:
        """Become the recorder of a forked child."""
        if self.token:
            self._parent = self.token
            self._inherited = len(self._names)
        # What began before the fork ends in the parent.
        lane = self.local.__dict__.pop("lane", None)
        if lane is not None:
            lane.disable()
        self._fresh()
        self.born_ns = now()
        self.forked = True

    def _open(self) -> None:
        token = f"{os.getpid()}-{now():x}"
        base = os.path.join(self.folder, token)
        self._file = file = EventFile(base + ".ring", self.records)
        if file.is_kept:
            self._names_path = base + ".names"
        self._lanes = itertools.count()
        cells = file.cells
        cells[layout.PID] = os.getpid()
        cells[layout.OPENED] = now()
        cells[layout.MAGIC_AT] = layout.MAGIC
        self.token = token
        self.write_metadata(
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

    def write_metadata(self, line: dict[str, Any]) -> None:
        """Append a line to the file of names; one write, so that it is whole or absent."""
        if self.ensure_file() is None or not self._names_path:
            return
        # Opened each time: a program that closes all descriptors would hand
        # ours on to its own next file.
        try:
            descriptor = os.open(self._names_path, _APPEND, 0o600)
        except OSError:
            return
        try:
            os.write(descriptor, line_of(line))
        except OSError:
            # A full disk must not end the user's program.
            return
        finally:
            os.close(descriptor)

    def ensure_file(self) -> EventFile | None:
        """Open the file if need be and return it; None inside of that very opening."""
        if self._file is None:
            with self._lock:
                if self._opening:
                    return None
                if self._file is None:
                    self._opening = True
                    try:
                        self._open()
                    finally:
                        self._opening = False
        return self._file

    def register_object(self, key: str, what: str, label: str = "", **more: Any) -> int:
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
                return layout.NO_OBJECT
            number = self._names[key] = len(self._names) + 1
        elif not more and not label:
            return number
        self.write_metadata({"name": number, "key": key, "what": what, "label": label, **more})
        return number

    def object_id(self, key: str, what: str) -> int:
        """Return the number of an object that another process may have described."""
        known = self._names.get(key)
        return known if known is not None else self.register_object(key, what)

    def thread_buffer(self) -> ThreadBuffer:
        """Give the present thread a lane."""
        file = self.ensure_file()
        if file is None:
            return ThreadBuffer(0, NullEventFile())
        number = min(next(self._lanes), _LANE_LIMIT)
        lane: ThreadBuffer = ThreadBuffer(number, file)
        self.local.lane = lane
        self.write_metadata(
            {
                "lane": number,
                "thread": threading.current_thread().name,
                "main": threading.current_thread() is threading.main_thread(),
            }
        )
        return lane

    def begin(self, kind: int, thing: int) -> Begun:
        """
        Note that something begins that may take long; `finish` wants what is returned.

        A process that hangs or is ended in the middle shows what it was doing.
        """
        try:
            lane = self.local.lane
        except AttributeError:
            lane = self.thread_buffer()
        at = lane.next
        if at == lane.stop:
            at = lane.begin_slow()
        else:
            lane.next = at + 4
        cells = lane.words
        start = now()
        cells[at] = start
        cells[at + 2] = kind | lane.bits | thing << 32
        return lane, at, start

    def finish(self, kind: int, thing: int, begun: Begun, argument: int = 0) -> None:
        """Keep an event that has ended."""
        lane, at, start = begun
        duration = now() - start
        if at >= _FIRST:
            cells = lane.words
            cells[at + 3] = argument
            cells[at + 1] = duration or 1
        else:
            lane.finish_slow(at, kind | lane.bits | thing << 32, start, duration, argument)

    def record(self, kind: int, thing: int, start: int, end: int, argument: int = 0) -> None:
        """Keep one event whose beginning nobody had to know: it cannot hang."""
        try:
            lane = self.local.lane
        except AttributeError:
            lane = self.thread_buffer()
        at = lane.next
        if at == lane.stop:
            # Takes a chunk, if there is one for every event.
            at = lane.begin_slow()
            if at < _FIRST:
                lane.finish_slow(at, kind | lane.bits | thing << 32, start, end - start, argument)
                return
        else:
            lane.next = at + 4
        cells = lane.words
        cells[at] = start
        cells[at + 1] = end - start or 1
        cells[at + 3] = argument
        cells[at + 2] = kind | lane.bits | thing << 32


_RECORDERS: list[Recorder] = []


def recorder() -> Recorder:
    """Return this process's recorder."""
    if not _RECORDERS:
        made = Recorder(*(CONFIG or [read_config()])[0])
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=made.after_fork)
        _RECORDERS.append(made)
    return _RECORDERS[0]
