"""Cost of each traced object, summed over processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.event_files import EventTotal
from mpbench.profiling.hook import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpbench.profiling.event_files import RecordedProcess
    from mpbench.profiling.metadata_files import TracedObject

__all__ = ("ObjectCost", "describe_objects", "merge_unnamed_pipes", "object_costs", "owner_of")

# Words that say less about an object than any other.
_LOCKS = {"Lock", "RLock", "Semaphore", "BoundedSemaphore"}
_VAGUE = {"Pipe", *_LOCKS}
_CALLS = {
    kinds.GET,
    kinds.PUT,
    kinds.LOCK_WAIT,
    kinds.SYNC_WAIT,
    kinds.RESULT_WAIT,
    kinds.JOIN,
    kinds.CALL,
    kinds.SHM,
    kinds.MANAGER_START,
}
_MOVES = {kinds.SEND, kinds.RECV}
# Time in which the caller did nothing but wait.
_WAITS = {
    kinds.LOCK_WAIT,
    kinds.RECV_WAIT,
    kinds.SEND_WAIT,
    kinds.SYNC_WAIT,
    kinds.RESULT_WAIT,
    kinds.JOIN,
}


# Fewer pipes without a place stand each for itself.
_FEW_PIPES = 4
# Their waits are events of their own, whatever they are made of.
_OWN_WAITS = {"Condition", "Event", "Barrier"}


class ObjectCost(NamedTuple):
    """
    One object of the program.

    Args:
        what: Its class.
        place: Where it was made.
        calls: How often it was used, by all processes.
        call_ns: Time spent inside those calls.
        wait_ns: The part of it, or of what they are made of, that was waiting.
        longest_ns: The longest single wait.
        sent_bytes: Bytes that went through it.
        processes: How many processes used it.
    """

    what: str
    place: str
    calls: int
    call_ns: int
    wait_ns: int
    longest_ns: int
    sent_bytes: int
    processes: int


class _Sum:
    """A cost while it is added up."""

    def __init__(self) -> None:
        self.calls = self.call_ns = self.wait_ns = self.longest_ns = self.sent_bytes = 0
        self.moves = self.move_ns = 0
        self.users: set[str] = set()

    def add(self, total: EventTotal, user: str, *, owned: bool, whole: str = "") -> None:
        """
        Add one process's use; what an owner is made of counts as its waiting only.

        Not even as that where the owner's own wait lasts as long.
        """
        self.users.add(user)
        if owned and whole in _OWN_WAITS:
            return
        if total.kind in _WAITS:
            self.wait_ns += total.total_ns
            self.longest_ns = max(self.longest_ns, total.longest_ns)
        if owned:
            return
        if total.kind in _CALLS:
            self.calls += total.times
            self.call_ns += total.total_ns
        elif total.kind in _MOVES:
            self.moves += total.times
            self.move_ns += total.total_ns

    def cost(self, thing: TracedObject) -> ObjectCost:
        """Return the sum; a bare pipe has no calls but what goes through it."""
        bare = self.calls == 0
        return ObjectCost(
            what=thing.type_name,
            place=thing.label,
            calls=self.moves if bare else self.calls,
            # What waits in threads of a pool, or in a lock of a queue, is inside of calls, too.
            call_ns=max(self.wait_ns, self.move_ns if bare else self.call_ns),
            wait_ns=self.wait_ns,
            longest_ns=self.longest_ns,
            sent_bytes=self.sent_bytes,
            processes=len(self.users),
        )


def describe_objects(processes: Iterable[RecordedProcess]) -> dict[str, TracedObject]:
    """Return every object by its key, with the best description that any process gave."""
    found: dict[str, TracedObject] = {}
    merged: set[int] = set()
    for process in processes:
        for thing in process.objects.values():
            known = found.get(thing.key)
            if known is None:
                found[thing.key] = thing
                merged.add(id(thing))
                continue
            # A forked process has the very descriptions of its parent, however many.
            if id(thing) in merged:
                continue
            merged.add(id(thing))
            type_name = known.type_name if thing.type_name in _VAGUE else thing.type_name
            facts = {**thing.facts, **known.facts}
            found[thing.key] = known._replace(
                type_name=type_name, label=known.label or thing.label, facts=facts
            )
    return _told_apart(found)


def _told_apart(things: dict[str, TracedObject]) -> dict[str, TracedObject]:
    """Return the objects with the locks of one line numbered, in the order of their making."""
    made: dict[tuple[str, str], list[str]] = {}
    for key, thing in things.items():
        if thing.type_name in _LOCKS and thing.label and "owner" not in thing.facts:
            made.setdefault((thing.type_name, thing.label), []).append(key)
    for keys in made.values():
        if len(keys) > 1:
            for number, key in enumerate(keys, start=1):
                label = f"{things[key].label}, {number} of {len(keys)}"
                things[key] = things[key]._replace(label=label)
    return things


def owner_of(key: str, things: Mapping[str, TracedObject]) -> str:
    """Return the key of what an object belongs to: a queue's lock to the queue."""
    owner = things[key].facts.get("owner") if key in things else None
    return str(owner) if owner in things else key


