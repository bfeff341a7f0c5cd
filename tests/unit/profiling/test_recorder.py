"""The event file: what is written can be read, whatever happened to the process."""

import json
import os

import pytest

from mpbench.profiling.event_files import read_event_files
from mpbench.profiling.hook import kinds, layout
from mpbench.profiling.hook.recorder import Recorder, line_of
from mpbench.profiling.objects import object_costs


def make(folder, records=4_096):
    """Return a recorder as the main thread of a program has it."""
    return Recorder(str(folder), records)


def only(folder):
    """Read the single process of a folder."""
    (one,) = read_event_files(folder)
    return one


def test_events_come_back_with_their_object(tmp_path):
    """Kind, object, time and argument are kept, and sums beside them."""
    recorder = make(tmp_path)
    queue = recorder.register_object("pipe:7", "Queue", "a.py:3", made_ns=5)
    recorder.record(kinds.GET, queue, 100, 250, 9)
    recorder.record(kinds.GET, queue, 300, 310)

    one = only(tmp_path)

    assert [(100, 250, 9), (300, 310, 0)] == [
        (event.start_ns, event.end_ns, event.value) for event in one.main.events
    ]
    assert ("pipe:7", "Queue", "a.py:3") == one.objects[queue][:3]
    assert [(kinds.GET, queue, 2, 160, 150)] == [tuple(total) for total in one.totals]


def test_an_outer_event_stands_before_what_is_inside_it(tmp_path):
    """Events are kept when they end; reading puts them in the order of their beginning."""
    recorder = make(tmp_path)
    recorder.record(kinds.RECV, 0, 5, 10)
    recorder.record(kinds.GET, 0, 5, 20)

    assert [kinds.GET, kinds.RECV] == [one.kind for one in only(tmp_path).main.events]


def test_what_has_begun_and_not_ended_is_seen(tmp_path):
    """A process that hangs shows in what; what ended is not shown."""
    recorder = make(tmp_path)
    recorder.begin(kinds.RUN, 0)
    recorder.finish(kinds.PUT, 2, recorder.begin(kinds.PUT, 2))
    recorder.begin(kinds.GET, 3)

    assert [(kinds.RUN, 0), (kinds.GET, 3)] == [
        (one.kind, one.object) for one in only(tmp_path).main.unfinished
    ]


def test_deep_nesting_is_counted_but_not_shown(tmp_path):
    """More open events than there is room for do not overwrite each other."""
    recorder = make(tmp_path)
    started = [recorder.begin(kinds.GET, number) for number in range(20)]
    for number in reversed(range(20)):
        recorder.finish(kinds.GET, number, started[number])

    one = only(tmp_path)

    assert () == one.main.unfinished
    assert 20 == len(one.main.events)


def test_a_full_file_still_shows_what_has_begun(tmp_path):
    """Where not every event is kept, what has not ended stands in a place of its own."""
    recorder = make(tmp_path, records=256)
    for number in range(1_000):
        recorder.record(kinds.PUT, 0, number, number + 50)
    recorder.begin(kinds.RUN, 0)
    recorder.finish(kinds.PUT, 2, recorder.begin(kinds.PUT, 2))
    recorder.begin(kinds.GET, 3)

    assert [(kinds.RUN, 0), (kinds.GET, 3)] == [
        (one.kind, one.object) for one in only(tmp_path).main.unfinished
    ]


def test_deep_nesting_in_a_full_file_is_summed_up(tmp_path):
    """There is room for eight that have begun; the others are counted when they end."""
    recorder = make(tmp_path, records=256)
    for number in range(1_000):
        recorder.record(kinds.PUT, 0, number, number + 50)
    begun = [recorder.begin(kinds.GET, 7) for _ in range(20)]

    assert [8] == [len(lane.unfinished) for lane in only(tmp_path).threads]

    for one in reversed(begun):
        recorder.finish(kinds.GET, 7, one)

    one = only(tmp_path)

    assert () == one.main.unfinished
    assert [20] == [total.times for total in one.totals if total.kind == kinds.GET]


def test_an_event_of_no_time_has_ended(tmp_path):
    """A duration of zero stands for what has not ended, so the shortest one is 1 ns."""
    recorder = make(tmp_path)
    recorder.record(kinds.PUT, 0, 5, 5)

    assert [(5, 6)] == [(one.start_ns, one.end_ns) for one in only(tmp_path).main.events]
    assert () == only(tmp_path).main.unfinished


def test_a_system_that_cannot_prepare_pages_is_no_trouble(tmp_path, monkeypatch):
    """Linux before 5.14 does not know the advice."""
    monkeypatch.setattr("mpbench.profiling.hook.eventfile._MADV_POPULATE_WRITE", 250)
    recorder = make(tmp_path)
    for number in range(200):
        recorder.record(kinds.PUT, 0, number, number + 1)

    assert 200 == len(only(tmp_path).main.events)


def test_a_full_file_drops_events_and_keeps_the_sums(tmp_path):
    """Sums and the number of dropped events stay right."""
    recorder = make(tmp_path, records=256)
    for number in range(1_000):
        recorder.record(kinds.PUT, 0, number, number + 50)

    one = only(tmp_path)

    assert 1_000 == one.dropped + len(one.main.events)
    assert one.dropped > 700
    assert (1_000, 50_000) == (one.totals[0].times, one.totals[0].total_ns)


