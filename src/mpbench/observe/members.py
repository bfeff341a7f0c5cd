"""The processes of a profiled program: what they recorded, and what was seen from outside."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from mpbench.observe.hook import kinds
from mpbench.observe.sampler import Point, SeenProcess
from mpbench.observe.states import Span, State, spans_of, total_by_state

if TYPE_CHECKING:
    from mpbench.observe.program import Ran
    from mpbench.observe.rings import Moment, Traced

__all__ = ("Member", "Role", "members_of")

# The creation time of a process is known to a clock tick, 10 ms; forks and
# interpreters need time until they can note anything.
_SLACK_NS = 30_000_000
# Longer than any interpreter takes from its exec to its start-up hook.
_BOOT_NS = 60_000_000_000


class Role(Enum):
    """What a process is for; the value is the word for it."""

    MAIN = "main"
    WORKER = "worker"
    MANAGER = "manager"
    HELPER = "helper"
    OTHER = "other"


_HELPERS = {"resource tracker", "fork server"}


class Member(NamedTuple):
    """
    One process of the program.

    `begin_ns` is when its parent asked for it, where that is known, and `start`
    the parent's event for that. `cpu_ns` is what it said itself, else the last
    that was seen.
    """

    number: int
    pid: int
    name: str
    role: Role
    detail: str
    begin_ns: int
    end_ns: int
    spans: tuple[Span, ...]
    points: tuple[Point, ...]
    cpu_ns: int
    delay_ns: int
    peak_rss_bytes: int
    traced: Traced | None
    start: Moment | None

    @property
    def lifetime_ns(self) -> int:
        """From the request for it to its end."""
        return self.end_ns - self.begin_ns

    @property
    def totals(self) -> dict[State, int]:
        """Nanoseconds by state."""
        return total_by_state(self.spans)


def _seen_of(traced: Traced, seen: Sequence[SeenProcess]) -> SeenProcess | None:
    """Return what the sampler saw of a traced process: same pid, created shortly before."""
    fitting = [
        one
        for one in seen
        if one.key[0] == traced.pid and -_SLACK_NS <= traced.born_ns - one.key[1] <= _BOOT_NS
    ]
    return max(fitting, key=lambda one: one.key[1], default=None)


def _starts(processes: Sequence[Traced]) -> dict[int, list[Moment]]:
    """Return the events in which somebody started a process, by the child's pid."""
    found: dict[int, list[Moment]] = {}
    for one in processes:
        for lane in one.lanes:
            for moment in lane.moments:
                if moment.kind == kinds.START and moment.argument:
                    found.setdefault(moment.argument, []).append(moment)
    return found


def _start_of(traced: Traced, starts: dict[int, list[Moment]]) -> Moment | None:
    """Return the start of this process: the last one with its pid that began before it."""
    before = [one for one in starts.get(traced.pid, []) if one.start_ns <= traced.opened_ns]
    return max(before, key=lambda one: one.start_ns, default=None)


def _role(traced: Traced, main_pid: int) -> Role:
    if traced.role in _HELPERS:
        return Role.HELPER
    if traced.role == "manager":
        return Role.MANAGER
    if traced.role:
        return Role.WORKER
    return Role.MAIN if traced.pid == main_pid else Role.OTHER


def _end(traced: Traced, seen: SeenProcess | None, latest: int) -> int:
    """Return when a process ended, as well as anybody knows."""
    last = max(
        (moment.end_ns for lane in traced.lanes for moment in lane.moments),
        default=traced.opened_ns,
    )
    done = any(
        moment.kind in {kinds.EXIT, kinds.BOOTSTRAP}
        for lane in traced.lanes
        for moment in lane.moments
    )
    hanging = any(lane.unfinished for lane in traced.lanes if lane.is_main)
    if done and not hanging:
        return min(last, latest)
    return min(latest, max(last, seen.points[-1].at_ns if seen and seen.points else last))


