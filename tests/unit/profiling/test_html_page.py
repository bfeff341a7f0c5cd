"""The page and the record of a profile: complete, self-contained, and safe."""

import json
import re
from itertools import pairwise

import pytest
from profiled import MS, lane, moment, pool_of_two, profile, ran, seen, traced

from mpbench.profiling.gantt import timeline
from mpbench.profiling.gantt_rows import MOST_ROWS, rows_of
from mpbench.profiling.hook import kinds
from mpbench.profiling.html_page import page_of
from mpbench.profiling.objects import describe_objects
from mpbench.profiling.stacks import busiest
from mpbench.profiling.states import State
from mpbench.profiling.summary import summary_of

HOSTILE = '</title><script>alert(1)</script>"onload="x'


def page(made, stacks=()):
    """Render a profile with two usable CPUs."""
    return page_of(made, summary_of(made, cpus=2), stacks)


def test_the_record_is_json_without_nan():
    """Everything that the page shows can be read by a program as well."""
    record = summary_of(pool_of_two(), cpus=2)

    assert record == json.loads(json.dumps(record, allow_nan=False))
    assert ["main", "worker", "worker"] == [one["role"] for one in record["processes"]]
    assert 20 == record["tasks"]["chunks"]
    assert 3 == len(record["losses"])


def test_the_page_needs_nothing_else():
    """No address, no script; the policy forbids what is not there."""
    text = page(pool_of_two())

    assert not re.findall(r'(?:src|href)="?(?!#)|url\(|@import|<script', text)
    assert "default-src 'none'" in text
    assert "ui.perfetto.dev" in text


def test_every_process_is_in_drawing_and_table():
    """Who cannot see the drawing reads the table."""
    text = page(pool_of_two())
    drawing, _, rest = text.partition("</svg>")

    for name in ("program.py", "Process-2", "Process-3"):
        assert name in drawing
        assert name in rest
    assert 'role="img"' in drawing
    assert "<title" in drawing


def test_names_are_text():
    """A process may have any name, and so may a lock, a script and a function."""
    child = traced(
        2,
        lane(moment(20, 90, kinds.LOCK_WAIT, 1), moment(10, 95, kinds.RUN)),
        born=5,
        name=HOSTILE,
        target=HOSTILE,
        unknown=(HOSTILE,),
        things={1: ("sem:1", HOSTILE, HOSTILE, {})},
    )
    made = profile(ran(), traced(1, lane(moment(0, 3, kinds.START, argument=2))), child)
    made = made._replace(command=("python", HOSTILE))
    stacks = busiest(f"{HOSTILE};{HOSTILE} 3")
    text = page(made, stacks)

    assert "<script>" not in text
    assert "onload=&#34;" in text
    assert text.count("&lt;script&gt;") > 5


def test_many_processes_fit():
    """Rows beyond the drawing are in the table, and the page says so."""
    children = [
        traced(n, lane(moment(n, 900, kinds.RUN)), born=n, name=f"P{n}") for n in range(2, 130)
    ]
    text = page(profile(ran(), traced(1, lane()), *children))

    assert f"{129 - MOST_ROWS} more processes are in the table" in text
    assert text.count('<g class="row">') == MOST_ROWS
    assert "129. P129" in text
    assert len(text) < 2_000_000


def test_short_processes_take_the_rows_of_those_that_have_ended():
    """All of four hundred are drawn, in as many rows as there were processes at once."""
    children = [
        traced(n, lane(moment(2 * n, 2 * n + 7, kinds.RUN)), born=2 * n, name=f"P{n}")
        for n in range(2, 402)
    ]
    made = profile(ran(), traced(1, lane()), *children)
    rows = rows_of(made.members)
    text = page(made)

    assert 401 == sum(len(row) for row in rows)
    assert 1 == len(rows[0])
    assert len(rows) < 12
    assert all(a.end_ns <= b.begin_ns for row in rows for a, b in pairwise(row))
    assert "processes in turn" in text
    assert "more processes are in the table" not in text


def test_a_program_that_used_no_multiprocessing_has_a_page():
    """It says that nothing was recorded."""
    made = profile(ran(seen(1, (0, 0, 1), (500, 90, 8))))
    text = page(made)

    assert "No process recorded anything" in text
    assert State.UNKNOWN.value in text


