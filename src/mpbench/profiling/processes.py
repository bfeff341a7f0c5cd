"""The processes of a profiled program: what they recorded, and what was seen from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.cpu_time import complete_cpu_series, reported_cpu
from mpbench.profiling.hook import kinds
from mpbench.profiling.states import Span, State, spans_of, total_by_state

if TYPE_CHECKING:
    from mpbench.profiling.event_files import Event, RecordedProcess, ThreadEvents
    from mpbench.profiling.run_program import ProgramRun
    from mpbench.sampling.sampler import SampledProcess, UsagePoint
    from mpbench.sampling.snapshot import Key

__all__ = ("ProcessRecord", "Role", "process_records")

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


class ProcessRecord(NamedTuple):
    """
    One process of the program.

    `begin_ns` is when its parent asked for it, where that is known, and `start`
    the parent's event for that. `cpu_ns` is what it said itself, else the last
    that was seen. `exit_code` is what its parent learned, negative for a signal.
    """

    number: int
    pid: int
    name: str
    role: Role
    detail: str
    begin_ns: int
    end_ns: int
    spans: tuple[Span, ...]
    snapshots: tuple[UsagePoint, ...]
    cpu_ns: int
    run_queue_ns: int
    peak_rss_bytes: int
    traced: RecordedProcess | None
    start_event: Event | None
    exit_code: int | None = None
    # Summed up once where there may be many spans; see `totals`.
    known_totals: Mapping[State, int] | None = None

    @property
    def lifetime_ns(self) -> int:
        """From the request for it to its end."""
        return self.end_ns - self.begin_ns

    @property
    def totals(self) -> dict[State, int]:
        """Nanoseconds by state."""
        return total_by_state(self.spans) if self.known_totals is None else dict(self.known_totals)


def _seen_of(traced: RecordedProcess, seen: Sequence[SampledProcess]) -> SampledProcess | None:
    """Return what the sampler saw of a traced process: same pid, created shortly before."""
    fitting = [
        one
        for one in seen
        if one.key[0] == traced.pid and -_SLACK_NS <= traced.born_ns - one.key[1] <= _BOOT_NS
    ]
    return max(fitting, key=lambda one: one.key[1], default=None)


class _Start(NamedTuple):
    """The event in which somebody started a process, and the start method that was used."""

    moment: Event
    method: str
    name: str


def _starts(processes: Sequence[RecordedProcess]) -> dict[int, list[_Start]]:
    """Return the starts of processes by the child's pid."""
    found: dict[int, list[_Start]] = {}
    for process in processes:
        for lane in process.threads:
            for moment in lane.events:
                if moment.kind == kinds.START and moment.value:
                    thing = process.objects.get(moment.object)
                    method = "" if thing is None else str(thing.facts.get("method", ""))
                    name = "process" if thing is None else thing.label
                    found.setdefault(moment.value, []).append(_Start(moment, method, name))
    return found


def _start_of(traced: RecordedProcess, starts: dict[int, list[_Start]]) -> _Start | None:
    """Return the start of this process: the last one with its pid that began before it."""
    known = starts.get(traced.pid, [])
    before = [one for one in known if one.moment.start_ns <= traced.opened_ns]
    return max(before, key=lambda one: one.moment.start_ns, default=None)


def _started_as(process: SampledProcess, starts: Sequence[_Start]) -> _Start | None:
    """Return the start that made a process which recorded nothing."""
    pid, created = process.key
    fitting = [
        start
        for start in starts
        if start.moment.value == pid
        and start.moment.start_ns - _SLACK_NS <= created <= start.moment.end_ns + _SLACK_NS
    ]
    return fitting[-1] if fitting else None


def _role(traced: RecordedProcess, main_pid: int, *, started: bool) -> Role:
    if traced.role in _HELPERS:
        return Role.HELPER
    if traced.role == "manager":
        return Role.MANAGER
    if traced.role or started:
        return Role.WORKER
    return Role.MAIN if traced.pid == main_pid else Role.OTHER


def _end(traced: RecordedProcess, seen: SampledProcess | None, latest: int) -> int:
    """Return when a process ended, as well as anybody knows."""
    last = max(
        (moment.end_ns for lane in traced.threads for moment in lane.events),
        default=traced.opened_ns,
    )
    done = any(
        moment.kind in {kinds.EXIT, kinds.BOOTSTRAP}
        for lane in traced.threads
        for moment in lane.events
    )
    hanging = any(lane.unfinished for lane in traced.threads if lane.is_main)
    if done and not hanging:
        return min(last, latest)
    return min(latest, max(last, seen.points[-1].at_ns if seen and seen.points else last))


def _to_the_end(lane: ThreadEvents, end_ns: int) -> ThreadEvents:
    """Let what a thread had begun last until its process ended; a receive was a wait."""
    unfinished = [one._replace(end_ns=max(end_ns, one.start_ns)) for one in lane.unfinished]
    if unfinished and unfinished[-1].kind == kinds.RECV:
        unfinished.append(unfinished[-1]._replace(kind=kinds.RECV_WAIT))
    return lane._replace(unfinished=tuple(unfinished))


_Exits = dict[int, list[tuple[int, int]]]


def _exits(processes: Sequence[RecordedProcess]) -> _Exits:
    """Return the ends of processes that their parents saw, by pid: when, and the exit code."""
    exits: _Exits = {}
    for process in processes:
        for pid, code, at in process.child_exits:
            exits.setdefault(pid, []).append((at, code))
    return exits


