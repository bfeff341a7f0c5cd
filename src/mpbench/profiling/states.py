"""State of a thread at each moment, from its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from mpbench.profiling.event_files import Event, ThreadEvents
from mpbench.profiling.hook import kinds

__all__ = ("Span", "State", "spans_of", "total_by_state")


class State(Enum):
    """What a process's main thread is doing; the value is the word for it."""

    WORKING = "working"
    # Drawn only: the sampler saw the process in its own code, and it used no CPU.
    BLOCKED = "in its own code, not on a CPU"
    MOVING = "moving data"
    QUEUE = "waiting for a queue"
    SPACE = "waiting to send"
    LOCK = "waiting for a lock"
    SYNC = "waiting for an event"
    DATA = "waiting for a pipe"
    RESULT = "waiting for results"
    CHILD = "waiting for others to end"
    MANAGER = "calling a manager"
    LAUNCHING = "starting processes"
    STARTING = "starting up"
    IMPORTING = "importing the main module"
    LOADING = "importing modules"
    EXITING = "exiting"
    SERVING = "serving others"
    UNKNOWN = "not recorded"

    # Members are unique; an Enum's own hash is Python code, and asked for each span.
    __hash__ = object.__hash__

    @property
    def is_wait(self) -> bool:
        """Whether the process does nothing in it."""
        return self in _WAITS


_WAITS = {
    State.QUEUE,
    State.SPACE,
    State.LOCK,
    State.SYNC,
    State.DATA,
    State.RESULT,
    State.CHILD,
}

# What an event means where it stands by itself.
_PLAIN = {
    kinds.START: State.LAUNCHING,
    kinds.TRACKER_START: State.LAUNCHING,
    kinds.FORKSERVER_START: State.LAUNCHING,
    kinds.MANAGER_START: State.LAUNCHING,
    kinds.JOIN: State.CHILD,
    kinds.IMPORT_MAIN: State.IMPORTING,
    kinds.IMPORT: State.LOADING,
    kinds.EXIT: State.EXITING,
    kinds.RUN: State.WORKING,
    kinds.LOCK_WAIT: State.LOCK,
    kinds.RECV_WAIT: State.DATA,
    kinds.SEND_WAIT: State.SPACE,
    kinds.POLL: State.DATA,
    kinds.SYNC_WAIT: State.SYNC,
    kinds.RESULT_WAIT: State.RESULT,
    kinds.CALL: State.MANAGER,
    kinds.GET: State.MOVING,
    kinds.PUT: State.MOVING,
    kinds.SEND: State.MOVING,
    kinds.RECV: State.MOVING,
    kinds.PICKLE: State.MOVING,
    kinds.UNPICKLE: State.MOVING,
    kinds.SHM: State.MOVING,
}
# What all waiting inside such an event is called.
_WAITING_IN = {
    kinds.GET: State.QUEUE,
    kinds.PUT: State.SPACE,
    kinds.RESULT_WAIT: State.RESULT,
    kinds.SYNC_WAIT: State.SYNC,
}
_WAITING = {kinds.LOCK_WAIT, kinds.RECV_WAIT, kinds.SEND_WAIT, kinds.POLL, kinds.SYNC_WAIT}
# Inside these everything belongs to them, the bytes that they move as well.
_WHOLE = {State.LAUNCHING, State.CHILD, State.MANAGER, State.IMPORTING, State.EXITING}


# A get takes microseconds beside what it waits and moves.
_LONG_NS = 1_000_000


class Span(NamedTuple):
    """A time in which a process did one thing; `thing` is a number of its things, or 0."""

    start_ns: int
    end_ns: int
    state: State
    object: int = 0

    @property
    def duration_ns(self) -> int:
        """How long it lasted."""
        return self.end_ns - self.start_ns


class _Frame(NamedTuple):
    """
    An event that has begun: what it means, and what waiting inside it means.

    `unseen` is what a long time in it means that no event inside covers: a library's own
    locks, as loky has, record nothing.
    """

    end_ns: int
    state: State
    waiting: State | None
    thing: int
    unseen: State | None = None

    def state_for(self, duration_ns: int) -> State:
        """Return what a time in this event alone means."""
        if self.unseen is not None and duration_ns >= _LONG_NS:
            return self.unseen
        return self.state


def _frame(moment: Event, outer: _Frame) -> _Frame:
    state = _PLAIN.get(moment.kind)
    # What an interpreter imports to start is a part of its start.
    is_start = state is State.LOADING and outer.state is State.STARTING
    if state is None or is_start or outer.state in _WHOLE:
        # A task, a worker's loop: what happens there is up to the events inside.
        return outer._replace(end_ns=min(moment.end_ns, outer.end_ns), unseen=None)
    waiting = outer.waiting or _WAITING_IN.get(moment.kind)
    thing = moment.object if outer.waiting is None else outer.thing or moment.object
    if moment.kind in _WAITING and outer.waiting is not None:
        state = outer.waiting
    unseen = waiting if moment.kind == kinds.GET else None
    return _Frame(min(moment.end_ns, outer.end_ns), state, waiting, thing, unseen)


def _flatten(moments: Iterable[Event], begin: int, end: int, default: State) -> list[Span]:
    """Return spans without gaps or overlaps; the innermost event decides."""
    spans: list[Span] = []
    stack = [_Frame(end, default, None, 0)]
    at = begin

    def advance(until: int, frame: _Frame) -> int:
        if until > at:
            last = spans[-1] if spans else None
            state = frame.state_for(until - at)
            if last is not None and (last.state, last.object) == (state, frame.thing):
                spans[-1] = last._replace(end_ns=until)
            else:
                spans.append(Span(at, until, state, frame.thing))
        return max(at, until)

    for moment in moments:
        if moment.end_ns <= begin or moment.start_ns >= end:
            continue
        while len(stack) > 1 and stack[-1].end_ns <= moment.start_ns:
            at = advance(stack[-1].end_ns, stack[-1])
            stack.pop()
        at = advance(moment.start_ns, stack[-1])
        stack.append(_frame(moment, stack[-1]))
    while stack:
        at = advance(min(stack[-1].end_ns, end), stack[-1])
        stack.pop()
    return spans


def spans_of(
    lane: ThreadEvents | None, begin_ns: int, end_ns: int, *, is_child: bool, serves: bool = False
) -> tuple[Span, ...]:
    """
    Return what a process's main thread did from its beginning to its end.

    Args:
        lane: The main thread's events; None when it recorded none.
        begin_ns: When the process was asked for.
        end_ns: When it was last seen.
        is_child: Whether multiprocessing started it: it starts up until it runs.
        serves: Whether it is a helper that only answers others.
    """
    default = State.SERVING if serves else State.STARTING if is_child else State.WORKING
    if lane is None:
        return (Span(begin_ns, end_ns, default),) if end_ns > begin_ns else ()
    moments = sorted(
        [*lane.events, *lane.unfinished], key=lambda event: (event.start_ns, -event.end_ns)
    )
    if serves:
        moments = [event for event in moments if event.kind == kinds.EXIT]
    spans = _flatten(moments, begin_ns, end_ns, default)
    ran = max((event.end_ns for event in moments if event.kind == kinds.RUN), default=end_ns)
    return tuple(
        span._replace(state=State.EXITING)
        if span.state is State.STARTING and span.start_ns >= ran
        else span
        for span in spans
    )


def total_by_state(spans: Sequence[Span]) -> dict[State, int]:
    """Return nanoseconds by state."""
    totals: dict[State, int] = {}
    for span in spans:
        totals[span.state] = totals.get(span.state, 0) + span.duration_ns
    return totals
