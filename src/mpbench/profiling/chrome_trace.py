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
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.profiling.hook import kinds
from mpbench.profiling.objects import describe_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.profiling.event_files import Event, ThreadEvents
    from mpbench.profiling.flows import Flow
    from mpbench.profiling.metadata_files import TracedObject
    from mpbench.profiling.processes import ProcessRecord
    from mpbench.profiling.profile import Profile

__all__ = ("MOST_BYTES", "trace_of")

MOST_BYTES = 50_000_000
# What the argument of an event is, where it says more than that the call returned.
_ARGUMENTS = {
    **dict.fromkeys((kinds.SEND, kinds.RECV, kinds.PICKLE, kinds.UNPICKLE, kinds.SHM), "bytes"),
    **dict.fromkeys((kinds.START, kinds.JOIN), "pid"),
    **dict.fromkeys((kinds.RUN, kinds.EXIT), "CPU ns"),
    kinds.TASK: "calls",
}
# One slice with its arguments takes about this much.
_EVENT_BYTES = 170
# The last microsecond of a receive, long enough to be found in a viewer.
_ARRIVAL_NS = 1_000
# An arrow's two ends and the arrival.
_MESSAGE_EVENTS = 3
# Thread numbers begin here, where there are fewer processes and threads than that.
_LEAST_BASE = 1_000


# When an event begins, in microseconds, and its JSON.
_Timed = tuple[float, str]


def _dump(event: dict[str, Any]) -> str:
    return json.dumps(event, allow_nan=False, separators=(",", ":"))


class _Axes(NamedTuple):
    """
    Where things stand in a trace: since when time counts, and what threads are called.

    Perfetto knows a thread by its number alone, so each has its own: 3_001 is the
    first thread of process 3. A thread with the number of its process is its main
    thread, and so is 0. What a main thread did, in words, has that number; its
    calls are a track beside.
    """

    origin_ns: int
    base: int

    @classmethod
    def of(cls, profile: Profile) -> _Axes:
        """Return numbers with room for all processes and threads."""
        lanes = (lane.number + 1 for recorded in profile.traced for lane in recorded.threads)
        most = max([len(profile.members), *lanes])
        return cls(profile.began_ns, max(_LEAST_BASE, 10 ** len(str(most))))

    def us(self, ns: int) -> float:
        """Return microseconds since the beginning; three digits keep the nanoseconds."""
        return round((ns - self.origin_ns) / 1_000, 3)

    def thread(self, member: int, lane: int) -> int:
        """Return the number of one thread of a process."""
        return member * self.base + lane + 1


def _names(members: Iterable[ProcessRecord], axes: _Axes) -> Iterator[dict[str, Any]]:
    for process in members:
        head = {"ph": "M", "pid": process.number, "tid": process.number}
        name = f"{process.name} ({process.role.value})"
        yield {**head, "name": "process_name", "args": {"name": name}}
        yield {**head, "name": "process_labels", "args": {"labels": f"pid {process.pid}"}}
        yield {**head, "name": "process_sort_index", "args": {"sort_index": process.number}}
        yield {**head, "name": "thread_name", "args": {"name": "what it did"}}
        for lane in () if process.traced is None else process.traced.threads:
            track = {**head, "tid": axes.thread(process.number, lane.number)}
            yield {**track, "name": "thread_name", "args": {"name": lane.thread or "thread"}}
            yield {**track, "name": "thread_sort_index", "args": {"sort_index": lane.number + 1}}


def _states(members: Iterable[ProcessRecord], axes: _Axes) -> Iterator[dict[str, Any]]:
    for process in members:
        for span in process.spans:
            yield {
                "ph": "X",
                "cat": "state",
                "name": span.state.value,
                "pid": process.number,
                "tid": process.number,
                "ts": axes.us(span.start_ns),
                "dur": round(span.duration_ns / 1_000, 3),
            }


def _counters(members: Iterable[ProcessRecord], axes: _Axes) -> Iterator[dict[str, Any]]:
    """Yield each process's CPU use and memory; a counter keeps its last value, so both end at 0."""
    for process in members:
        head = {"ph": "C", "pid": process.number, "tid": process.number}
        looks = [look for look in pairwise(process.snapshots) if look[0].at_ns < look[1].at_ns]
        for before, after in looks:
            used = 100 * (after.cpu_ns - before.cpu_ns) / (after.at_ns - before.at_ns)
            yield from _counted(head, axes.us(before.at_ns), max(0.0, used), before.rss_bytes)
        if looks:
            end = max(process.end_ns, looks[-1][1].at_ns)
            yield from _counted(head, axes.us(end), 0.0, 0)


def _counted(
    head: dict[str, Any], ts: float, used: float, rss_bytes: int
) -> Iterator[dict[str, Any]]:
    yield {**head, "ts": ts, "name": "CPU", "args": {"%": round(used, 1)}}
    yield {**head, "ts": ts, "name": "memory", "args": {"MiB": round(rss_bytes / (1 << 20), 2)}}


def _whole(lane: ThreadEvents) -> list[Event]:
    """Return a thread's events, those that never ended as well, properly nested."""
    moments = sorted(
        [*lane.events, *lane.unfinished], key=lambda event: (event.start_ns, -event.end_ns)
    )
    nested: list[Event] = []
    ends: list[int] = []
    for event in moments:
        while ends and ends[-1] <= event.start_ns:
            ends.pop()
        # An inner call cannot outlast the outer one; clocks of two readings may say so.
        end = min(event.end_ns, ends[-1]) if ends else event.end_ns
        nested.append(event if end == event.end_ns else event._replace(end_ns=end))
        ends.append(end)
    return nested