def _exit_code(process: ProcessRecord, exits: _Exits, ran: ProgramRun) -> int | None:
    """Return a process's exit code: what its parent learned about this pid first after its end."""
    if process.pid == ran.pid:
        return ran.exit_code
    later = [end for end in exits.get(process.pid, ()) if end[0] >= process.begin_ns]
    return min(later)[1] if later else None


def _detail(traced: RecordedProcess, method: str) -> str:
    parts = [method or traced.method, traced.role if traced.role != "child" else "", traced.target]
    return ", ".join(part for part in parts if part)


def _member(
    traced: RecordedProcess, seen: SampledProcess | None, start: _Start | None, ran: ProgramRun
) -> ProcessRecord:
    role = _role(traced, ran.pid, started=start is not None)
    created = traced.born_ns if seen is None or traced.forked else seen.key[1]
    begin = max(ran.started_ns, min(created, traced.born_ns))
    if start is not None:
        begin = start.moment.start_ns
    end = max(begin, _end(traced, seen, ran.ended_ns))
    spoken = reported_cpu(traced)
    looks = () if seen is None else seen.points
    traced = traced._replace(threads=tuple(_to_the_end(lane, end) for lane in traced.threads))
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
    return ProcessRecord(
        number=0,
        pid=traced.pid,
        name=traced.name or (start.name if start else "") or traced.program or "python",
        role=role,
        detail=_detail(traced, "" if start is None else start.method),
        begin_ns=begin,
        end_ns=end,
        spans=spans,
        snapshots=complete_cpu_series(looks, begin, end, spoken),
        cpu_ns=max(spoken, looks[-1].cpu_ns if looks else 0),
        # The last look may come long after the main thread has ended.
        run_queue_ns=min(looks[-1].delay_ns, end - begin) if looks else 0,
        peak_rss_bytes=max((point.rss_bytes for point in looks), default=0),
        traced=traced,
        start_event=None if start is None else start.moment,
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


def _unheard(start: _Start, known: dict[int, tuple[int, int]]) -> ProcessRecord:
    """Return a process that was started and ended before anybody saw or heard of it."""
    pid, begin = start.moment.value, start.moment.start_ns
    end = max(start.moment.end_ns, known.get(pid, (0, 0))[0])
    return ProcessRecord(
        number=0,
        pid=pid,
        name=start.name,
        role=Role.WORKER,
        detail=start.method,
        begin_ns=begin,
        end_ns=end,
        spans=(Span(begin, end, State.STARTING),),
        snapshots=(),
        cpu_ns=0,
        run_queue_ns=0,
        peak_rss_bytes=0,
        traced=None,
        start_event=start.moment,
    )


def _stranger(seen: SampledProcess, ran: ProgramRun, start: _Start | None) -> ProcessRecord:
    """Return a process that recorded nothing: another program, or one that ended at once."""
    begin = max(ran.started_ns, seen.key[1]) if start is None else start.moment.start_ns
    end = max(begin, seen.points[-1].at_ns)
    role = Role.MAIN if seen.key[0] == ran.pid else Role.OTHER
    return ProcessRecord(
        number=0,
        pid=seen.key[0],
        name=seen.name if start is None else start.name,
        role=role if start is None else Role.WORKER,
        detail="" if start is None else start.method,
        begin_ns=begin,
        end_ns=end,
        spans=(Span(begin, end, State.UNKNOWN),) if end > begin else (),
        snapshots=seen.points,
        cpu_ns=seen.points[-1].cpu_ns,
        run_queue_ns=seen.points[-1].delay_ns,
        peak_rss_bytes=max(point.rss_bytes for point in seen.points),
        traced=None,
        start_event=None if start is None else start.moment,
    )


def _silent(
    processes: Sequence[RecordedProcess],
    strangers: Sequence[SampledProcess],
    starts: Sequence[_Start],
    ran: ProgramRun,
) -> list[ProcessRecord]:
    """Return the processes that recorded nothing: seen from outside, or known to their parent."""
    left = list(starts)
    found = []
    for process in strangers:
        start = _started_as(process, left)
        if start is not None:
            left.remove(start)
        found.append(_stranger(process, ran, start))
    known = {pid: (at, code) for one in processes for pid, code, at in one.child_exits}
    return found + [_unheard(one, known) for one in left]


def process_records(
    processes: Sequence[RecordedProcess], ran: ProgramRun
) -> tuple[ProcessRecord, ...]:
    """
    Return every process of a program, the main one first, then as they began.

    Args:
        processes: What recorded itself.
        ran: The program's life, with what the sampler saw.
    """
    starts = _starts(processes)
    members: list[ProcessRecord] = []
    matched: set[Key] = set()
    heard: set[Event] = set()
    for traced in processes:
        seen, start = _seen_of(traced, ran.seen.processes), _start_of(traced, starts)
        if seen is not None:
            matched.add(seen.key)
        if start is not None:
            heard.add(start.moment)
        members.append(_member(traced, seen, start, ran))
    silent = [one for known in starts.values() for one in known if one.moment not in heard]
    strangers = [
        process for process in ran.seen.processes if process.key not in matched and process.points
    ]
    members += _silent(processes, strangers, silent, ran)
    members.sort(key=lambda process: (process.role is not Role.MAIN, process.begin_ns))
    exits = _exits(processes)
    return tuple(
        process._replace(
            number=number,
            exit_code=_exit_code(process, exits, ran),
            known_totals=total_by_state(process.spans),
        )
        for number, process in enumerate(members, start=1)
    )
