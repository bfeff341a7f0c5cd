"""A recorded main thread as operations that can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.whatif.model import (
    Acquire,
    ClosePool,
    Cost,
    Join,
    MakePool,
    Op,
    Receive,
    Release,
    Send,
    Start,
    Submit,
    Work,
)
from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mpbench.analysis.whatif.job_records import JobRecords
    from mpbench.analysis.whatif.pool_records import PoolRecords
    from mpbench.profiling.event_files import Event, RecordedProcess
    from mpbench.profiling.processes import ProcessRecord
    from mpbench.profiling.profile import Profile

__all__ = ("Timeline", "Use")

# Between two looks of the sampler CPU time is known; shorter work has its process's share.
_LONG_NS = 150_000_000
# Whatever the profiler costs, half of a program's work is its own.
_MOST_PROFILER = 0.5
_WAITS = {kinds.LOCK_WAIT, kinds.RECV_WAIT, kinds.SEND_WAIT}
# Work that is not the program's own code.
_OWN = {kinds.IMPORT, kinds.IMPORT_MAIN, kinds.EXIT}
_MESSAGES = {kinds.GET, kinds.RECV, kinds.PUT, kinds.SEND}
_UNKNOWN = {kinds.SYNC_WAIT, kinds.POLL, kinds.CALL, kinds.MANAGER_START}


class Use(NamedTuple):
    """CPU time of a process, and how long it waited for one; in seconds."""

    cpu_s: float
    run_queue_s: float


class _Part(NamedTuple):
    """A part of a thread's time: operations that stand for it, and whether it is serial work."""

    start_ns: int
    end_ns: int
    ops: tuple[Op, ...]
    # Work that stays work: imports, moving of data.
    work_ns: int = 0


class _Piece(NamedTuple):
    """Work between two operations, or an operation."""

    op: Op | None
    start_ns: int = 0
    end_ns: int = 0
    is_serial: bool = False

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns


def _at(process: ProcessRecord, moment_ns: int) -> Use:
    """Return what a process had used at a moment, between what was seen before and after."""
    before = (process.begin_ns, 0, 0)
    for point in process.snapshots:
        after = (point.at_ns, point.cpu_ns, point.delay_ns)
        if point.at_ns >= moment_ns:
            span = max(1, after[0] - before[0])
            part = min(1.0, max(0.0, (moment_ns - before[0]) / span))
            cpu, delay = (before[i] + part * max(0, after[i] - before[i]) for i in (1, 2))
            return Use(cpu / 1e9, delay / 1e9)
        before = after
    return Use(before[1] / 1e9, before[2] / 1e9)


def _inside(event: Event, later: Sequence[Event]) -> tuple[int, int]:
    """Return how long a call waited, and how many bytes it moved, by the events inside it."""
    waited = moved = 0
    for inner in later:
        if inner.start_ns >= event.end_ns:
            break
        if inner.kind in _WAITS:
            waited += inner.duration_ns
        if inner.kind in {kinds.SEND, kinds.PICKLE}:
            moved = max(moved, inner.value)
    return waited, moved


