"""Pools of a program with what their parts cost, from what was recorded."""

from __future__ import annotations

from statistics import mean, median
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.whatif.model import Cost, Pool
from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import ProcessRecord, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpbench.analysis.whatif.costs import Costs
    from mpbench.analysis.whatif.job_records import JobRecords, RecordedChunk
    from mpbench.profiling.event_files import Event, RecordedProcess

__all__ = ("Creation", "PoolRecords")

# With fewer chunks, what one costs is taken from this machine's costs: the sampler sees CPU time
# a few times in a second.
_MANY_CHUNKS = 1_000
# Chunks whose messages are larger are moved for longer than they are handed over.
_LARGE_BYTES = 16_384
# Without measured costs: a chunk of nothing on current machines, in seconds.
_HAND_S, _TAKE_S = 40e-6, 30e-6
_TYPES = ("Pool", "ProcessPoolExecutor")


class Creation(NamedTuple):
    """When a pool was made, and the part of that which was not the start of workers."""

    begin_ns: int
    end_ns: int
    rest_ns: int


class _Worker(NamedTuple):
    """A worker: its start, what it did before its loop, and all of its CPU time."""

    process: ProcessRecord
    start: Event
    boot: Cost
    main_import_s: float
    loop_cpu_s: float
    events: int


def _worker(process: ProcessRecord) -> _Worker | None:
    """Return what is known of a pool's worker; None where it began no loop."""
    traced, start = process.traced, process.start_event
    lane = None if traced is None else traced.main
    if traced is None or lane is None or start is None:
        return None
    events = (*lane.events, *lane.unfinished)
    loop = next((event.start_ns for event in events if event.kind == kinds.WORKER), None)
    if loop is None:
        return None
    wall_s = max(0.0, (loop - start.start_ns) / 1e9)
    cpu_s = min(wall_s, traced.boot_cpu_ns / 1e9 or wall_s)
    hook_s = min(cpu_s, traced.hook_load_ns / 1e9)
    imports = sum(event.duration_ns for event in events if event.kind == kinds.IMPORT_MAIN) / 1e9
    return _Worker(
        process,
        start,
        Cost(cpu_s - hook_s, 0.0, hook_s, max(0.0, (loop - start.end_ns) / 1e9 - cpu_s)),
        imports * min(1.0, cpu_s / wall_s) if wall_s else 0.0,
        max(0.0, process.cpu_ns / 1e9 - cpu_s),
        sum(total.times for total in traced.totals),
    )


def _average(costs: Sequence[Cost]) -> Cost:
    return Cost(*(mean(parts) for parts in zip(*costs, strict=True))) if costs else Cost(0.0)