@pytest.mark.parametrize(
    ("life", "words"),
    [
        ({"exit_code": 3}, "failed with exit code 3"),
        ({"exit_code": -11}, "was ended by SIGSEGV"),
        ({"exit_code": -6, "cause": "deadline"}, "ran out of time"),
        ({"exit_code": -2, "interrupted": True}, "was interrupted"),
        ({"exit_code": None, "cause": "lost"}, "was lost"),
    ],
)
def test_the_page_says_how_the_program_ended(life, words):
    """Anything but success stands at the top."""
    made = profile(ran(**life), traced(1, lane()))

    assert words in summary_of(made, cpus=2)["ending"]
    assert f"The program {words}" in page(made)


def test_dropped_events_are_stated():
    """Nothing is lost without a word."""
    text = page(profile(ran(), traced(1, lane(), dropped=1_234)))

    assert "1,234 short events were not kept" in text


def test_crashed_workers_are_warnings_but_a_pools_own_are_not():
    """A pool ends its workers with SIGTERM; that is no news."""
    record = summary_of(pool_of_two(), cpus=2)
    made = pool_of_two()
    (main, first, second) = made.members
    quiet = made._replace(members=(main, first, second._replace(detail="fork, pool worker")))

    assert any("Process-3 (pid 3) was ended by SIGTERM" in one for one in record["warnings"])
    assert not any("SIGTERM" in one for one in summary_of(quiet, cpus=2)["warnings"])


def test_who_crashed_stands_before_who_was_told_to_end():
    """An executor ends its other workers when one of them is gone."""
    made = pool_of_two()
    main, first, second = made.members
    made = made._replace(
        members=(main, first._replace(exit_code=-15), second._replace(exit_code=-11))
    )
    ends = [one for one in summary_of(made, cpus=2)["warnings"] if "was ended by" in one]

    assert ["SIGSEGV", "SIGTERM"] == [one.rpartition(" ")[2] for one in ends]


def test_children_of_an_interrupted_program_are_no_news():
    """Ctrl-C reaches all of them."""
    made = pool_of_two()
    main, first, second = made.members
    ends = (main, first._replace(exit_code=1), second._replace(exit_code=-11))
    made = made._replace(members=ends, ran=made.ran._replace(interrupted=True))
    told = [one for one in summary_of(made, cpus=2)["warnings"] if "Process-" in one]

    assert 1 == len(told)
    assert told[0].endswith("SIGSEGV")


def test_what_others_leave_meanwhile_is_one_sentence():
    """Ten names of semaphores are no ten notes."""
    made = profile(ran(), traced(1, lane()))
    names = [f"sem.{n}" for n in range(10)]
    made = made._replace(ran=made.ran._replace(report={**made.ran.report, "remaining": names}))
    text = page(made)

    assert 1 == text.count("may belong to another program")
    assert "sem.7 and 2 more." in text


def test_many_failures_are_counted():
    """Five names are enough."""
    made = pool_of_two()
    main, first, _ = made.members
    made = made._replace(members=(main, *[first._replace(exit_code=3)] * 9))
    warnings = summary_of(made, cpus=2)["warnings"]

    assert 5 == sum("failed with exit code 3" in one for one in warnings)
    assert "4 more processes did not end in good order" in warnings


def test_the_title_is_the_program_without_its_folder():
    """The whole command stands at the end of the page."""
    made = profile(ran(), traced(1, lane()))._replace(command=("/bin/python", "/home/x/a.py", "-v"))
    text = page(made)

    assert "<h1>a.py -v</h1>" in text
    assert "/home/x/a.py -v</code>" in text


def test_processes_of_other_libraries_are_counted():
    """A program without workers of multiprocessing may have processes all the same."""
    made = profile(ran(), traced(1, lane()), traced(2, lane(), born=5, program="python -c"))

    assert "no worker of multiprocessing; 1 other process ran beside it." in page(made)


