"""Reading the event files that a profiled program left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mpbench.profiling.call_times import read_call_times
from mpbench.profiling.hook import kinds, layout
from mpbench.profiling.metadata_files import (
    JobCall,
    LongTask,
    MetadataFile,
    NamedImport,
    TracedObject,
    inherited_objects,
    read_metadata,
)

__all__ = (
    "Event",
    "EventTotal",
    "RecordedProcess",
    "ThreadEvents",
    "read_event_files",
)


class Event(NamedTuple):
    """One event: `kind` is a number of `hook.kinds`, `thing` one of the process's things."""

    start_ns: int
    end_ns: int
    kind: int
    object: int
    value: int

    @property
    def duration_ns(self) -> int:
        """How long it took."""
        return self.end_ns - self.start_ns


class ThreadEvents(NamedTuple):
    """
    One thread; its events are sorted so that an outer one stands before what is inside it.

    `unfinished` are events that had begun when the process ended, outermost
    first; their end is their start until somebody knows better.
    """

    number: int
    thread: str
    is_main: bool
    events: tuple[Event, ...]
    unfinished: tuple[Event, ...] = ()


class EventTotal(NamedTuple):
    """All events of one kind and object, also those that were not kept."""

    kind: int
    object: int
    times: int
    total_ns: int
    longest_ns: int


class RecordedProcess(NamedTuple):
    """
    One process as it recorded itself.

    `born_ns` is the first moment that the process itself could see: after its
    fork, or when its interpreter ran the start-up hook.
    """

    token: str
    pid: int
    parent_pid: int
    forked: bool
    born_ns: int
    opened_ns: int
    name: str
    role: str
    target: str
    method: str
    program: str
    daemon: bool
    hook_load_ns: int
    threads: tuple[ThreadEvents, ...]
    objects: Mapping[int, TracedObject]
    totals: tuple[EventTotal, ...]
    dropped: int
    unknown: tuple[str, ...]
    # What became of its children: (pid, exit code, when that was known).
    child_exits: tuple[tuple[int, int, int], ...]
    # When locks were held, and where in the program the longest hold of each ended.
    holds: tuple[Event, ...] = ()
    hold_places: Mapping[int, str] = {}
    long_tasks: tuple[LongTask, ...] = ()
    # Libraries with workers of their own that were imported.
    libraries: tuple[str, ...] = ()
    # Of a worker: its chunks, whose object is their job, and the times of the calls in those
    # of more than one by the chunk's beginning.
    chunks: tuple[Event, ...] = ()
    call_times: Mapping[int, tuple[int, ...]] = {}
    # Of who has pools: the calls that gave them jobs.
    jobs: tuple[JobCall, ...] = ()
    imports: tuple[NamedImport, ...] = ()
    # CPU time until its run began, or its worker's loop.
    boot_cpu_ns: int = 0

    @property
    def main(self) -> ThreadEvents | None:
        """The main thread, if it recorded anything."""
        return next((lane for lane in self.threads if lane.is_main), None)


_Words = npt.NDArray[np.uint64]


def _records(words: _Words) -> npt.NDArray[np.int64]:
    """Return the records that were begun, one a row: those that are open, then the kept ones."""
    begin = layout.FIRST_RECORD
    end = min(len(words), begin + int(words[layout.CHUNKS]) * layout.CHUNK_WORDS)
    end -= (end - begin) % layout.RECORD_WORDS
    rows = np.concatenate(
        [
            words[first:last].reshape(-1, layout.RECORD_WORDS)
            for first, last in ((layout.HEADER_WORDS, layout.TOTALS_START), (begin, end))
        ]
    )
    begun: npt.NDArray[np.int64] = rows[(rows[:, 2] & np.uint64(0xFFFF)) != 0].view(np.int64)
    return begun


def _events(rows: npt.NDArray[np.int64]) -> tuple[Event, ...]:
    """Return records as events, an outer one before what is inside it."""
    start, duration, word, value = rows.T
    end = start + duration
    order = np.lexsort((-end, start))
    # Arguments are unsigned; kind, lane and object are parts of one word.
    columns = (start, end, word & 0xFFFF, word >> 32 & 0xFFFFFFFF, value.view(np.uint64))
    return tuple(
        map(Event._make, zip(*(column[order].tolist() for column in columns), strict=True))
    )