class PoolRecords:
    """
    The pools of the first process.

    Args:
        main: It.
        members: All processes.
        jobs: The jobs of its pools.
        methods: The start method of each child by its number.
        costs: What operations cost on this machine; None where it was not measured.
        event_s: What recording one event costs.
    """

    def __init__(
        self,
        main: ProcessRecord,
        members: Iterable[ProcessRecord],
        jobs: JobRecords,
        methods: Mapping[int, str],
        costs: Costs | None,
        event_s: float,
    ) -> None:
        self.pools: dict[int, Pool] = {}
        self.creations: dict[int, Creation] = {}
        self.workers: set[int] = set()
        self.problem = ""
        self._main, self._jobs, self._costs, self._event_s = main, jobs, costs, event_s
        self._methods = methods
        traced = main.traced
        if traced is None:
            return
        made = {
            number: thing
            for number, thing in traced.objects.items()
            if thing.type_name in _TYPES and "made_ns" in thing.facts
        }
        others = [one for one in traced.objects.values() if one.type_name not in _TYPES]
        if any("workers" in event.facts for event in others):
            self.problem = "the tasks of its pools of threads are not recorded"
        found: dict[int, list[_Worker]] = {number: [] for number in made}
        times = sorted((int(thing.facts["made_ns"]), number) for number, thing in made.items())
        for process in members:
            if process.role is not Role.WORKER or process.traced is None:
                continue
            if process.traced.role not in {"pool worker", "executor worker"}:
                continue
            self.workers.add(process.number)
            worker = _worker(process)
            number = self._owner(process, times, traced)
            if worker is not None and number is not None:
                found[number].append(worker)
        for number in made:
            self._make(number, traced, found[number])

    def _owner(
        self,
        process: ProcessRecord,
        times: Sequence[tuple[int, int]],
        traced: RecordedProcess,
    ) -> int | None:
        """Return the pool of a worker: by its tasks, else by the moment of its start."""
        for number, chunks in self._jobs.chunks.items():
            if any(chunk.process == process.number for chunk in chunks):
                return self._jobs.jobs[number].pool
        is_executor = process.traced is not None and process.traced.role == "executor worker"
        fitting = [
            (made, number)
            for made, number in times
            if ("Executor" in traced.objects[number].type_name) is is_executor
        ]
        if is_executor:
            before = [number for made, number in fitting if made <= process.begin_ns]
            return before[-1] if before else None
        # A Pool's workers are started while it is made; those of later ones replace others.
        after = [number for made, number in fitting if made >= process.begin_ns]
        return after[0] if after else (fitting[-1][1] if fitting else None)

    def _make(self, number: int, traced: RecordedProcess, workers: Sequence[_Worker]) -> None:
        thing = traced.objects[number]
        is_executor = "Executor" in thing.type_name
        made_ns = int(thing.facts["made_ns"])
        if not workers:
            self.problem = self.problem or "a pool has no worker that was recorded"
            return
        first = min(worker.start.start_ns for worker in workers)
        starting = [worker.start for worker in workers if worker.start.start_ns < made_ns]
        if is_executor:
            self.creations[number] = Creation(made_ns, made_ns, 0)
        else:
            spent = sum(one.duration_ns for one in starting)
            rest = max(0, made_ns - first - spent)
            self.creations[number] = Creation(first, made_ns, rest)
        chunks = [
            chunk
            for job, own in self._jobs.chunks.items()
            if self._jobs.jobs[job].pool == number
            for chunk in own
        ]
        chunk_bytes = self._bytes(traced, number, len(chunks))
        hand, take = self._handing(workers, chunks)
        hand_payload, take_payload = self._payload(chunk_bytes)
        numbers = [worker.process.number for worker in workers]
        method = next((self._methods[one] for one in numbers if one in self._methods), "")
        self.pools[number] = Pool(
            workers=int(thing.facts["workers"]),
            method=method,
            start=Cost(median(worker.start.duration_ns for worker in workers) / 1e9),
            boot=_average([worker.boot for worker in workers]),
            main_import=Cost(mean(worker.main_import_s for worker in workers)),
            hand=hand.plus(hand_payload) if len(chunks) < _MANY_CHUNKS else hand,
            take=take.plus(take_payload) if len(chunks) < _MANY_CHUNKS else take,
            hand_payload=hand_payload,
            take_payload=take_payload,
            chunk_bytes=chunk_bytes,
            max_tasks=int(thing.facts.get("max_tasks", 0)),
            on_demand=is_executor,
            is_executor=is_executor,
            place=thing.label,
        )

    def last_ns(self, number: int) -> int:
        """Return when the last chunk of a pool was done; 0 without any."""
        return max(
            (
                chunk.end_ns
                for job, own in self._jobs.chunks.items()
                if self._jobs.jobs[job].pool == number
                for chunk in own
            ),
            default=0,
        )

    def _bytes(self, traced: RecordedProcess, number: int, chunks: int) -> float:
        """Return the bytes that one chunk and its result bring."""
        label = traced.objects[number].label
        queues = {
            other
            for other, thing in traced.objects.items()
            if thing.label == label and thing.type_name.endswith((" tasks", " results"))
        }
        moved = sum(
            event.value
            for lane in traced.threads
            for event in lane.events
            if event.kind in {kinds.SEND, kinds.RECV} and event.object in queues
        )
        return moved / chunks if chunks else 0.0

    def _handing(
        self, workers: Sequence[_Worker], chunks: Sequence[RecordedChunk]
    ) -> tuple[Cost, Cost]:
        """Return what a chunk costs the parent and a worker beside its calls."""
        count = len(chunks)
        costs = self._costs
        hand = Cost(_HAND_S if costs is None else costs.hand.value)
        take = Cost(_TAKE_S if costs is None else costs.take.value)
        main = self._main.traced
        events = (
            0
            if main is None
            else sum(len(lane.events) for lane in main.threads if not lane.is_main)
        )
        hand_profiler = events * self._event_s / count if count else 0.0
        take_profiler = (
            sum(worker.events for worker in workers) * self._event_s / count if count else 0.0
        )
        if count >= _MANY_CHUNKS:
            own = sum(item.cpu_s for chunk in chunks for item in chunk.items)
            spent = max(0.0, sum(worker.loop_cpu_s for worker in workers) - own) / count
            take = Cost(max(take.cpu_s / 2, spent - take_profiler))
            queued = sum(
                worker.process.run_queue_ns / 1e9 - worker.boot.queue_s for worker in workers
            )
            queued -= sum(item.queue_s for chunk in chunks for item in chunk.items)
            take = take._replace(queue_s=max(0.0, queued) / count)
            hand = hand._replace(queue_s=self._main.run_queue_ns / 1e9 / count)
            lanes = self._threads_cpu_s()
            if lanes:
                hand = hand._replace(cpu_s=max(hand.cpu_s / 2, lanes / count - hand_profiler))
        return hand._replace(profiler_s=hand_profiler), take._replace(profiler_s=take_profiler)

    def _threads_cpu_s(self) -> float:
        """Return the parent's CPU time while its main thread waited for results."""
        traced = self._main.traced
        lane = None if traced is None else traced.main
        waits = [one for one in (lane.events if lane else ()) if one.kind == kinds.RESULT_WAIT]
        if not waits:
            return 0.0
        begin, end = waits[0].start_ns, waits[-1].end_ns
        total = 0.0
        before = (self._main.begin_ns, 0)
        for point in self._main.snapshots:
            span = max(1, point.at_ns - before[0])
            inside = max(0, min(end, point.at_ns) - max(begin, before[0]))
            total += (point.cpu_ns - before[1]) * inside / span / 1e9
            before = (point.at_ns, point.cpu_ns)
        return total

    def _payload(self, chunk_bytes: float) -> tuple[Cost, Cost]:
        """Return the parts of both that grow with the bytes."""
        if chunk_bytes < _LARGE_BYTES or self._costs is None:
            return Cost(0.0), Cost(0.0)
        parent = self._costs.byte_parent.value * chunk_bytes
        worker = self._costs.byte_worker.value * chunk_bytes
        return Cost(parent), Cost(worker)
