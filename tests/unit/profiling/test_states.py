"""Nested events become one state for each moment."""

import pytest
from profiled import MS, ZERO, lane, moment

from mpbench.profiling.hook import kinds
from mpbench.profiling.states import State, spans_of, total_by_state


def states(*moments, begin=0, end=100, unfinished=(), **given):
    """Return (state, milliseconds) of a thread from 0 to 100 ms."""
    given.setdefault("is_child", False)
    found = spans_of(
        lane(*moments, unfinished=unfinished), ZERO + begin * MS, ZERO + end * MS, **given
    )
    return [(one.state, one.duration_ns // MS) for one in found]


def test_a_main_process_works_where_nothing_is_recorded():
    """Spans cover the whole life without gaps."""
    assert [(State.WORKING, 10), (State.RESULT, 30), (State.WORKING, 60)] == states(
        moment(10, 40, kinds.RESULT_WAIT)
    )


def test_a_child_starts_up_until_it_runs_and_exits_after():
    """Import and bootstrap are parts of the start."""
    assert [
        (State.STARTING, 10),
        (State.IMPORTING, 10),
        (State.STARTING, 10),
        (State.WORKING, 50),
        (State.EXITING, 20),
    ] == states(
        moment(10, 20, kinds.IMPORT_MAIN),
        moment(25, 85, kinds.BOOTSTRAP),
        moment(30, 80, kinds.RUN),
        is_child=True,
    )


@pytest.mark.parametrize(
    ("outer", "inner", "state"),
    [
        (kinds.GET, kinds.LOCK_WAIT, State.QUEUE),
        (kinds.GET, kinds.RECV_WAIT, State.QUEUE),
        (kinds.GET, kinds.POLL, State.QUEUE),
        (kinds.GET, kinds.UNPICKLE, State.MOVING),
        (kinds.PUT, kinds.LOCK_WAIT, State.SPACE),
        (kinds.PUT, kinds.SEND, State.MOVING),
        (kinds.SYNC_WAIT, kinds.LOCK_WAIT, State.SYNC),
        (kinds.RESULT_WAIT, kinds.LOCK_WAIT, State.RESULT),
        (kinds.CALL, kinds.RECV_WAIT, State.MANAGER),
        (kinds.CALL, kinds.SEND, State.MANAGER),
        (kinds.JOIN, kinds.POLL, State.CHILD),
        (kinds.START, kinds.PICKLE, State.LAUNCHING),
        (kinds.TASK, kinds.LOCK_WAIT, State.LOCK),
        (kinds.RECV, kinds.RECV_WAIT, State.DATA),
    ],
)
def test_the_outer_event_says_what_waiting_inside_it_means(outer, inner, state):
    """A lock inside Queue.get is the queue's business, not the program's."""
    found = dict(states(moment(0, 100, outer), moment(20, 80, inner)))

    assert found[state] >= 60


def test_the_outermost_wait_decides():
    """A pool's result may be waited for through a queue of its own."""
    found = states(
        moment(0, 100, kinds.RESULT_WAIT),
        moment(10, 90, kinds.GET),
        moment(20, 80, kinds.LOCK_WAIT),
    )

    assert [State.RESULT] == [state for state, _ in found]


def test_an_event_that_never_ended_lasts_to_the_end():
    """A worker that was killed in a lock waited for it to its last moment."""
    assert [(State.WORKING, 30), (State.LOCK, 70)] == states(
        unfinished=[moment(0, 100, kinds.RUN), moment(30, 100, kinds.LOCK_WAIT)], is_child=True
    )


def test_events_outside_the_life_are_cut_off():
    """A sampler's last look may come before an event's end."""
    found = states(moment(-20, 10, kinds.GET), moment(90, 130, kinds.JOIN))

    assert 100 == sum(length for _, length in found)
    assert (State.CHILD, 10) == found[-1]


def test_a_helper_serves():
    """What a resource tracker receives is nobody's waiting."""
    assert [(State.SERVING, 90), (State.EXITING, 10)] == states(
        moment(10, 50, kinds.RECV), moment(90, 100, kinds.EXIT), serves=True
    )


def test_a_process_without_events_has_one_state():
    """Nothing recorded is not nothing known."""
    spans = spans_of(None, ZERO, ZERO + 5 * MS, is_child=True)

    assert {State.STARTING: 5 * MS} == total_by_state(spans)
    assert () == spans_of(None, ZERO, ZERO, is_child=True)


def test_a_long_get_without_events_inside_is_a_wait():
    """A library's own locks record nothing; a short one is the price of the call."""
    events = [
        moment(0, 100, kinds.RUN),
        moment(10, 60, kinds.GET),
        moment(40, 60, kinds.RECV, argument=9),
        moment(70, 70.5, kinds.GET),
    ]
    totals = total_by_state(spans_of(lane(*events), ZERO, ZERO + 100 * MS, is_child=True))

    assert 30 * MS == totals[State.QUEUE]
    assert 20.5 * MS == totals[State.MOVING]