def _threads(rows: npt.NDArray[np.int64], names: MetadataFile) -> Iterator[ThreadEvents]:
    """Yield the threads of a process; a record without a duration has not ended."""
    lanes, has_ended = rows[:, 2] >> 16 & 0xFFFF, rows[:, 1] != 0
    for number in sorted({*np.unique(lanes).tolist(), *names.threads}):
        own = lanes == number
        yield ThreadEvents(
            number,
            *names.threads.get(number, ("", False)),
            events=_events(rows[own & has_ended]),
            unfinished=_events(rows[own & ~has_ended]),
        )


def _totals(words: _Words, rows: npt.NDArray[np.int64]) -> tuple[EventTotal, ...]:
    """Return the sums of all events: of those that are kept, and of those that are not."""
    kept = rows[rows[:, 1] != 0]
    last = min(int(words[layout.SLOT_AT]), layout.TOTALS)
    slots = words[layout.TOTALS_START :][: last * layout.SLOT_WORDS].view(np.int64)
    summed = slots.reshape(-1, layout.SLOT_WORDS)[1:]
    key = np.concatenate([kept[:, 2], summed[:, 0]]) & ~(0xFFFF << 16)
    times = np.concatenate([np.ones(len(kept), np.int64), summed[:, 1]])
    total = np.concatenate([kept[:, 1], summed[:, 2]])
    longest = np.concatenate([kept[:, 1], summed[:, 3]])
    if not key.size:
        return ()
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    sums = (
        keys & 0xFFFF,
        keys >> 32 & 0xFFFFFFFF,
        np.add.reduceat(times[order], first),
        np.add.reduceat(total[order], first),
        np.maximum.reduceat(longest[order], first),
    )
    totals = map(EventTotal._make, zip(*(one.tolist() for one in sums), strict=True))
    return tuple(one for one in totals if one.times or one.kind == kinds.SENT)


def _read_one(path: Path, names: Mapping[str, MetadataFile]) -> RecordedProcess | None:
    size = path.stat().st_size
    if size < layout.FIRST_RECORD * 8 or size % 8:
        return None
    # Mapped, not read: the file is sparse, and of a short process nearly empty.
    words = np.memmap(path, np.uint64, "r")
    own = names.get(path.stem)
    if words[layout.MAGIC_AT] != layout.MAGIC or own is None:
        return None
    rows = _records(words)
    kind = rows[:, 2] & 0xFFFF
    is_hold, is_chunk = kind == kinds.HOLD, kind == kinds.CHUNK
    role = {key: value for line in own.roles for key, value in line.items()}
    return RecordedProcess(
        token=path.stem,
        pid=int(words[layout.PID]),
        parent_pid=int(own.process.get("parent_pid", 0)),
        forked=bool(own.process.get("forked")),
        born_ns=int(own.process.get("born_ns", 0)) or int(words[layout.OPENED]),
        opened_ns=int(words[layout.OPENED]),
        name=str(role.get("name", "resource tracker" if own.process.get("tracks") else "")),
        role=str(role.get("role", "resource tracker" if own.process.get("tracks") else "")),
        target=str(role.get("target", "")),
        method=str(role.get("method", "")),
        program=str(own.process.get("argv0", "")),
        daemon=bool(role.get("daemon")),
        hook_load_ns=own.hook_ns,
        threads=tuple(_threads(rows[~is_hold & ~is_chunk], own)),
        objects=inherited_objects(path.stem, names),
        totals=_totals(words, rows),
        dropped=int(words[layout.DROPPED]),
        unknown=own.unknown,
        child_exits=own.endings,
        holds=_events(rows[is_hold]),
        hold_places=own.hold_places,
        long_tasks=own.tasks,
        libraries=own.libraries,
        chunks=_events(rows[is_chunk & (rows[:, 1] != 0)]),
        call_times=read_call_times(path.with_suffix(".calls")),
        jobs=own.jobs,
        imports=own.imports,
        boot_cpu_ns=int(role.get("loop_cpu_ns", role.get("boot_cpu_ns", 0))),
    )


def read_event_files(folder: Path) -> tuple[RecordedProcess, ...]:
    """
    Return every process that left an event file, in the order of their beginning.

    A file that is cut off or not ours is left out.

    Args:
        folder: What `MPBENCH_PROFILE_DIR` named.
    """
    names = {path.stem: read_metadata(path) for path in sorted(folder.glob("*.names"))}
    found = [_read_one(path, names) for path in sorted(folder.glob("*.ring"))]
    return tuple(
        sorted((entry for entry in found if entry is not None), key=lambda entry: entry.born_ns)
    )
