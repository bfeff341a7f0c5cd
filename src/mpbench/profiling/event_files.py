"""Reading the event files that a profiled program left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mpbench.profiling.hook import kinds, layout

__all__ = (
    "Event",
    "EventTotal",
    "LongTask",
    "RecordedProcess",
    "ThreadEvents",
    "TracedObject",
    "read_event_files",
)

# A file of names longer than this is no file of ours.
_MOST_NAME_BYTES = 64 << 20


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


class TracedObject(NamedTuple):
    """An object of the program: a queue, a lock, a pool, a process."""

    key: str
    type_name: str
    label: str
    facts: Mapping[str, Any]


class EventTotal(NamedTuple):
    """All events of one kind and object, also those that were not kept."""

    kind: int
    object: int
    times: int
    total_ns: int
    longest_ns: int


class LongTask(NamedTuple):
    """
    A task that was longer than all before it in its process, as its worker described it.

    `number` counts the calls of one map, or the tasks of an executor, from 0.
    """

    duration_ns: int
    began_ns: int
    number: int
    function: str
    arguments: str


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

    @property
    def main(self) -> ThreadEvents | None:
        """The main thread, if it recorded anything."""
        return next((lane for lane in self.threads if lane.is_main), None)


class _Names(NamedTuple):
    """What one file of names says."""

    process: Mapping[str, Any]
    things: Mapping[int, TracedObject]
    threads: Mapping[int, tuple[str, bool]]
    roles: tuple[Mapping[str, Any], ...]
    hook_ns: int
    unknown: tuple[str, ...]
    endings: tuple[tuple[int, int, int], ...]
    hold_places: Mapping[int, str]
    tasks: tuple[LongTask, ...]
    libraries: tuple[str, ...]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Return the whole lines of a file; a process may have been killed in the last one."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_NAME_BYTES)
    except OSError:
        return
    for line in text.split(b"\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


# What a line is about: the first of these words that it has.
_ABOUT = (
    "task",
    "hold",
    "library",
    "process",
    "role",
    "lane",
    "wrapped",
    "unknown",
    "ended",
    "name",
)


def _names(path: Path) -> _Names:
    lines: dict[str, list[dict[str, Any]]] = {word: [] for word in _ABOUT}
    for line in _lines(path):
        word = next((word for word in _ABOUT if word in line), None)
        if word is not None:
            lines[word].append(line)
    things: dict[int, TracedObject] = {}
    for line in lines["name"]:
        number = int(line["name"])
        things[number] = _merged(things.get(number), line)
    return _Names(
        process=lines["process"][0] if lines["process"] else {},
        things=things,
        threads={one["lane"]: (str(one["thread"]), bool(one["main"])) for one in lines["lane"]},
        roles=tuple(lines["role"]),
        hook_ns=sum(int(one["cost_ns"]) for one in lines["wrapped"]),
        unknown=tuple(f"{one['unknown']}: {one['error']}" for one in lines["unknown"]),
        endings=tuple((one["ended"], one["exit_code"], one["at_ns"]) for one in lines["ended"]),
        # The last line of a lock is about its longest hold.
        hold_places={int(one["object"]): str(one["place"]) for one in lines["hold"]},
        tasks=tuple(
            LongTask(
                int(one["task"]),
                int(one["began_ns"]),
                int(one["index"]),
                str(one["function"]),
                str(one["arguments"]),
            )
            for one in lines["task"]
        ),
        libraries=tuple(str(one["library"]) for one in lines["library"]),
    )


def _merged(known: TracedObject | None, line: Mapping[str, Any]) -> TracedObject:
    """Return a thing with what another line says about it; later words win, facts add up."""
    own = {"name", "key", "what", "label"}
    facts = {key: value for key, value in line.items() if key not in own}
    what, label = str(line["what"]), str(line["label"])
    if known is None:
        return TracedObject(str(line["key"]), what, label, facts)
    return TracedObject(known.key, what, label or known.label, {**known.facts, **facts})


def _inherited(token: str, names: Mapping[str, _Names]) -> dict[int, TracedObject]:
    """Return the things of a process, with those that its parent had when it was forked."""
    own = names[token]
    things: dict[int, TracedObject] = {}
    parent = own.process.get("parent")
    if isinstance(parent, str) and parent in names and own.process.get("inherited"):
        above = _inherited(parent, names)
        things = {n: one for n, one in above.items() if n <= own.process["inherited"]}
    return {**things, **own.things}


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
    return tuple(map(Event._make, zip(*(one[order].tolist() for one in columns), strict=True)))


def _threads(rows: npt.NDArray[np.int64], names: _Names) -> Iterator[ThreadEvents]:
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


def _read_one(path: Path, names: Mapping[str, _Names]) -> RecordedProcess | None:
    size = path.stat().st_size
    if size < layout.FIRST_RECORD * 8 or size % 8:
        return None
    # Mapped, not read: the file is sparse, and of a short process nearly empty.
    words = np.memmap(path, np.uint64, "r")
    own = names.get(path.stem)
    if words[layout.MAGIC_AT] != layout.MAGIC or own is None:
        return None
    rows = _records(words)
    is_hold = rows[:, 2] & 0xFFFF == kinds.HOLD
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
        threads=tuple(_threads(rows[~is_hold], own)),
        objects=_inherited(path.stem, names),
        totals=_totals(words, rows),
        dropped=int(words[layout.DROPPED]),
        unknown=own.unknown,
        child_exits=own.endings,
        holds=_events(rows[is_hold]),
        hold_places=own.hold_places,
        long_tasks=own.tasks,
        libraries=own.libraries,
    )


def read_event_files(folder: Path) -> tuple[RecordedProcess, ...]:
    """
    Return every process that left an event file, in the order of their beginning.

    A file that is cut off or not ours is left out.

    Args:
        folder: What `MPBENCH_PROFILE_DIR` named.
    """
    names = {path.stem: _names(path) for path in sorted(folder.glob("*.names"))}
    found = [_read_one(path, names) for path in sorted(folder.glob("*.ring"))]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.born_ns))
