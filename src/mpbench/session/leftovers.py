"""
Remains of sessions that did not end by themselves, and their removal.

Only what is certainly ours and dead is removed: private folders whose lock
nobody holds, semaphores with the tag of an agent whose log lies in one,
processes with an agent's tag that have no supervisor above them and belong to
no held folder, those of a profiled program whose event folder nobody holds, and
segments that only such processes have mapped.
"""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from mpbench.agent.process_tree import (
    Process,
    kill_processes,
    mapped_segments,
    processes,
    segments,
    tag_of,
    tag_prefix,
    unlink_segments,
)
from mpbench.harness.private import abandoned_folders, session_tags
from mpbench.profiling.program_tree import event_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

__all__ = ("Leftovers", "find_leftovers", "remove_leftovers")

_STEPS = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 3.0))
# What stands between a controller and an agent, or a profiled program.
_SUPERVISORS = (b"mpbench.agent.supervisor", b"mpbench.profiling.supervisor")
_MARK = "sem.mpb-"
_TAG_LENGTH = 8


class Leftovers(NamedTuple):
    """
    What was found.

    `unsure` are names in shared memory that multiprocessing made for this
    user and no process that can be seen has mapped; they may belong to another
    program, or to a session in another namespace, and are never removed.
    """

    processes: tuple[Process, ...]
    folders: tuple[Path, ...]
    segments: tuple[str, ...]
    unsure: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.processes or self.folders or self.segments)


def _is_supervisor(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - one of some hundred
            command = file.read()
    except OSError:
        return False
    return any(one in command for one in _SUPERVISORS)


def _ancestors(pid: int, table: dict[int, Process]) -> list[int]:
    found: list[int] = []
    while pid in table and table[pid].parent not in found:
        pid = table[pid].parent
        found.append(pid)
    return found


def _seen() -> dict[int, Process]:
    try:
        return {process.pid: process for process in processes() if process.state != "Z"}
    except OSError:
        return {}


def _orphans(
    table: dict[int, Process], tags: dict[int, str], living: frozenset[str]
) -> list[Process]:
    """Return the tagged processes without a supervisor; never ourselves or what started us."""
    dead = [pid for pid, tag in tags.items() if tag not in living]
    return _unsupervised(dead, table)


def _unsupervised(pids: Iterable[int], table: dict[int, Process]) -> list[Process]:
    here = os.getpid()
    spared = {here, *_ancestors(here, table)}
    return [
        table[pid]
        for pid in pids
        if pid not in spared
        and not any(_is_supervisor(ancestor) for ancestor in _ancestors(pid, table))
    ]


def _profiled(table: dict[int, Process], folders: Collection[Path]) -> list[Process]:
    """
    Return what is left of programs whose event folder nobody holds.

    What outlived a program that ended by itself has none any more, and is left alone.
    """
    if not folders:
        return []
    events = {pid: event_folder(pid) for pid in table}
    return _unsupervised(
        [
            pid
            for pid, event in events.items()
            if event and not {*event.parents}.isdisjoint(folders)
        ],
        table,
    )


def _tags(table: dict[int, Process]) -> dict[int, str]:
    found = {pid: tag_of(pid) for pid in table}
    return {pid: tag for pid, tag in found.items() if tag is not None}


def _tag_in(name: str) -> str | None:
    """Return the tag that the name of a semaphore carries."""
    tag = name.removeprefix(_MARK)[:_TAG_LENGTH]
    return tag if name.startswith(tag_prefix(tag)) else None


def find_leftovers(base: Path | None = None) -> Leftovers:
    """
    Look for what no live session holds.

    Args:
        base: Where private folders are made; the folder for temporary files without.
    """
    # Names first: an agent that starts after this look has none among them.
    names = segments(user=os.getuid())
    table = _seen()
    tags = _tags(table)
    sessions = session_tags(base)
    folders = abandoned_folders(base)
    orphans = _orphans(table, tags, sessions.living)
    orphans += [one for one in _profiled(table, folders) if one not in orphans]
    gone = {process.pid for process in orphans}
    held = mapped_segments([process for pid, process in table.items() if pid not in gone])
    free = names - held
    dead = sessions.dead - {tag for pid, tag in tags.items() if pid not in gone}
    dead |= {tags[pid] for pid in gone & tags.keys()}
    ours = {name for name in free if _tag_in(name) in dead} | mapped_segments(orphans) & free
    return Leftovers(tuple(orphans), folders, tuple(sorted(ours)), tuple(sorted(free - ours)))


def _still_there(wanted: frozenset[str], folders: Collection[Path]) -> list[Process]:
    """Return the orphans of some agents and programs, those that were forked since included."""
    table = _seen()
    tags = {pid: tag for pid, tag in _tags(table).items() if tag in wanted}
    orphans = _orphans(table, tags, session_tags().living)
    return orphans + [one for one in _profiled(table, folders) if one not in orphans]


def remove_leftovers(found: Leftovers) -> Leftovers:
    """
    Remove what was found: processes first, the resource trackers last of them.

    Returns:
        What is still there.
    """
    wanted = frozenset(tag for process in found.processes if (tag := tag_of(process.pid)))
    kill_processes(lambda: _still_there(wanted, found.folders), steps=_STEPS, collect=_leave)
    unlink_segments(set(found.segments))
    for folder in found.folders:
        with suppress(OSError):
            shutil.rmtree(folder)
    return Leftovers(
        tuple(_still_there(wanted, found.folders)),
        tuple(one for one in found.folders if one.exists()),
        tuple(sorted(set(found.segments) & segments(user=os.getuid()))),
        found.unsure,
    )


def _leave() -> None:
    """Collect nothing: these are somebody else's children."""
