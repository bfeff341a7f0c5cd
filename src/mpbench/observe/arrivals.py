"""Where a receive waited: worked out from the sends, so that no program pays for asking."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from mpbench.observe.flows import flows_between
from mpbench.observe.hook import kinds
from mpbench.observe.rings import Total

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mpbench.observe.rings import Lane, Moment, Traced

__all__ = ("with_waits",)

# What an ordinary pipe holds: up to here a message is there as a whole or not at all.
_WHOLE_BYTES = 1 << 16
# A receive whose send nobody saw: one that took longer did not find its bytes there.
_READ_NS = 20_000

# Process, lane and beginning of a receive: what was sent.
_Sent = dict[tuple[int, int, int], "Moment"]


class _Sum(NamedTuple):
    times: int = 0
    total_ns: int = 0
    longest_ns: int = 0

    def and_one(self, duration_ns: int) -> _Sum:
        longest = max(self.longest_ns, duration_ns)
        return _Sum(self.times + 1, self.total_ns + duration_ns, longest)


def _waited_ns(received: Moment, sent: Moment | None) -> int:
    """Return for how long of a receive nothing had arrived."""
    if sent is not None:
        if sent.end_ns <= received.start_ns:
            return 0
        if received.argument > _WHOLE_BYTES:
            return max(0, sent.start_ns - received.start_ns)
        if sent.start_ns > received.start_ns:
            return received.duration_ns
    return received.duration_ns if received.duration_ns >= _READ_NS else 0


def _moments(process: int, lane: Lane, sends: _Sent) -> Iterator[Moment]:
    for moment in lane.moments:
        yield moment
        if moment.kind != kinds.RECV:
            continue
        waited = _waited_ns(moment, sends.get((process, lane.number, moment.start_ns)))
        if waited:
            end = moment.start_ns + waited
            yield moment._replace(end_ns=end, kind=kinds.RECV_WAIT, argument=0)


def _sums(lanes: Sequence[Lane], kind: int) -> Mapping[int, _Sum]:
    """Sum up the recorded events of one kind by object."""
    found: dict[int, _Sum] = {}
    for lane in lanes:
        for one in lane.moments:
            if one.kind == kind:
                found[one.thing] = found.get(one.thing, _Sum()).and_one(one.duration_ns)
    return found


def _unkept(traced: Traced) -> Mapping[int, _Sum]:
    """Return the receives that a full file only counted, if they were waits for the most part."""
    kept = _sums(traced.lanes, kinds.RECV)
    found = {}
    for one in traced.totals:
        have = kept.get(one.thing, _Sum())
        times, total = one.times - have.times, one.total_ns - have.total_ns
        if one.kind == kinds.RECV and times > 0 and total >= times * _READ_NS:
            found[one.thing] = _Sum(times, total)
    return found


def _one(process: int, traced: Traced, sends: _Sent) -> Traced:
    lanes = tuple(
        lane._replace(moments=tuple(_moments(process, lane, sends))) for lane in traced.lanes
    )
    waits, unkept = _sums(lanes, kinds.RECV_WAIT), _unkept(traced)
    times = Counter({thing: one.times for thing, one in waits.items()})
    totals = Counter({thing: one.total_ns for thing, one in waits.items()})
    for thing, one in unkept.items():
        times[thing] += one.times
        totals[thing] += one.total_ns
    more = tuple(
        Total(
            kinds.RECV_WAIT,
            thing,
            times[thing],
            totals[thing],
            waits.get(thing, _Sum()).longest_ns,
        )
        for thing in times
    )
    return traced._replace(lanes=lanes, totals=(*traced.totals, *more))


def with_waits(processes: Sequence[Traced]) -> tuple[Traced, ...]:
    """
    Return the processes with an event of kind RECV_WAIT in each receive that waited.

    A message that was sent before its receive began was there. One that began to
    be sent later was waited for: until it had come, or, where it is longer than
    a pipe, until its sender began. Where nobody saw the send, a receive of 20 us
    or more is a wait.
    """
    sends: _Sent = {
        (flow.received.member, flow.received.lane, flow.received.moment.start_ns): flow.sent.moment
        for flow in flows_between(enumerate(processes))
    }
    return tuple(_one(number, one, sends) for number, one in enumerate(processes))
