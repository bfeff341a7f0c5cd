"""The rules of the Chrome trace format that a viewer relies on."""

import json
from collections import defaultdict


def problems_of(text):
    """Return what breaks a rule of the format in a trace, in words."""
    document = json.loads(text)
    events = document["traceEvents"]
    found = []
    for event in events:
        if event["ph"] not in {"X", "M", "C", "s", "f"}:
            found.append(f"unknown phase {event['ph']}")
        if not all(isinstance(event[name], int) for name in ("pid", "tid")):
            found.append(f"pid and tid must be whole numbers: {event}")
        if event["ph"] != "M" and not event["ts"] >= 0:
            found.append(f"time must not be negative: {event}")
        if event["ph"] == "X" and not event["dur"] >= 0:
            found.append(f"a slice must not end before it begins: {event}")
        if event["ph"] == "C" and not all(
            isinstance(value, (int, float)) for value in event["args"].values()
        ):
            found.append(f"a counter must be a number: {event}")
    return found + _nesting(events) + _arrows(events) + _named(events)


def _ns(value):
    return round(value * 1_000)


def _tracks(events):
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            begin = _ns(event["ts"])
            tracks[event["pid"], event["tid"]].append((begin, begin + _ns(event["dur"])))
    return tracks


def _nesting(events):
    found = []
    for track, slices in _tracks(events).items():
        stack = []
        for begin, end in sorted(slices, key=lambda one: (one[0], -one[1])):
            while stack and stack[-1] <= begin:
                stack.pop()
            if stack and end > stack[-1]:
                found.append(f"slices of track {track} overlap at {begin} ns")
            stack.append(end)
    return found


def _arrows(events):
    found = []
    tracks = _tracks(events)
    ends = defaultdict(dict)
    for event in events:
        if event["ph"] in "sf" and event["ph"] != "X":
            ends[event["id"]][event["ph"]] = event
    for number, pair in ends.items():
        if set(pair) != {"s", "f"}:
            found.append(f"arrow {number} has only {sorted(pair)}")
            continue
        for event in pair.values():
            at = _ns(event["ts"])
            if not any(a <= at <= b for a, b in tracks[event["pid"], event["tid"]]):
                found.append(f"arrow {number} ends in no slice")
        if pair["s"]["ts"] > pair["f"]["ts"]:
            found.append(f"arrow {number} goes back in time")
    return found


def _named(events):
    named = {one["pid"] for one in events if one["ph"] == "M" and one["name"] == "process_name"}
    used = {one["pid"] for one in events}
    return [f"process {pid} has no name" for pid in sorted(used - named)]