class _Slices:
    """Text of events; all but the times is made once for each kind and object of a thread."""

    def __init__(self, things: dict[str, TracedObject], axes: _Axes) -> None:
        self._things = things
        self._axes = axes
        self._heads: dict[tuple[int, int, int, int], tuple[str, str]] = {}

    def text(self, process: ProcessRecord, lane: ThreadEvents, event: Event) -> _Timed:
        """Return an event's slice."""
        key = (process.number, lane.number, event.kind, event.object)
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._head(process, lane, event)
        ts = self._axes.us(event.start_ns)
        word = _ARGUMENTS.get(event.kind) if event.value else None
        argument = "" if word is None else f'"{word}":{event.value}{"," if head[1] else ""}'
        duration = round(event.duration_ns / 1_000, 3)
        return ts, f'{head[0]},"ts":{ts},"dur":{duration},"args":{{{argument}{head[1]}}}}}'

    def _head(self, process: ProcessRecord, lane: ThreadEvents, event: Event) -> tuple[str, str]:
        thing = None if process.traced is None else process.traced.objects.get(event.object)
        name = ""
        if thing is not None:
            known = self._things[thing.key]
            name = f'"object":{json.dumps(f"{known.type_name} {known.label}".strip())}'
        fields = {
            "ph": "X",
            "cat": "multiprocessing",
            "name": kinds.NAMES.get(event.kind, str(event.kind)),
            "pid": process.number,
            "tid": self._axes.thread(process.number, lane.number),
        }
        return _dump(fields)[:-1], name


def _message(number: int, flow: Flow, axes: _Axes) -> tuple[dict[str, Any], ...]:
    """
    Return a message's arrow, and a slice for it to end in.

    Perfetto lets every arrow begin in the slice that begins first, so an arrow
    from a send to a receive that waited for it would point the wrong way.
    """
    sent, received = flow.sent.event, flow.received.event
    head = {"cat": "message", "name": "message", "id": number}
    there = {"pid": flow.sent.process, "tid": axes.thread(flow.sent.process, flow.sent.thread)}
    member, lane = flow.received.process, flow.received.thread
    arrival_ns = max(received.start_ns, sent.start_ns, received.end_ns - _ARRIVAL_NS)
    here = {"pid": member, "tid": axes.thread(member, lane), "ts": axes.us(arrival_ns)}
    duration = round((received.end_ns - arrival_ns) / 1_000, 3)
    return (
        {**head, "ph": "s", **there, "ts": axes.us(sent.start_ns)},
        {"ph": "X", "cat": "message", "name": "arrival", **here, "dur": duration},
        {**head, "ph": "f", "bp": "e", **here},
    )


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
    """Keep every n-th value of each counter, and the one that ends it."""
    step = max(1, -(-len(counters) // max(1, room)))
    seen: Counter[tuple[int, str]] = Counter()
    kept = []
    for counter in reversed(counters):
        key = (counter["pid"], counter["name"])
        if seen[key] % step == 0:
            kept.append(counter)
        seen[key] += 1
    return _Part(kept[::-1], len(counters) - len(kept))


def _kept(
    members: Sequence[ProcessRecord], room: int
) -> tuple[list[tuple[ProcessRecord, ThreadEvents, Event]], int, int]:
    """Return the longest events for which there is room, how many were left, and the shortest."""
    found = [
        (process, lane, moment)
        for process in members
        if process.traced is not None
        for lane in process.traced.threads
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
    members, axes = profile.members, _Axes.of(profile)
    things = describe_objects(profile.traced)
    events = list(_names(members, axes))
    room = max(0, most_bytes // _EVENT_BYTES - len(events))
    dropped = 0
    for found in (_longest(list(_states(members, axes)), room // 4),
                  _thinned(list(_counters(members, axes)), room // 4)):  # fmt: skip
        events += found.kept
        dropped += found.dropped
    room = max(0, most_bytes // _EVENT_BYTES - len(events))
    # A message's arrow needs both of its slices.
    kept, shortest, least = _kept(members, room)
    dropped += shortest
    slices = _Slices(things, axes)
    timed = [slices.text(*item) for item in kept]
    every = profile.flows
    flows = [
        flow
        for flow in every
        if flow.sent.event.duration_ns >= least and flow.received.event.duration_ns >= least
    ]
    arrows = flows[: max(0, (room - len(kept)) // _MESSAGE_EVENTS)]
    for number, flow in enumerate(arrows, start=1):
        events += _message(number, flow, axes)
    timed += [(event.get("ts", 0), _dump(event)) for event in events if event["ph"] != "M"]
    timed.sort(key=itemgetter(0))
    names = [_dump(event) for event in events if event["ph"] == "M"]
    left_out = profile.dropped + dropped + _MESSAGE_EVENTS * (len(every) - len(arrows))
    other = _dump({"producer": "mpbench profile", "dropped_events": left_out})
    lines = ",\n".join([*names, *(text for _, text in timed)])
    return f'{{"traceEvents":[{lines}],"displayTimeUnit":"ms","otherData":{other}}}'