def test_long_events_are_kept_when_the_file_fills_up(tmp_path):
    """Short events are thinned first, so that the waits that matter are there to the end."""
    recorder = make(tmp_path, records=2_048)
    long_ns = 3_000_000
    for number in range(3_000):
        recorder.record(kinds.PUT, 0, number, number + 100)
    recorder.record(kinds.LOCK_WAIT, 0, 5_000, 5_000 + long_ns)

    assert long_ns == max(one.duration_ns for one in only(tmp_path).main.events)


def test_names_survive_strange_characters(tmp_path):
    """A name is data; it cannot break the file that it stands in."""
    recorder = make(tmp_path)
    strange = 'a"b\\c\nd\u2028é</script>'
    number = recorder.register_object("process:1", "Process", strange)

    assert strange == only(tmp_path).objects[number].label


@pytest.mark.parametrize(
    "facts", [{"a": None, "b": True, "c": -7, "d": 'x"\x00\t\\'}, {"name": "\U0001f600 ö"}]
)
def test_lines_are_json(facts):
    """The hook writes its own JSON; the json module agrees about it."""
    assert facts == json.loads(line_of(facts))


def test_a_forked_child_has_its_own_file_and_its_parents_names(tmp_path):
    """Numbers given before the fork mean the same after it; later ones do not."""
    parent = make(tmp_path)
    before = parent.register_object("sem:1", "Lock", "a.py:1")
    parent.record(kinds.PUT, before, 1, 2)
    token = parent.token
    parent.after_fork()
    child = parent
    after = child.register_object("sem:2", "Lock", "a.py:2")
    child.record(kinds.GET, before, 3, 4)
    with (tmp_path / f"{token}.names").open("a") as later:
        later.write('{"name": 3, "key": "sem:3", "what": "Lock", "label": "a.py:9"}\n')

    one, two = read_event_files(tmp_path)

    assert token == one.token
    assert {before, 3} == set(one.objects)
    assert {before, after} == set(two.objects)
    assert ["a.py:1", "a.py:2"] == [two.objects[n].label for n in (before, after)]
    assert two.forked
    assert [kinds.GET] == [event.kind for event in two.main.events]


def test_a_child_that_forked_inside_a_call_ignores_its_end(tmp_path):
    """The event belongs to the parent."""
    recorder = make(tmp_path)
    start = recorder.begin(kinds.START, 0)
    recorder.after_fork()
    recorder.finish(kinds.START, 0, start)
    recorder.record(kinds.PUT, 0, 5, 6)

    parent, child = read_event_files(tmp_path)

    assert ((), [kinds.START]) == (parent.main.events, [o.kind for o in parent.main.unfinished])
    assert ([kinds.PUT], ()) == ([one.kind for one in child.main.events], child.main.unfinished)


def test_a_cut_off_file_is_left_out(tmp_path):
    """What is no event file does not end the reading of the others."""
    recorder = make(tmp_path)
    recorder.record(kinds.PUT, 0, 1, 2)
    (tmp_path / "9-9.ring").write_bytes(b"short")
    (tmp_path / "8-8.ring").write_bytes(bytes(layout.FIRST_RECORD * 8 + 64))
    with (tmp_path / f"{recorder.token}.names").open("a") as names:
        names.write('{"name": 5, "key": "half')

    assert 1 == len(only(tmp_path).main.events)


def test_too_many_objects_share_no_number(tmp_path, monkeypatch):
    """A program that makes a lock for each item does not fill the disk."""
    monkeypatch.setattr("mpbench.profiling.hook.recorder._MOST_NAMES", 3)
    recorder = make(tmp_path)
    numbers = [recorder.register_object(f"sem:{n}", "Lock", "a.py:1") for n in range(5)]

    assert [1, 2, 3, 0, 0] == numbers


def test_without_a_folder_the_program_goes_on(tmp_path):
    """A daemon that outlives its profile records into nothing."""
    recorder = make(tmp_path / "gone")
    thing = recorder.register_object("sem:1", "Lock", "a.py:1")
    for number in range(5_000):
        recorder.finish(kinds.GET, thing, recorder.begin(kinds.GET, thing), number)

    assert () == read_event_files(tmp_path)


def test_a_full_disk_is_not_begun_to_be_filled(tmp_path, monkeypatch):
    """A page that cannot be stored would end the program when it is touched."""
    monkeypatch.setattr("mpbench.profiling.hook.layout.LEAST_FREE_BYTES", 1 << 62)
    recorder = make(tmp_path)
    recorder.record(kinds.GET, 0, 1, 2)

    assert [] == list(tmp_path.iterdir())


def test_names_need_no_open_descriptor(tmp_path):
    """A program that closes all descriptors must not find ours in its own next file."""
    recorder = make(tmp_path)
    recorder.record(kinds.GET, 0, 1, 2)
    before = set(os.listdir("/proc/self/fd"))
    number = recorder.register_object("sem:1", "Lock", "late")

    assert "late" == only(tmp_path).objects[number].label
    assert before == set(os.listdir("/proc/self/fd"))


def test_bytes_of_sends_that_were_not_kept_are_summed_up(tmp_path):
    """What was sent is exact, however few events are kept."""
    recorder = Recorder(str(tmp_path), 256)
    number = recorder.register_object("pipe:1", "Pipe", "a.py:1")
    for _ in range(1_000):
        begun = recorder.begin(kinds.SEND, number)
        recorder.finish(kinds.SEND, number, begun, 7)
    processes = read_event_files(tmp_path)

    assert processes[0].dropped > 0
    assert [7_000] == [cost.sent_bytes for cost in object_costs(processes)]