def test_a_process_is_drawn_to_its_end_and_waits_no_longer_than_it_lives():
    """A dead process that nobody has waited for yet can still be looked at."""
    looks = [(at, 1, 8) for at in range(0, 1_000, 100)]
    points = tuple(one._replace(delay_ns=2_000 * MS) for one in seen(2, *looks, created=1).points)
    watched = seen(2, *looks, created=1)._replace(points=points)
    child = traced(2, lane(moment(10, 300, kinds.BOOTSTRAP)), born=1, name="child")
    made = profile(ran(watched), traced(1, lane(moment(0, 1_000, kinds.JOIN))), child)
    (one,) = [one for one in made.members if one.name == "child"]
    places = re.findall(r'class="cpu" points="([^"]*)"', str(timeline(made, cpus=2)))
    right = [float(one.rpartition(" ")[2].partition(",")[0]) for one in places]

    assert one.lifetime_ns == one.run_queue_ns
    # The whole is 1,000 ms and 994 px wide: no line goes beyond 300 ms.
    assert right
    assert max(right) <= 190 + 994 * 0.3


def test_what_a_hanging_process_was_in_is_named():
    """The innermost call and its object, without the frames around it."""
    child = traced(
        2,
        lane(
            unfinished=[
                moment(10, 10, kinds.BOOTSTRAP),
                moment(11, 11, kinds.RUN),
                moment(12, 12, kinds.GET, 1),
            ]
        ),
        born=5,
        name="child",
        things={1: ("pipe:1", "Queue", "a.py:3", {})},
    )
    record = summary_of(profile(ran(), traced(1, lane()), child), cpus=2)

    assert ["get of Queue a.py:3"] == record["processes"][1]["unfinished"]


def test_too_little_room_for_events_is_said():
    """Not that the program was odd: its folder for temporary files was full."""
    made = profile(ran(), traced(1, lane()))._replace(room_bytes=10 << 20)
    record = summary_of(made, cpus=2)

    assert ["10 MiB were free"] == [
        text.partition("kept: ")[2].partition(" where")[0] for text in record["warnings"]
    ]


def test_an_object_is_called_what_its_maker_called_it():
    """A spawned worker knows the pipe and the lock of a queue, and not whose they are."""
    main = traced(
        1,
        lane(),
        things={
            1: ("pipe:1", "Pool tasks", "a.py:3", {}),
            2: ("sem:1", "Lock", "", {"owner": "pipe:1"}),
        },
    )
    hanging = [moment(12, 12, kinds.GET, 7), moment(13, 13, kinds.LOCK_WAIT, 8)]
    child = traced(
        2,
        lane(unfinished=hanging),
        born=5,
        name="child",
        things={7: ("pipe:1", "Pipe", "", {}), 8: ("sem:1", "Lock", "", {})},
    )
    record = summary_of(profile(ran(), main, child), cpus=2)

    assert ["get of Pool tasks a.py:3", "wait for lock of Pool tasks a.py:3"] == record[
        "processes"
    ][1]["unfinished"]


def test_busiest_functions_are_counted_by_process():
    """The innermost frame counts; the last process named is the one that ran."""
    text = (
        'process 1:"python a.py";main (a.py:1);spin (a.py:2) 30\n'
        'process 1:"python a.py";process 7:"python -c x";run (p.py:3);spin (a.py:2) 60\n'
        "not a stack\n"
        'process 1:"python a.py";main (a.py:1);spin (a.py:2) 10\n'
    )

    assert [("spin (a.py:2)", "worker", 60, 0.6), ("spin (a.py:2)", "pid 1", 40, 0.4)] == [
        tuple(one.values()) for one in busiest(text, {7: "worker"})
    ]
    assert [] == busiest("")


def test_every_state_has_a_colour():
    """In the light and the dark scheme; what has none would be drawn black."""
    text = page(profile(ran(), traced(1, lane())))
    without = [one.value for one in State if text.count(f"--{one.name.lower()}: #") != 2]

    assert [] == without


def test_locks_of_one_line_are_told_apart():
    """In the order of their making; the lock of a queue is the queue's affair."""
    things = {
        1: ("sem:1", "Lock", "a.py:3", {}),
        2: ("sem:2", "Lock", "a.py:3", {}),
        3: ("sem:3", "Lock", "a.py:3", {"owner": "pipe:1"}),
        4: ("sem:4", "Lock", "a.py:4", {}),
    }
    named = describe_objects([traced(1, lane(), things=things)])

    assert ["a.py:3, 1 of 2", "a.py:3, 2 of 2", "a.py:3", "a.py:4"] == [
        named[f"sem:{number}"].label for number in (1, 2, 3, 4)
    ]
