"""Jobs of a program's pools, from what their workers recorded."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.whatif.model import AwaitItems, Item, Job
from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import ProcessRecord, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.profiling.event_files import Event, RecordedProcess
    from mpbench.profiling.metadata_files import JobCall

__all__ = ("JobRecords", "RecordedChunk")

_INDEX = (1 << 32) - 1
# Single jobs that were given one after the other are one job; pauses are the program's own work.
_PAUSE_NS = 2_000_000
_MAPS = {"MapResult", "IMapIterator", "IMapUnorderedIterator", "executor map"}


class RecordedChunk(NamedTuple):
    """One chunk as its worker did it."""

    process: int
    job: int
    number: int
    begin_ns: int
    end_ns: int
    items: tuple[Item, ...]
    is_mapped: bool


class _Place(NamedTuple):
    """Where a recorded job is in the model: its number, and how many calls end with it."""

    job: int
    calls: int | None
    in_order: bool = True
    # Calls that one wait is for, where a job is waited for several times.
    step: int = 0


def _blocked_share(process: ProcessRecord, chunks: Sequence[Event]) -> float:
    """Return the share of the time off the CPU that was not spent waiting for one."""
    off = sum(max(0, chunk.duration_ns - (chunk.value >> 32) * 1000) for chunk in chunks)
    return max(0.0, off - process.run_queue_ns) / off if off else 0.0


def _items(event: Event, durations: Sequence[int], calls: int, blocked: float) -> tuple[Item, ...]:
    """Return the calls of a chunk with their CPU time."""
    times = [float(duration) for duration in durations] or [event.duration_ns / calls] * calls
    total = max(1, sum(times))
    cpu = min(1.0, (event.value >> 32) * 1000 / max(1, event.duration_ns))
    # The loop around the calls is theirs as well.
    scale = event.duration_ns / total / 1e9
    idle, queue = (1 - cpu) * blocked, (1 - cpu) * (1 - blocked)
    return tuple(Item(*(time * scale * part for part in (cpu, idle, queue))) for time in times)


def _chunks(process: ProcessRecord, traced: RecordedProcess) -> Iterator[RecordedChunk]:
    """Yield the chunks of one worker."""
    lane = traced.main
    tasks = [one for one in (lane.events if lane else ()) if one.kind == kinds.TASK]
    at, blocked = 0, _blocked_share(process, traced.chunks)
    for event in traced.chunks:
        while at < len(tasks) and tasks[at].start_ns < event.start_ns:
            at += 1
        is_mapped = at < len(tasks) and tasks[at].start_ns <= event.end_ns
        calls = max(1, tasks[at].value) if is_mapped else 1
        durations = traced.call_times.get(event.start_ns, ())
        yield RecordedChunk(
            process.number,
            event.object,
            event.value & _INDEX,
            event.start_ns,
            event.end_ns,
            _items(event, durations, calls, blocked),
            is_mapped,
        )


class JobRecords:
    """
    The jobs that the first process gave to its pools.

    Args:
        members: The program's processes.
    """

    def __init__(self, members: Iterable[ProcessRecord]) -> None:
        members = tuple(members)
        self.jobs: dict[int, Job] = {}
        self.problem = ""
        # Where main gave a job: the moment, and its number in the model.
        self.submits: list[tuple[int, int]] = []
        self.chunks: dict[int, list[RecordedChunk]] = defaultdict(list)
        self._places: dict[tuple[int, int], _Place] = {}
        self._waits: dict[int, int] = defaultdict(int)
        main = next((process for process in members if process.role is Role.MAIN), None)
        if main is None or main.traced is None:
            return
        if any(
            process.traced and process.traced.jobs for process in members if process is not main
        ):
            self.problem = "its workers have pools of their own"
            return
        self._read(main.traced, members)

    def _read(self, main: RecordedProcess, members: Sequence[ProcessRecord]) -> None:
        calls: dict[int, list[JobCall]] = defaultdict(list)
        for call in main.jobs:
            calls[call.pool].append(call)
        recorded: dict[tuple[bool, int], list[RecordedChunk]] = defaultdict(list)
        for process in members:
            if process.traced is None or not process.traced.chunks:
                continue
            is_executor = process.traced.role == "executor worker"
            for chunk in _chunks(process, process.traced):
                recorded[is_executor, chunk.number if is_executor else chunk.job].append(chunk)
        events = sorted(
            (one for lane in main.threads for one in lane.events if one.kind == kinds.SUBMIT),
            key=lambda thread: thread.start_ns,
        )
        by_pool: dict[int, list[Event]] = defaultdict(list)
        for event in events:
            by_pool[event.object].append(event)
        executors = [number for number in by_pool if "Executor" in main.objects[number].type_name]
        if len(executors) > 1:
            self.problem = "it has several executors, whose tasks bear the same numbers"
            return
        for pool, given in by_pool.items():
            is_executor = pool in executors
            own = {one.value: recorded.get((is_executor, one.value), []) for one in given}
            self._of_pool(pool, given, own, calls[pool])
        self.submits.sort()

    def _of_pool(
        self,
        pool: int,
        given: Sequence[Event],
        chunks: dict[int, list[RecordedChunk]],
        calls: Sequence[JobCall],
    ) -> None:
        """Make the jobs of one pool."""
        by_job = {call.job: call for call in calls if call.made in _MAPS}
        singles = next((call for call in calls if call.made not in _MAPS), None)
        group: list[Event] = []
        current: JobCall | None = None
        for event in given:
            call = by_job.get(event.value, current)
            is_mapped = (
                any(chunk.is_mapped for chunk in chunks[event.value]) or event.value in by_job
            )
            call = call if is_mapped else None
            pause = event.start_ns - group[-1].end_ns if group else 0
            is_executor_map = call is not None and call.made == "executor map" and call is current
            if group and not (is_executor_map or (call is current is None and pause < _PAUSE_NS)):
                self._make(pool, group, chunks, current or singles)
                group = []
            group.append(event)
            current = call
        if group:
            self._make(pool, group, chunks, current or singles)

    def _make(
        self,
        pool: int,
        group: Sequence[Event],
        chunks: dict[int, list[RecordedChunk]],
        call: JobCall | None,
    ) -> None:
        """Make one job of what was given together."""
        number = len(self.jobs) + 1
        own = [chunk for event in group for chunk in sorted(chunks[event.value], key=_index)]
        is_map = call is not None and call.made in _MAPS
        size = max((len(one.items) for one in own), default=1)
        if call is not None and call.made == "MapResult":
            size = max(1, call.chunk_size)
        self.jobs[number] = Job(
            pool=pool,
            items=tuple(item for one in own for item in one.items),
            chunk_size=size,
            has_chunk_size=is_map,
            place="" if call is None else call.place,
        )
        self.submits.append((group[0].start_ns, number))
        self.chunks[number] = own
        self._place(pool, group, number, call, size)

    def _place(
        self, pool: int, group: Sequence[Event], number: int, call: JobCall | None, size: int
    ) -> None:
        if call is not None and call.made == "MapResult":
            self._places[pool, group[0].value] = _Place(number, None)
            return
        if call is not None and "IMap" in call.made:
            in_order = call.made == "IMapIterator"
            self._places[pool, group[0].value] = _Place(number, None, in_order, size)
            return
        for position, event in enumerate(group, start=1):
            self._places[pool, event.value] = _Place(number, position * size)

    def awaited(self, event: Event) -> AwaitItems | None:
        """Return what a wait for a result was for; None where that is not known."""
        place = self._places.get((event.object, event.value - 1)) if event.object else None
        if place is not None:
            if not place.step:
                return AwaitItems(place.job, place.calls, place.in_order)
            self._waits[place.job] += place.step
            return AwaitItems(place.job, self._waits[place.job], place.in_order)
        before = [number for moment, number in self.submits if moment <= event.start_ns]
        if not before:
            return None
        last = before[-1]
        done = sum(len(chunk.items) for chunk in self.chunks[last] if chunk.end_ns <= event.end_ns)
        return AwaitItems(last, done, in_order=False)


def _index(chunk: RecordedChunk) -> int:
    return chunk.number
