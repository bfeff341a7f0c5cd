"""Waiting times of sends and receives, derived from both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.event_files import EventTotal
from mpbench.profiling.flows import flows_between
from mpbench.profiling.hook import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mpbench.profiling.event_files import Event, RecordedProcess, ThreadEvents

__all__ = ("add_transfer_waits",)

# What an ordinary pipe holds: up to here a message is there as a whole or not at all.
_WHOLE_BYTES = 1 << 16
# A receive whose send nobody saw: one that took longer did not find its bytes there.
_READ_NS = 20_000

# A send that took longer than this did not find room for its bytes.
_WRITTEN_NS = 1_000_000

# Process, lane and beginning of one end of a message: its other end.
_Others = dict[tuple[int, int, int], "Event"]


# What may wait, and what its wait is called.
_WORKED_OUT = {kinds.RECV: kinds.RECV_WAIT, kinds.SEND: kinds.SEND_WAIT}


class _Sum(NamedTuple):
    times: int = 0
    total_ns: int = 0
    longest_ns: int = 0

    def and_one(self, duration_ns: int) -> _Sum:
        longest = max(self.longest_ns, duration_ns)
        return _Sum(self.times + 1, self.total_ns + duration_ns, longest)


def _waited_ns(received: Event, sent: Event | None) -> int:
    """Return for how long of a receive nothing had arrived."""
    if sent is not None:
        if sent.end_ns <= received.start_ns:
            return 0
        if received.value > _WHOLE_BYTES:
            return max(0, sent.start_ns - received.start_ns)
        if sent.start_ns > received.start_ns:
            return received.duration_ns
    return received.duration_ns if received.duration_ns >= _READ_NS else 0


def _held_up_ns(sent: Event, received: Event | None) -> int:
    """Return for how long of a send its reader had not begun to read, where that held it up."""
    if received is None or sent.duration_ns < _WRITTEN_NS:
        return 0
    if sent.value > _WHOLE_BYTES:
        return max(0, min(received.start_ns, sent.end_ns) - sent.start_ns)
    # It waited for room, and then went in as a whole.
    return sent.duration_ns if received.start_ns > sent.start_ns else 0


def _moments(process: int, lane: ThreadEvents, others: _Others) -> Iterator[Event]:
    for moment in lane.events:
        yield moment
        if moment.kind not in _WORKED_OUT:
            continue
        other = others.get((process, lane.number, moment.start_ns))
        is_send = moment.kind == kinds.SEND
        waited = _held_up_ns(moment, other) if is_send else _waited_ns(moment, other)
        if waited:
            end, kind = moment.start_ns + waited, _WORKED_OUT[moment.kind]
            yield moment._replace(end_ns=end, kind=kind, value=0)


def _sums(lanes: Sequence[ThreadEvents], kind: int) -> Mapping[int, _Sum]:
    """Sum up the recorded events of one kind by object."""
    found: dict[int, _Sum] = {}
    for lane in lanes:
        for event in lane.events:
            if event.kind == kind:
                found[event.object] = found.get(event.object, _Sum()).and_one(event.duration_ns)
    return found


def _unkept(traced: RecordedProcess) -> Mapping[int, _Sum]:
    """Return the receives that a full file only counted, if they were waits for the most part."""
    kept = _sums(traced.threads, kinds.RECV)
    found = {}
    for one in traced.totals:
        have = kept.get(one.object, _Sum())
        times, total = one.times - have.times, one.total_ns - have.total_ns
        if one.kind == kinds.RECV and times > 0 and total >= times * _READ_NS:
            found[one.object] = _Sum(times, total)
    return found


def _totals(
    kind: int, lanes: Sequence[ThreadEvents], unkept: Mapping[int, _Sum]
) -> Iterator[EventTotal]:
    """Yield the sums of one kind of wait: of the kept events, and of those that were not."""
    waits = _sums(lanes, kind)
    for thing in {**waits, **unkept}:
        have, more = waits.get(thing, _Sum()), unkept.get(thing, _Sum())
        times, total = have.times + more.times, have.total_ns + more.total_ns
        yield EventTotal(kind, thing, times, total, have.longest_ns)


def _one(process: int, traced: RecordedProcess, others: _Others) -> RecordedProcess:
    lanes = tuple(
        lane._replace(events=tuple(_moments(process, lane, others))) for lane in traced.threads
    )
    more = (
        *_totals(kinds.RECV_WAIT, lanes, _unkept(traced)),
        *_totals(kinds.SEND_WAIT, lanes, {}),
    )
    return traced._replace(threads=lanes, totals=(*traced.totals, *more))


def add_transfer_waits(processes: Sequence[RecordedProcess]) -> tuple[RecordedProcess, ...]:
    """
    Return the processes with an event in each receive and each send that waited.

    A message that was sent before its receive began was there. One that began to
    be sent later was waited for: until it had come, or, where it is longer than
    a pipe, until its sender began. Where nobody saw the send, a receive of 20 us
    or more is a wait. A send of 1 ms or more waited until its reader began.
    """
    others: _Others = {}
    for flow in flows_between(enumerate(processes)):
        for end, other in ((flow.received, flow.sent), (flow.sent, flow.received)):
            others[end.process, end.thread, end.event.start_ns] = other.event
    return tuple(_one(number, process, others) for number, process in enumerate(processes))
