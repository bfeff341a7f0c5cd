"""Holders of locks: who had a lock while others waited for it, how long, and where."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.hook import kinds
from mpbench.profiling.objects import describe_objects, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.profiling.event_files import Event, RecordedProcess
    from mpbench.profiling.processes import ProcessRecord

__all__ = ("Holder", "LockUse", "lock_uses")


class Holder(NamedTuple):
    """
    One process's holds of a lock.

    `while_others_waited_ns` counts each waiting process. Holds below 0.02 ms are not known.
    """

    name: str
    while_others_waited_ns: int
    holds: int
    longest_ns: int
    place: str


class LockUse(NamedTuple):
    """A lock for which somebody waited; the holder to blame most stands first."""

    what: str
    place: str
    waited_ns: int
    holders: tuple[Holder, ...]


class _Hold(NamedTuple):
    start_ns: int
    end_ns: int
    process: int


def _waits(process: RecordedProcess) -> Iterator[tuple[int, Event]]:
    for thread in process.threads:
        for event in (*thread.events, *thread.unfinished):
            if event.kind == kinds.LOCK_WAIT and event.duration_ns:
                yield event.object, event


def _overlaps(wait: Event, holds: Sequence[_Hold], starts: Sequence[int]) -> Iterator[_Hold]:
    """Yield the parts of holds that lie in a wait; holds of one lock do not overlap."""
    at = max(0, bisect_right(starts, wait.start_ns) - 1)
    while at < len(holds) and holds[at].start_ns < wait.end_ns:
        hold = holds[at]
        begin, end = max(hold.start_ns, wait.start_ns), min(hold.end_ns, wait.end_ns)
        if begin < end:
            yield _Hold(begin, end, hold.process)
        at += 1


class _Lock:
    """All waits for one lock, and all holds of it."""

    def __init__(self) -> None:
        self.waits: list[tuple[int, Event]] = []
        self.holds: list[_Hold] = []
        self.places: dict[int, str] = {}

    def holders(self, members: Sequence[ProcessRecord]) -> tuple[Holder, ...]:
        """Return who held the lock, whom others waited for most first."""
        self.holds.sort()
        starts = [hold.start_ns for hold in self.holds]
        blame: dict[int, int] = {}
        for waiting, wait in self.waits:
            for part in _overlaps(wait, self.holds, starts):
                if part.process != waiting:
                    blame[part.process] = blame.get(part.process, 0) + part.end_ns - part.start_ns
        found = []
        for number in {hold.process for hold in self.holds}:
            times = [hold.end_ns - hold.start_ns for hold in self.holds if hold.process == number]
            found.append(
                Holder(
                    members[number].name,
                    blame.get(number, 0),
                    len(times),
                    max(times),
                    self.places.get(number, ""),
                )
            )
        return tuple(sorted(found, key=lambda holder: -holder.while_others_waited_ns))


def lock_uses(members: Iterable[ProcessRecord]) -> tuple[LockUse, ...]:
    """Return the program's locks that were waited for, the longest waits first."""
    processes = tuple(members)
    things = describe_objects(one.traced for one in processes if one.traced is not None)
    locks: dict[str, _Lock] = {}
    for number, process in enumerate(processes):
        traced = process.traced
        if traced is None:
            continue
        keys = {n: thing.key for n, thing in traced.objects.items()}
        for thing, wait in _waits(traced):
            locks.setdefault(keys.get(thing, ""), _Lock()).waits.append((number, wait))
        for hold in traced.holds:
            lock = locks.setdefault(keys.get(hold.object, ""), _Lock())
            lock.holds.append(_Hold(hold.start_ns, hold.end_ns, number))
            lock.places[number] = traced.hold_places.get(hold.object, "")
    uses = [
        LockUse(
            things[key].type_name,
            things[key].label,
            sum(wait.duration_ns for _, wait in lock.waits),
            lock.holders(processes),
        )
        for key, lock in locks.items()
        # A queue's own locks are the queue's affair.
        if lock.waits and key in things and owner_of(key, things) == key
    ]
    return tuple(sorted(uses, key=lambda use: -use.waited_ns))
