"""What is known of a process's CPU time between its beginning and its end."""

from profiled import MS, ZERO, lane, moment, seen, traced

from mpbench.profiling.cpu_time import complete_cpu_series, reported_cpu
from mpbench.profiling.hook import kinds


def line(points, *, spoken=0, begin=0, end=100):
    """Return moments and CPU time in milliseconds."""
    looks = seen(1, *points).points
    found = complete_cpu_series(looks, ZERO + begin * MS, ZERO + end * MS, spoken * MS)
    return [((one.at_ns - ZERO) / MS, one.cpu_ns / MS) for one in found]


def test_a_process_that_was_seen_once_has_a_line():
    """It began with nothing, was seen, and said at its end what it had used."""
    assert [(0, 0), (40, 30), (100, 80)] == line([(40, 30, 1)], spoken=80)


def test_a_process_that_nobody_saw_is_known_by_its_own_words():
    """Between two looks it began, worked and ended."""
    assert [(0, 0), (100, 80)] == line([], spoken=80)


def test_a_process_that_was_killed_ends_where_it_was_last_seen():
    """It said nothing, and what it did afterwards is not made up."""
    assert [(0, 0), (40, 30), (60, 35)] == line([(40, 30, 1), (60, 35, 1)])


def test_nothing_known_is_no_line():
    """Neither a look nor a word."""
    assert [] == line([])


def test_looks_outside_of_a_life_do_not_count_as_inside():
    """A look may come when the process has ended and nobody has waited for it."""
    assert [(0, 0), (40, 30), (100, 50)] == line([(40, 30, 1), (130, 50, 1)], spoken=45)


def test_the_last_word_counts():
    """A process says what it used in run, and again at its end."""
    events = moment(1, 2, kinds.RUN, argument=5 * MS), moment(2, 3, kinds.EXIT, argument=9 * MS)

    assert 9 * MS == reported_cpu(traced(1, lane(*events)))
    assert 0 == reported_cpu(traced(1, lane()))
