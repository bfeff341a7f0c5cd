"""What each queue, lock, pool and manager of a program cost, over all its processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.event_files import Total
from mpbench.profiling.hook import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpbench.profiling.event_files import Thing, Traced

__all__ = ("Cost", "costs_of", "described", "gathered", "owner_of")

# Words that say less about an object than any other.
_VAGUE = {"Pipe", "Lock", "RLock", "Semaphore", "BoundedSemaphore"}
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


class Cost(NamedTuple):
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

    def add(self, total: Total, user: str, *, owned: bool, whole: str = "") -> None:
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

    def cost(self, thing: Thing) -> Cost:
        """Return the sum; a bare pipe has no calls but what goes through it."""
        bare = self.calls == 0
        return Cost(
            what=thing.what,
            place=thing.label,
            calls=self.moves if bare else self.calls,
            call_ns=self.move_ns if bare else self.call_ns,
            wait_ns=self.wait_ns,
            longest_ns=self.longest_ns,
            sent_bytes=self.sent_bytes,
            processes=len(self.users),
        )


def described(processes: Iterable[Traced]) -> dict[str, Thing]:
    """Return every object by its key, with the best description that any process gave."""
    found: dict[str, Thing] = {}
    for one in processes:
        for thing in one.things.values():
            known = found.get(thing.key)
            if known is None:
                found[thing.key] = thing
                continue
            what = known.what if thing.what in _VAGUE else thing.what
            facts = {**thing.facts, **known.facts}
            found[thing.key] = known._replace(
                what=what, label=known.label or thing.label, facts=facts
            )
    return found


def owner_of(key: str, things: Mapping[str, Thing]) -> str:
    """Return the key of what an object belongs to: a queue's lock to the queue."""
    owner = things[key].facts.get("owner") if key in things else None
    return str(owner) if owner in things else key


def _add_moments(one: Traced, things: Mapping[str, Thing], sums: dict[str, _Sum]) -> None:
    """Add what the totals do not hold: bytes, and what never ended."""
    for lane in one.lanes:
        for moment in lane.moments:
            if moment.kind == kinds.SEND and moment.thing in one.things:
                owner = owner_of(one.things[moment.thing].key, things)
                sums.setdefault(owner, _Sum()).sent_bytes += moment.argument
        for moment in lane.unfinished:
            if moment.thing in one.things and not one.things[moment.thing].key.startswith(
                "process:"
            ):
                key = one.things[moment.thing].key
                owner = owner_of(key, things)
                spent = moment.duration_ns
                total = Total(moment.kind, moment.thing, 1, spent, spent)
                whole = things[owner].what
                sums.setdefault(owner, _Sum()).add(
                    total, one.token, owned=owner != key, whole=whole
                )


def costs_of(processes: Iterable[Traced]) -> tuple[Cost, ...]:
    """Return the objects that were used, the ones with the longest waits first."""
    traced = tuple(processes)
    things = described(traced)
    sums: dict[str, _Sum] = {}
    for one in traced:
        for total in one.totals:
            thing = one.things.get(total.thing)
            if thing is None or thing.key.startswith("process:"):
                continue
            owner = owner_of(thing.key, things)
            sums.setdefault(owner, _Sum()).add(
                total, one.token, owned=owner != thing.key, whole=things[owner].what
            )
        _add_moments(one, things, sums)
    costs = [total.cost(things[key]) for key, total in sums.items()]
    used = [one for one in costs if one.calls or one.wait_ns]
    return tuple(sorted(used, key=lambda one: (-one.wait_ns, -one.call_ns)))


def gathered(costs: Sequence[Cost]) -> tuple[Cost, ...]:
    """Put the pipes that nobody made by name into one: managers and listeners have many."""
    nameless = [one for one in costs if one.what == "Pipe" and not one.place]
    if len(nameless) < _FEW_PIPES:
        return tuple(costs)
    whole = Cost(
        what=f"{len(nameless)} pipes of managers, listeners and the like",
        place="",
        calls=sum(one.calls for one in nameless),
        call_ns=sum(one.call_ns for one in nameless),
        wait_ns=sum(one.wait_ns for one in nameless),
        longest_ns=max(one.longest_ns for one in nameless),
        sent_bytes=sum(one.sent_bytes for one in nameless),
        processes=max(one.processes for one in nameless),
    )
    return (*(one for one in costs if one not in nameless), whole)
