"""Messages followed from a send to its receive in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.hook import kinds
from mpbench.profiling.objects import describe_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.profiling.event_files import Event, RecordedProcess
    from mpbench.profiling.processes import ProcessRecord

__all__ = ("EventRef", "Flow", "flows_between", "flows_of")


class EventRef(NamedTuple):
    """One event in its thread: the process's number, the lane's number, the event."""

    process: int
    thread: int
    event: Event


class Flow(NamedTuple):
    """One message."""

    channel: str
    sent: EventRef
    received: EventRef


def _messages(number: int, traced: RecordedProcess) -> Iterator[tuple[str, EventRef]]:
    """Return what a process sent and received, each with the channel's key."""
    names = traced.objects
    for lane in traced.threads:
        for moment in lane.events:
            # A receive of nothing met the end of the channel.
            if moment.value and moment.object in names:
                yield names[moment.object].key, EventRef(number, lane.number, moment)


def _gaps(processes: Iterable[RecordedProcess]) -> set[str]:
    """Return the channels of processes that did not keep all of their events."""
    return {
        thing.key for process in processes if process.dropped for thing in process.objects.values()
    }


def _pairs(
    channel: str, sends: Sequence[EventRef], receives: Sequence[EventRef]
) -> tuple[Flow, ...]:
    """
    Match the messages of one channel.

    Bytes leave a pipe in the order in which they entered it, so the n-th send
    to end is what the n-th receive got. If that would make a message arrive
    before it was sent, somebody used the channel unseen, and nothing is known.
    """
    ordered = sorted(sends, key=lambda send: send.event.end_ns)
    taken = sorted(receives, key=lambda receive: receive.event.end_ns)
    flows = tuple(
        Flow(channel, sent, received) for sent, received in zip(ordered, taken, strict=False)
    )
    if any(flow.sent.event.start_ns > flow.received.event.end_ns for flow in flows):
        return ()
    if any(flow.sent.event.value != flow.received.event.value for flow in flows):
        return ()
    return flows


def flows_between(processes: Iterable[tuple[int, RecordedProcess]]) -> tuple[Flow, ...]:
    """
    Return the messages whose two ends were both recorded, in the order of their sending.

    Args:
        processes: Each with the number that its places are to have.
    """
    numbered = tuple(processes)
    things = describe_objects(one for _, one in numbered)
    sends: dict[str, list[EventRef]] = {}
    receives: dict[str, list[EventRef]] = {}
    for number, one in numbered:
        for key, place in _messages(number, one):
            if place.event.kind == kinds.SEND:
                # What goes into one socket of a pair comes out of the other.
                peer = str(things[key].facts.get("peer") or key)
                sends.setdefault(peer, []).append(place)
            elif place.event.kind == kinds.RECV:
                receives.setdefault(key, []).append(place)
    found = [
        flow
        for channel in (sends.keys() & receives.keys()) - _gaps(one for _, one in numbered)
        for flow in _pairs(channel, sends[channel], receives[channel])
    ]
    return tuple(sorted(found, key=lambda entry: entry.sent.event.start_ns))


def flows_of(members: Sequence[ProcessRecord]) -> tuple[Flow, ...]:
    """Return the messages between members, as `flows_between` does."""
    return flows_between(
        (process.number, process.traced) for process in members if process.traced is not None
    )
