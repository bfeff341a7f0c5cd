"""Reading what profiled processes said about themselves beside their events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = (
    "JobCall",
    "LongTask",
    "MetadataFile",
    "NamedImport",
    "TracedObject",
    "inherited_objects",
    "read_metadata",
)

# A file of names longer than this is no file of ours.
_MOST_NAME_BYTES = 64 << 20


class TracedObject(NamedTuple):
    """An object of the program: a queue, a lock, a pool, a process."""

    key: str
    type_name: str
    label: str
    facts: Mapping[str, Any]


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


class JobCall(NamedTuple):
    """
    A call that gave jobs to a pool.

    `made` is the class of what it returned; `job` is the number of the first job,
    and `chunk_size` and `calls` are 0 where the call does not say them.
    """

    job: int
    pool: int
    made: str
    chunk_size: int
    calls: int
    place: str
    at_ns: int


class NamedImport(NamedTuple):
    """An import that no other import made."""

    name: str
    began_ns: int
    ended_ns: int


class MetadataFile(NamedTuple):
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
    jobs: tuple[JobCall, ...]
    imports: tuple[NamedImport, ...]


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
    "job",
    "imported",
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


def read_metadata(path: Path) -> MetadataFile:
    """Return what a process said about itself."""
    lines: dict[str, list[dict[str, Any]]] = {word: [] for word in _ABOUT}
    for line in _lines(path):
        word = next((word for word in _ABOUT if word in line), None)
        if word is not None:
            lines[word].append(line)
    things: dict[int, TracedObject] = {}
    for line in lines["name"]:
        number = int(line["name"])
        things[number] = _merged(things.get(number), line)
    return MetadataFile(
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
        jobs=tuple(
            JobCall(
                int(one["job"]),
                int(one["pool"]),
                str(one["made"]),
                int(one["chunk_size"]),
                int(one["calls"]),
                str(one["place"]),
                int(one["at_ns"]),
            )
            for one in lines["job"]
        ),
        imports=tuple(
            NamedImport(str(one["imported"]), int(one["began_ns"]), int(one["ended_ns"]))
            for one in lines["imported"]
        ),
    )


def _merged(known: TracedObject | None, line: Mapping[str, Any]) -> TracedObject:
    """Return a thing with what another line says about it; later words win, facts add up."""
    own = {"name", "key", "what", "label"}
    facts = {key: value for key, value in line.items() if key not in own}
    what, label = str(line["what"]), str(line["label"])
    if known is None:
        return TracedObject(str(line["key"]), what, label, facts)
    return TracedObject(known.key, what, label or known.label, {**known.facts, **facts})


def inherited_objects(token: str, names: Mapping[str, MetadataFile]) -> dict[int, TracedObject]:
    """Return the objects of a process, with those that its parent had when it was forked."""
    own = names[token]
    things: dict[int, TracedObject] = {}
    parent = own.process.get("parent")
    if isinstance(parent, str) and parent in names and own.process.get("inherited"):
        above = inherited_objects(parent, names)
        things = {n: one for n, one in above.items() if n <= own.process["inherited"]}
    return {**things, **own.things}
