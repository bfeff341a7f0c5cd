"""
A profile as Chrome trace JSON, which Perfetto and chrome://tracing open.

Slices of one track nest, because they are calls of one thread. Processes have
numbers of their own: a pid may be used twice in one program. What does not
fit is dropped from the shortest slices on, and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.observe.flows import Flow, flows_of
from mpbench.observe.hook import kinds
from mpbench.observe.things import described

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.observe.members import Member
    from mpbench.observe.profile import Profile
    from mpbench.observe.rings import Lane, Moment, Thing

__all__ = ("MOST_BYTES", "trace_of")

MOST_BYTES = 50_000_000
# One slice with its arguments takes about this much.
_EVENT_BYTES = 170
# Tracks: what the main thread did in words, then one for each thread.
_STATE_TRACK = 0


def _us(ns: int, origin: int) -> float:
    """Return microseconds since the beginning; three digits keep the nanoseconds."""
    return round((ns - origin) / 1_000, 3)


def _names(members: Iterable[Member]) -> Iterator[dict[str, Any]]:
    for one in members:
        head = {"ph": "M", "pid": one.number, "tid": 0}
        name = f"{one.name} ({one.role.value})"
        yield {**head, "name": "process_name", "args": {"name": name}}
        yield {**head, "name": "process_labels", "args": {"labels": f"pid {one.pid}"}}
        yield {**head, "name": "process_sort_index", "args": {"sort_index": one.number}}
        yield {**head, "name": "thread_name", "args": {"name": "what it did"}}
        for lane in () if one.traced is None else one.traced.lanes:
            track = {**head, "tid": lane.number + 1}
            yield {**track, "name": "thread_name", "args": {"name": lane.thread or "thread"}}
            yield {**track, "name": "thread_sort_index", "args": {"sort_index": lane.number + 1}}


def _states(members: Iterable[Member], origin: int) -> Iterator[dict[str, Any]]:
    for one in members:
        for span in one.spans:
            yield {
                "ph": "X",
                "cat": "state",
                "name": span.state.value,
                "pid": one.number,
                "tid": _STATE_TRACK,
                "ts": _us(span.start_ns, origin),
                "dur": round(span.duration_ns / 1_000, 3),
            }


def _counters(members: Iterable[Member], origin: int) -> Iterator[dict[str, Any]]:
    for one in members:
        for before, after in pairwise(one.points):
            elapsed = after.at_ns - before.at_ns
            if elapsed <= 0:
                continue
            head = {"ph": "C", "pid": one.number, "tid": 0, "ts": _us(before.at_ns, origin)}
            used = 100 * (after.cpu_ns - before.cpu_ns) / elapsed
            yield {**head, "name": "CPU %", "args": {"CPU": round(max(0.0, used), 1)}}
            memory = round(before.rss_bytes / (1 << 20), 2)
            yield {**head, "name": "memory MiB", "args": {"RSS": memory}}


def _whole(lane: Lane) -> list[Moment]:
    """Return a thread's events, those that never ended as well, properly nested."""
    moments = sorted([*lane.moments, *lane.unfinished], key=lambda one: (one.start_ns, -one.end_ns))
    nested: list[Moment] = []
    ends: list[int] = []
    for one in moments:
        while ends and ends[-1] <= one.start_ns:
            ends.pop()
        # An inner call cannot outlast the outer one; clocks of two readings may say so.
        end = min(one.end_ns, ends[-1]) if ends else one.end_ns
        nested.append(one._replace(end_ns=end))
        ends.append(end)
    return nested


def _slice(
    one: Member, lane: Lane, moment: Moment, things: dict[str, Thing], origin: int
) -> dict[str, Any]:
    assert one.traced is not None
    thing = one.traced.things.get(moment.thing)
    arguments: dict[str, Any] = {}
    if thing is not None:
        known = things[thing.key]
        arguments["object"] = f"{known.what} {known.label}".strip()
    if moment.argument:
        sized = {kinds.SEND, kinds.RECV, kinds.PICKLE, kinds.UNPICKLE, kinds.SHM}
        arguments["bytes" if moment.kind in sized else "value"] = moment.argument
    return {
        "ph": "X",
        "cat": "multiprocessing",
        "name": kinds.NAMES.get(moment.kind, str(moment.kind)),
        "pid": one.number,
        "tid": lane.number + 1,
        "ts": _us(moment.start_ns, origin),
        "dur": round(moment.duration_ns / 1_000, 3),
        "args": arguments,
    }