def _add_moments(
    process: RecordedProcess, things: Mapping[str, TracedObject], sums: dict[str, _Sum]
) -> None:
    """Add what the sums of calls do not hold: bytes, and what never ended."""
    for total in process.totals:
        if total.kind == kinds.SENT and total.object in process.objects:
            owner = owner_of(process.objects[total.object].key, things)
            sums.setdefault(owner, _Sum()).sent_bytes += total.total_ns
    for lane in process.threads:
        for moment in lane.events:
            if moment.kind == kinds.SEND and moment.object in process.objects:
                owner = owner_of(process.objects[moment.object].key, things)
                sums.setdefault(owner, _Sum()).sent_bytes += moment.value
        for moment in lane.unfinished:
            if moment.object in process.objects and not process.objects[
                moment.object
            ].key.startswith("process:"):
                key = process.objects[moment.object].key
                owner = owner_of(key, things)
                spent = moment.duration_ns
                total = EventTotal(moment.kind, moment.object, 1, spent, spent)
                whole = things[owner].type_name
                sums.setdefault(owner, _Sum()).add(
                    total, process.token, owned=owner != key, whole=whole
                )


def object_costs(processes: Iterable[RecordedProcess]) -> tuple[ObjectCost, ...]:
    """Return the objects that were used, the ones with the longest waits first."""
    traced = tuple(processes)
    things = describe_objects(traced)
    sums: dict[str, _Sum] = {}
    for recorded in traced:
        for total in recorded.totals:
            thing = recorded.objects.get(total.object)
            if thing is None or thing.key.startswith("process:"):
                continue
            owner = owner_of(thing.key, things)
            sums.setdefault(owner, _Sum()).add(
                total, recorded.token, owned=owner != thing.key, whole=things[owner].type_name
            )
        _add_moments(recorded, things, sums)
    costs = [total.cost(things[key]) for key, total in sums.items()]
    used = [cost for cost in costs if cost.calls or cost.wait_ns]
    return tuple(sorted(used, key=lambda one: (-one.wait_ns, -one.call_ns)))


def merge_unnamed_pipes(costs: Sequence[ObjectCost]) -> tuple[ObjectCost, ...]:
    """Put the pipes that nobody made by name into one: managers and listeners have many."""
    nameless = [cost for cost in costs if cost.what == "Pipe" and not cost.place]
    if len(nameless) < _FEW_PIPES:
        return tuple(costs)
    whole = ObjectCost(
        what=f"{len(nameless)} pipes of managers, listeners and the like",
        place="",
        calls=sum(entry.calls for entry in nameless),
        call_ns=sum(entry.call_ns for entry in nameless),
        wait_ns=sum(entry.wait_ns for entry in nameless),
        longest_ns=max(entry.longest_ns for entry in nameless),
        sent_bytes=sum(entry.sent_bytes for entry in nameless),
        processes=max(entry.processes for entry in nameless),
    )
    return (*(cost for cost in costs if cost not in nameless), whole)