class Timeline:
    """
    Turns recorded threads into operations.

    Args:
        profile: What was recorded.
        main: The first process.
        pools: Its pools.
        jobs: Their jobs.
    """

    def __init__(
        self, profile: Profile, main: ProcessRecord, pools: PoolRecords, jobs: JobRecords
    ) -> None:
        self._event_s = profile.event_ns / 1e9
        self._main, self._pools, self._jobs = main, pools, jobs
        self._children: Mapping[int, str] = {}
        self._closed: set[int] = set()
        self.unknown_s = 0.0
        self.problem = ""
        traced = [process.traced for process in profile.members if process.traced is not None]
        self._sent = {
            recorded.objects[event.object].key
            for recorded in traced
            for lane in recorded.threads
            for event in lane.events
            if event.kind in {kinds.PUT, kinds.SEND} and event.object in recorded.objects
        }
        self._held = {
            recorded.objects[hold.object].key
            for recorded in traced
            for hold in recorded.holds
            if hold.object in recorded.objects
        }

    def name_children(self, names: Mapping[int, str]) -> None:
        """Say which process has which script."""
        self._children = names

    def ops(
        self, process: ProcessRecord, begin_ns: int, end_ns: int, use: Use | None
    ) -> tuple[Op, ...]:
        """
        Return what a process's main thread did between two moments.

        Args:
            process: The process.
            begin_ns: From here.
            end_ns: To here.
            use: Its CPU time in between; None where it is to be worked out.
        """
        traced = process.traced
        if traced is None:
            return (Work(Cost(0.0, (end_ns - begin_ns) / 1e9)),)
        pieces = list(self._pieces(process, traced, begin_ns, end_ns))
        return tuple(self._costed(process, traced, pieces, use))

    def _pieces(
        self, process: ProcessRecord, traced: RecordedProcess, begin_ns: int, end_ns: int
    ) -> Iterator[_Piece]:
        """Yield work and operations in their order."""
        is_main = process.role is Role.MAIN
        at = begin_ns
        for part in self._parts(process, traced):
            # What lies in another part, such as the start of a pool's worker, is a part of that.
            is_covered = part.end_ns <= at and not part.ops
            if part.end_ns <= begin_ns or part.start_ns >= end_ns or is_covered:
                continue
            if part.start_ns > at:
                yield _Piece(None, at, part.start_ns, is_main and at >= traced.born_ns)
            yield from (_Piece(op) for op in part.ops)
            end = max(at, part.end_ns)
            if part.work_ns:
                yield _Piece(None, max(at, part.end_ns - part.work_ns), end)
            at = end
        if end_ns > at:
            yield _Piece(None, at, end_ns, is_main)

    def _parts(self, process: ProcessRecord, traced: RecordedProcess) -> list[_Part]:
        """Return the parts of a thread's time that stand for something, in their order."""
        lane = traced.main
        events = lane.events if lane is not None else ()
        parts: list[_Part] = []
        is_main = process.role is Role.MAIN
        if is_main:
            parts += [
                _Part(made.begin_ns, made.end_ns, (MakePool(number),), made.rest_ns)
                for number, made in self._pools.creations.items()
            ]
            parts += [_Part(at, at, (Submit(number),)) for at, number in self._jobs.submits]
        for hold in traced.holds:
            thing = traced.objects.get(hold.object)
            if thing is not None and not thing.facts.get("owner"):
                parts.append(_Part(hold.start_ns, hold.start_ns, (Acquire(thing.key),)))
                parts.append(_Part(hold.end_ns, hold.end_ns, (Release(thing.key),)))
        covered = 0
        for number, event in enumerate(events):
            if event.start_ns < covered:
                continue
            part = self._part(process, traced, event, events[number + 1 :])
            if part is not None:
                parts.append(part)
                covered = event.end_ns
        return sorted(parts, key=lambda one: (one.start_ns, one.end_ns))

    def _part(
        self,
        process: ProcessRecord,
        traced: RecordedProcess,
        event: Event,
        later: Sequence[Event],
    ) -> _Part | None:
        """Return what an event stands for; None where it is a part of the program's work."""
        kind = event.kind
        if kind in _OWN:
            return _Part(event.start_ns, event.end_ns, (), event.duration_ns)
        if kind == kinds.START:
            return self._start(event)
        if kind == kinds.RESULT_WAIT:
            wait = self._jobs.awaited(event) if process.role is Role.MAIN else None
            return self._unknown(event) if wait is None else _Part(*event[:2], (wait,))
        if kind in _MESSAGES:
            return self._message(traced, event, later)
        return self._wait(traced, event)

    def _wait(self, traced: RecordedProcess, event: Event) -> _Part | None:
        """Return what a wait for another process, or for a lock, stands for."""
        if event.kind == kinds.JOIN:
            return self._join(traced, event)
        if event.kind == kinds.LOCK_WAIT:
            thing = traced.objects.get(event.object)
            if thing is not None and thing.key in self._held:
                # It is waited for again, where the operation asks for it.
                return _Part(event.start_ns, event.end_ns, ())
            return self._unknown(event)
        return self._unknown(event) if event.kind in _UNKNOWN else None

    def _start(self, event: Event) -> _Part:
        """Return the start of a process; those of pools start their workers themselves."""
        name = self._children.get(event.value)
        ops = () if name is None else (Start(name, Cost(event.duration_ns / 1e9)),)
        return _Part(event.start_ns, event.end_ns, ops)

    def _unknown(self, event: Event) -> _Part:
        """Return a wait whose cause is not known: it takes as long as it did."""
        seconds = event.duration_ns / 1e9
        self.unknown_s += seconds
        return _Part(event.start_ns, event.end_ns, (Work(Cost(0.0, seconds)),))

    def _join(self, traced: RecordedProcess, event: Event) -> _Part:
        number = event.object
        if number in self._pools.pools and traced is self._main.traced:
            begin = max(event.start_ns, self._pools.last_ns(number))
            cost = Cost(0.0, max(0, event.end_ns - begin) / 1e9)
            if number in self._closed:
                cost = Cost(0.0, event.duration_ns / 1e9)
                return _Part(event.start_ns, event.end_ns, (Work(cost),))
            self._closed.add(number)
            return _Part(event.start_ns, event.end_ns, (ClosePool(number, cost),))
        name = self._children.get(event.value)
        if name is None:
            return self._unknown(event)
        return _Part(event.start_ns, event.end_ns, (Join(name),))

    def _message(
        self, traced: RecordedProcess, event: Event, later: Sequence[Event]
    ) -> _Part | None:
        thing = traced.objects.get(event.object)
        if thing is None:
            return self._unknown(event) if event.kind in {kinds.GET, kinds.RECV} else None
        waited, moved = _inside(event, later)
        cost = Cost(max(0, event.duration_ns - waited) / 1e9)
        if event.kind in {kinds.PUT, kinds.SEND}:
            key = thing.key
            if event.kind == kinds.SEND:
                key = str(thing.facts.get("peer") or key)
                moved = event.value
            return _Part(event.start_ns, event.end_ns, (Send(key, cost, moved),))
        if not event.value or thing.key not in self._sent:
            return self._unknown(event)
        return _Part(event.start_ns, event.end_ns, (Receive(thing.key, cost),))

    def _costed(
        self,
        process: ProcessRecord,
        traced: RecordedProcess,
        pieces: Sequence[_Piece],
        use: Use | None,
    ) -> Iterator[Op]:
        """Yield operations with the CPU time of the work between them."""
        work = [one for one in pieces if one.op is None]
        total = max(1e-9, sum(one.duration_ns for one in work) / 1e9)
        lane = traced.main
        events = 0 if lane is None else len(lane.events)
        profiler = min(_MOST_PROFILER, events * self._event_s / total)
        shares = self._shares(process, work, use, total)
        for piece in pieces:
            if piece.op is not None:
                yield piece.op
                continue
            cpu, idle = shares(piece)
            queue = max(0.0, piece.duration_ns / 1e9 - cpu - idle)
            cost = Cost(cpu * (1 - profiler), idle, cpu * profiler, queue)
            yield Work(cost, piece.is_serial)

    def _shares(
        self, process: ProcessRecord, work: Sequence[_Piece], use: Use | None, total: float
    ) -> _Shares:
        if use is not None:
            share = min(1.0, use.cpu_s / total)
            queue = min(1 - share, process.run_queue_ns / 1e9 / total)
            return _Shares(process, share, 1 - share - queue, is_sampled=False)
        spent = process.cpu_ns / 1e9
        for piece in work:
            if piece.duration_ns >= _LONG_NS:
                before, after = _at(process, piece.start_ns), _at(process, piece.end_ns)
                spent -= min(after.cpu_s - before.cpu_s, piece.duration_ns / 1e9)
                total -= piece.duration_ns / 1e9
        # What is not CPU time of a short piece was a wait for one.
        share = min(1.0, max(0.0, spent / total)) if total > 0 else 1.0
        return _Shares(process, share or 1.0, 0.0, is_sampled=True)


class _Shares:
    """CPU time and idle time of a piece of work, in seconds."""

    def __init__(
        self, process: ProcessRecord, cpu: float, idle: float, *, is_sampled: bool
    ) -> None:
        self._process, self._cpu, self._idle = process, cpu, idle
        self._is_sampled = is_sampled

    def __call__(self, piece: _Piece) -> tuple[float, float]:
        """Return both for one piece."""
        seconds = piece.duration_ns / 1e9
        if not self._is_sampled or piece.duration_ns < _LONG_NS:
            return seconds * self._cpu, seconds * self._idle
        before, after = _at(self._process, piece.start_ns), _at(self._process, piece.end_ns)
        cpu = min(seconds, max(0.0, after.cpu_s - before.cpu_s))
        queue = min(seconds - cpu, max(0.0, after.run_queue_s - before.run_queue_s))
        return cpu, seconds - cpu - queue