def _spoken_cpu(traced: Traced) -> int:
    """Return the CPU time that a process gave at its end; 0 when it had no time to."""
    return max(
        (
            moment.argument
            for lane in traced.lanes
            for moment in lane.moments
            if moment.kind in {kinds.EXIT, kinds.RUN}
        ),
        default=0,
    )


def _detail(traced: Traced) -> str:
    parts = [traced.method, traced.role if traced.role != "child" else "", traced.target]
    return ", ".join(part for part in parts if part)


def _member(
    traced: Traced, seen: SeenProcess | None, start: Moment | None, ran: Ran, number: int
) -> Member:
    role = _role(traced, ran.pid)
    created = traced.born_ns if seen is None or traced.forked else seen.key[1]
    begin = max(ran.started_ns, min(created, traced.born_ns))
    if start is not None:
        begin = start.start_ns
    end = max(begin, _end(traced, seen, ran.ended_ns))
    points = () if seen is None else seen.points
    lane = traced.main
    spans = spans_of(
        lane,
        begin,
        end,
        is_child=role is Role.WORKER,
        serves=role in {Role.HELPER, Role.MANAGER},
    )
    if role is Role.MAIN:
        spans = _with_boot(spans, traced.born_ns)
    return Member(
        number=number,
        pid=traced.pid,
        name=traced.name or traced.program or "python",
        role=role,
        detail=_detail(traced),
        begin_ns=begin,
        end_ns=end,
        spans=spans,
        points=points,
        cpu_ns=max(_spoken_cpu(traced), points[-1].cpu_ns if points else 0),
        delay_ns=points[-1].delay_ns if points else 0,
        peak_rss_bytes=max((point.rss_bytes for point in points), default=0),
        traced=traced,
        start=start,
    )


def _with_boot(spans: tuple[Span, ...], born_ns: int) -> tuple[Span, ...]:
    """Mark the time before the start-up hook as the interpreter's own start."""
    if not spans or spans[0].end_ns <= born_ns or spans[0].start_ns >= born_ns:
        return spans
    first = spans[0]
    return (
        Span(first.start_ns, born_ns, State.STARTING),
        first._replace(start_ns=born_ns),
        *spans[1:],
    )


def _stranger(seen: SeenProcess, ran: Ran, number: int) -> Member:
    """Return a process that recorded nothing: another program, or one that did not load it."""
    begin = max(ran.started_ns, seen.key[1])
    end = max(begin, seen.points[-1].at_ns)
    return Member(
        number=number,
        pid=seen.key[0],
        name=seen.name,
        role=Role.MAIN if seen.key[0] == ran.pid else Role.OTHER,
        detail="",
        begin_ns=begin,
        end_ns=end,
        spans=(Span(begin, end, State.UNKNOWN),) if end > begin else (),
        points=seen.points,
        cpu_ns=seen.points[-1].cpu_ns,
        delay_ns=seen.points[-1].delay_ns,
        peak_rss_bytes=max(point.rss_bytes for point in seen.points),
        traced=None,
        start=None,
    )


def members_of(processes: Sequence[Traced], ran: Ran) -> tuple[Member, ...]:
    """
    Return every process of a program, the main one first, then as they began.

    Args:
        processes: What recorded itself.
        ran: The program's life, with what the sampler saw.
    """
    starts = _starts(processes)
    members: list[Member] = []
    matched = set()
    for traced in processes:
        seen = _seen_of(traced, ran.seen.processes)
        if seen is not None:
            matched.add(seen.key)
        members.append(_member(traced, seen, _start_of(traced, starts), ran, 0))
    members += [
        _stranger(one, ran, 0)
        for one in ran.seen.processes
        if one.key not in matched and one.points
    ]
    members.sort(key=lambda one: (one.role is not Role.MAIN, one.begin_ns))
    return tuple(one._replace(number=number) for number, one in enumerate(members, start=1))
