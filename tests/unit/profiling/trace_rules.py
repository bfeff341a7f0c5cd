"""The rules of the Chrome trace format that a viewer relies on."""

import json
from collections import defaultdict


def problems_of(text):
    """Return what breaks a rule of the format in a trace, in words."""
    document = json.loads(text)
    events = document["traceEvents"]
    found = [problem for event in events for problem in _alone(event)]
    if not isinstance(document["otherData"]["dropped_events"], int):
        found.append("nobody says how much was dropped")
    return found + _nesting(events) + _arrows(events) + _named(events) + _distinct(events)


def _alone(event):
    """Check what an event must be, whatever the others are."""
    rules = [
        (event["ph"] in {"X", "M", "C", "s", "f"}, "unknown phase"),
        (all(isinstance(event[name], int) for name in ("pid", "tid")), "pid and tid must be whole"),
        (isinstance(event.get("name", ""), str), "a name must be words"),
        (event["tid"] != 0, "a viewer takes thread 0 for the main thread and draws it there"),
        (event["ph"] == "M" or event["ts"] >= 0, "time must not be negative"),
        (event["ph"] != "X" or event["dur"] >= 0, "a slice must not end before it begins"),
    ]
    if event["ph"] == "C":
        values = list(event["args"].values())
        are_numbers = all(isinstance(value, (int, float)) for value in values)
        rules.append((are_numbers, "a counter must be a number"))
        is_low = are_numbers and any(value < 0 for value in values)
        rules.append((not is_low, "a counter must not be below zero"))
    return [f"{words}: {event}" for is_kept, words in rules if not is_kept]


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
        if event["ph"] in "sf":
            ends[event["id"]][event["ph"]] = event
    for number, pair in ends.items():
        if set(pair) == {"s", "f"}:
            found += [f"arrow {number} {words}" for words in _arrow(pair["s"], pair["f"], tracks)]
        else:
            found.append(f"arrow {number} has only {sorted(pair)}")
    return found


def _arrow(begin, end, tracks):
    if any(begin[name] != end[name] for name in ("cat", "name")):
        yield "has ends that do not belong together"
    if end.get("bp") != "e":
        yield "would end in the next slice"
    if begin["ts"] > end["ts"]:
        yield "goes back in time"
    starts = []
    for event in (begin, end):
        at = _ns(event["ts"])
        around = [a for a, b in tracks[event["pid"], event["tid"]] if a <= at <= b]
        starts.append(max(around, default=None))
    if None in starts:
        yield "ends in no slice"
    elif starts[0] > starts[1]:
        yield "would point from the slice that begins first, its end"


def _named(events):
    named = {one["pid"] for one in events if one["ph"] == "M" and one["name"] == "process_name"}
    used = {one["pid"] for one in events}
    found = [f"process {pid} has no name" for pid in sorted(used - named)]
    threads = {
        (one["pid"], one["tid"])
        for one in events
        if one["ph"] == "M" and one["name"] == "thread_name"
    }
    drawn = {(one["pid"], one["tid"]) for one in events if one["ph"] == "X"}
    return found + [f"track {track} has no name" for track in sorted(drawn - threads)]


def _distinct(events):
    """Check that a thread's number is its own; that of its process makes it the main thread."""
    named = [one for one in events if one["ph"] == "M" and one["name"] == "thread_name"]
    owners = defaultdict(set)
    for one in named:
        owners[one["tid"]].add(one["pid"])
    found = [
        f"thread {tid} is in processes {pids}" for tid, pids in owners.items() if len(pids) > 1
    ]
    mains = [one for one in named if one["tid"] in {other["pid"] for other in named}]
    return found + [
        f"{one['args']['name']!r} would be a main thread"
        for one in mains
        if one["args"]["name"] != "what it did"
    ]
