"""A profile becomes a trace that a viewer can open."""

import json

import pytest
from profiled import lane, moment, pool_of_two, profile, ran, seen, traced
from trace_rules import problems_of

from mpbench.profiling.chrome_trace import trace_of
from mpbench.profiling.flows import flows_of
from mpbench.profiling.hook import kinds


def thread_named(name, pid, tid):
    """Return the event that names a thread."""
    return {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": {"name": name}}


def test_the_trace_follows_the_rules_of_its_format():
    """Slices nest, arrows end in slices, every process has a name."""
    text = trace_of(pool_of_two())

    assert [] == problems_of(text)
    assert {"X", "M", "C", "s", "f"} == {one["ph"] for one in json.loads(text)["traceEvents"]}


@pytest.mark.parametrize(
    ("broken", "word"),
    [
        ({"ph": "X", "ts": 5.0, "dur": 137_000.0, "pid": 2, "tid": 2_001}, "overlap"),
        ({"ph": "X", "ts": 5.0, "dur": 1.0, "pid": 2, "tid": 0}, "takes thread 0"),
        (thread_named("again", 3, 2_001), "is in processes"),
        (thread_named("feeder", 2, 2), "would be a main thread"),
        ({"ph": "s", "ts": 1.0, "id": 9_999, "pid": 1, "tid": 0}, "only"),
        ({"ph": "C", "ts": 1.0, "args": {"a": "b"}, "pid": 1, "tid": 0}, "number"),
        ({"ph": "X", "ts": 1.0, "dur": -1.0, "pid": 1, "tid": 0}, "before"),
        ({"ph": "X", "ts": 1.0, "dur": 1.0, "pid": 99, "tid": 0}, "no name"),
        ({"ph": "X", "ts": 1.0, "dur": 1.0, "pid": 1, "tid": 77}, "track"),
        ({"ph": "X", "ts": 0.1, "dur": 0.1, "pid": 1, "tid": 0, "name": None}, "words"),
        ({"ph": "C", "ts": 0.0, "args": {"CPU": -1}, "pid": 1, "tid": 0}, "below"),
    ],
)
def test_the_rules_notice_a_broken_trace(broken, word):
    """The checker itself can fail."""
    document = json.loads(trace_of(pool_of_two()))
    document["traceEvents"].append(broken)

    assert any(word in text for text in problems_of(json.dumps(document)))


def test_events_that_overlap_by_a_reading_of_the_clock_are_nested():
    """An inner call cannot outlast the outer one."""
    main = traced(1, lane(moment(0, 10, kinds.GET), moment(5, 10.001, kinds.RECV)))

    assert [] == problems_of(trace_of(profile(ran(), main)))


def test_an_unfinished_event_is_drawn_to_the_end_of_its_process():
    """What a hanging process was in is a slice like any other."""
    main = traced(1, lane(unfinished=[moment(50, 50, kinds.LOCK_WAIT)]))
    text = trace_of(profile(ran(seen(1, (0, 0, 1), (400, 1, 1)), ended=500), main))
    events = json.loads(text)["traceEvents"]

    assert [350_000.0] == [one["dur"] for one in events if one["name"] == "wait for lock"]
    assert [] == problems_of(text)


def test_a_counter_ends_with_its_process():
    """A viewer draws the last value of a counter to the end of the trace."""
    text = trace_of(pool_of_two())
    document = json.loads(text)
    last = {}
    for one in document["traceEvents"]:
        if one["ph"] == "C":
            last[one["pid"], one["name"]] = one["args"]

    assert {"CPU", "memory"} == {name for _, name in last}
    assert all({0} == set(args.values()) for args in last.values())


def test_numbers_of_threads_stay_apart_however_many_there_are():
    """Process 1 with 1,001 threads and process 2 share no number."""
    many = traced(1, *(lane(moment(0, 1, kinds.GET), number=number) for number in (0, 1_000)))
    text = trace_of(profile(ran(), many, traced(2, lane(moment(0, 1, kinds.PUT)))))

    assert [] == problems_of(text)


def test_a_pid_that_was_used_twice_makes_two_processes():
    """Processes have numbers of their own in a trace."""
    main = traced(1, lane(moment(0, 10, kinds.START, 0, 7), moment(200, 210, kinds.START, 0, 7)))
    first = traced(7, lane(moment(20, 30, kinds.RUN)), born=15, name="first")
    second = traced(7, lane(moment(220, 230, kinds.RUN)), born=215, name="second", token="7-y")
    events = json.loads(trace_of(profile(ran(), main, first, second)))["traceEvents"]
    names = [one["args"]["name"] for one in events if one["name"] == "process_name"]

    assert ["program.py (main)", "first (worker)", "second (worker)"] == names


def test_a_large_trace_drops_its_shortest_slices_and_says_how_many():
    """The cap holds, what is left still follows the rules."""
    whole = json.loads(trace_of(pool_of_two(tasks=100)))
    text = trace_of(pool_of_two(tasks=100), most_bytes=100_000)
    document = json.loads(text)

    assert 0 == whole["otherData"]["dropped_events"]
    assert document["otherData"]["dropped_events"] > 0
    assert len(text) < 150_000
    assert [] == problems_of(text)


def test_all_that_is_left_out_is_counted():
    """Slices, states, counters and both ends of arrows."""
    made = pool_of_two(tasks=300)
    points = tuple((at, at / 2, 8) for at in range(0, 900, 2))
    main, *others = made.members
    made = made._replace(members=(main._replace(snapshots=seen(1, *points).points), *others))
    whole, cut = (json.loads(trace_of(made, most_bytes=most)) for most in (50_000_000, 60_000))
    lost = len(whole["traceEvents"]) - len(cut["traceEvents"])

    assert lost == cut["otherData"]["dropped_events"]
    assert {"X", "M", "C"} <= {one["ph"] for one in cut["traceEvents"]}
    assert {"state", "multiprocessing"} <= {one.get("cat") for one in cut["traceEvents"]}
    assert [] == problems_of(json.dumps(cut))


def test_messages_are_followed_from_put_to_get():
    """The n-th send into a pipe is the n-th receive out of it."""
    flows = flows_of(pool_of_two(tasks=10).members)

    assert {"pipe:1": 20} == {
        channel: sum(one.channel == channel for one in flows)
        for channel in {one.channel for one in flows}
    }
    assert all(one.sent.process == 1 for one in flows)
    assert all(one.sent.event.start_ns <= one.received.event.end_ns for one in flows)


def messages(sent, received, **given):
    """Follow messages over a pipe of two sockets: (end in ms, bytes) of each."""
    things = {
        1: ("pipe:a", "Pipe", "", {"peer": "pipe:b"}),
        2: ("pipe:b", "Pipe", "", {"peer": "pipe:a"}),
    }
    main = traced(
        1, lane(*[moment(at - 1, at, kinds.SEND, 1, size) for at, size in sent]), things=things
    )
    child = traced(
        2,
        lane(*[moment(at - 1, at, kinds.RECV, 2, size) for at, size in received]),
        name="child",
        born=1,
        things=things,
        **given,
    )
    return len(flows_of(profile(ran(), main, child).members))


@pytest.mark.parametrize(
    ("sent", "received", "given", "count"),
    [
        ([(10, 5), (20, 6)], [(11, 5), (21, 6)], {}, 2),
        ([(10, 5), (20, 6)], [(11, 5)], {}, 1),
        ([(10, 5)], [(11, 5), (12, 0)], {}, 1),
        ([(10, 5)], [(11, 9)], {}, 0),
        ([(50, 5)], [(11, 5)], {}, 0),
        ([(10, 5)], [(11, 5)], {"dropped": 3}, 0),
    ],
)
def test_a_channel_with_gaps_is_not_followed(sent, received, given, count):
    """Rather no arrow than a wrong one."""
    assert count == messages(sent, received, **given)