def _arrow(number: int, flow: Flow, origin: int) -> Iterator[dict[str, Any]]:
    """Return both ends of a message's arrow, each inside its slice."""
    head = {"cat": "message", "name": "message", "id": number}
    sent, received = flow.sent, flow.received
    yield {
        **head,
        "ph": "s",
        "pid": sent.member,
        "tid": sent.lane + 1,
        "ts": _us(sent.moment.start_ns, origin),
    }
    yield {
        **head,
        "ph": "f",
        "bp": "e",
        "pid": received.member,
        "tid": received.lane + 1,
        # The slice's last instant may already belong to the next one.
        "ts": _us(max(received.moment.start_ns, received.moment.end_ns - 1_000), origin),
    }


class _Part(NamedTuple):
    """The events of one kind for which there is room, and how many are left out."""

    kept: list[dict[str, Any]]
    dropped: int


def _longest(slices: list[dict[str, Any]], room: int) -> _Part:
    """Keep the longest slices in their order."""
    if len(slices) <= room:
        return _Part(slices, 0)
    least = sorted((one["dur"] for one in slices), reverse=True)[room]
    kept = [one for one in slices if one["dur"] > least]
    return _Part(kept, len(slices) - len(kept))


def _thinned(counters: list[dict[str, Any]], room: int) -> _Part:
    """Keep every n-th value of each counter."""
    step = max(1, -(-len(counters) // max(1, room)))
    seen: Counter[tuple[int, str]] = Counter()
    kept = []
    for one in counters:
        key = (one["pid"], one["name"])
        if seen[key] % step == 0:
            kept.append(one)
        seen[key] += 1
    return _Part(kept, len(counters) - len(kept))


def _kept(
    members: Sequence[Member], room: int
) -> tuple[list[tuple[Member, Lane, Moment]], int, int]:
    """Return the longest events for which there is room, how many were left, and the shortest."""
    found = [
        (one, lane, moment)
        for one in members
        if one.traced is not None
        for lane in one.traced.lanes
        for moment in _whole(lane)
    ]
    if len(found) <= room:
        return found, 0, 0
    longest = sorted((moment.duration_ns for _, _, moment in found), reverse=True)
    least = longest[max(0, room)] + 1
    kept = [item for item in found if item[2].duration_ns >= least]
    return kept, len(found) - len(kept), least


def trace_of(profile: Profile, *, most_bytes: int = MOST_BYTES) -> str:
    """
    Return a profile as trace JSON.

    Args:
        profile: What was recorded.
        most_bytes: About how large the text may become.
    """
    members, origin = profile.members, profile.began_ns
    things = described(profile.traced)
    events = list(_names(members))
    room = max(0, most_bytes // _EVENT_BYTES - len(events))
    dropped = 0
    for found in (_longest(list(_states(members, origin)), room // 4),
                  _thinned(list(_counters(members, origin)), room // 4)):  # fmt: skip
        events += found.kept
        dropped += found.dropped
    room = max(0, most_bytes // _EVENT_BYTES - len(events))
    # A message's arrow takes two events and needs both of its slices.
    kept, shortest, least = _kept(members, room)
    dropped += shortest
    events += [_slice(*item, things, origin) for item in kept]
    every = flows_of(members)
    flows = [
        flow
        for flow in every
        if flow.sent.moment.duration_ns >= least and flow.received.moment.duration_ns >= least
    ]
    arrows = flows[: max(0, (room - len(kept)) // 2)]
    for number, flow in enumerate(arrows, start=1):
        events += _arrow(number, flow, origin)
    left_out = profile.dropped + dropped + 2 * (len(every) - len(arrows))
    events.sort(key=lambda event: (event["ph"] != "M", event.get("ts", 0)))
    return json.dumps(
        {
            "traceEvents": events,
            "displayTimeUnit": "ms",
            "otherData": {"producer": "mpbench profile", "dropped_events": left_out},
        },
        allow_nan=False,
        separators=(",", ":"),
    )
