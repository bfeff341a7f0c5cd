"""Which receive took which send: messages followed from one process to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.observe.hook import kinds
from mpbench.observe.things import described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.observe.members import Member
    from mpbench.observe.rings import Moment

__all__ = ("Flow", "Place", "flows_of")


class Place(NamedTuple):
    """One event in its thread: the member's number, the lane's number, the event."""

    member: int
    lane: int
    moment: Moment


class Flow(NamedTuple):
    """One message."""

    channel: str
    sent: Place
    received: Place


def _messages(member: Member) -> Iterator[tuple[str, Place]]:
    """Return what a process sent and received, each with the channel's key."""
    if member.traced is None:
        return
    names = member.traced.things
    for lane in member.traced.lanes:
        for moment in lane.moments:
            # A receive of nothing met the end of the channel.
            if moment.argument and moment.thing in names:
                yield names[moment.thing].key, Place(member.number, lane.number, moment)


def _gaps(members: Iterable[Member]) -> set[str]:
    """Return the channels of processes that did not keep all of their events."""
    return {
        thing.key
        for one in members
        if one.traced is not None and one.traced.dropped
        for thing in one.traced.things.values()
    }


def _pairs(channel: str, sends: Sequence[Place], receives: Sequence[Place]) -> tuple[Flow, ...]:
    """
    Match the messages of one channel.

    Bytes leave a pipe in the order in which they entered it, so the n-th send
    to end is what the n-th receive got. If that would make a message arrive
    before it was sent, somebody used the channel unseen, and nothing is known.
    """
    ordered = sorted(sends, key=lambda one: one.moment.end_ns)
    taken = sorted(receives, key=lambda one: one.moment.end_ns)
    flows = tuple(
        Flow(channel, sent, received) for sent, received in zip(ordered, taken, strict=False)
    )
    if any(one.sent.moment.start_ns > one.received.moment.end_ns for one in flows):
        return ()
    if any(one.sent.moment.argument != one.received.moment.argument for one in flows):
        return ()
    return flows


def flows_of(members: Sequence[Member]) -> tuple[Flow, ...]:
    """Return the messages whose two ends were both recorded, in the order of their sending."""
    things = described(one.traced for one in members if one.traced is not None)
    sends: dict[str, list[Place]] = {}
    receives: dict[str, list[Place]] = {}
    for one in members:
        for key, place in _messages(one):
            if place.moment.kind == kinds.SEND:
                # What goes into one socket of a pair comes out of the other.
                peer = str(things[key].facts.get("peer") or key)
                sends.setdefault(peer, []).append(place)
            elif place.moment.kind == kinds.RECV:
                receives.setdefault(key, []).append(place)
    found = [
        flow
        for channel in (sends.keys() & receives.keys()) - _gaps(members)
        for flow in _pairs(channel, sends[channel], receives[channel])
    ]
    return tuple(sorted(found, key=lambda one: one.sent.moment.start_ns))
