"""Tasks of workers: their number, durations and chunks."""

from __future__ import annotations

import signal
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import Role

if TYPE_CHECKING:
    from mpbench.profiling.event_files import Event, ThreadEvents
    from mpbench.profiling.metadata_files import LongTask
    from mpbench.profiling.processes import ProcessRecord

__all__ = (
    "Chunk",
    "NamedTask",
    "Tasks",
    "WorkerTasks",
    "lost_tasks",
    "tasks_of",
    "was_told_to_end",
)

_EVER_NS = 1 << 63
# Long tasks that are named.
_MOST_LONGEST = 10


class Chunk(NamedTuple):
    """What one message brought: when it was begun, its own time, and its number of calls."""

    begin_ns: int
    own_ns: int
    calls: int


class WorkerTasks(NamedTuple):
    """The chunks of one worker, in the order in which it did them."""

    process: int
    name: str
    chunks: tuple[Chunk, ...]

    @property
    def end_ns(self) -> int:
        """When its last chunk was done."""
        return max((chunk.begin_ns + chunk.own_ns for chunk in self.chunks), default=0)


class NamedTask(NamedTuple):
    """A long task with the worker that did it."""

    worker: str
    task: LongTask


class Tasks(NamedTuple):
    """
    What workers were given.

    A chunk is what one message brings; it holds several calls where a pool's
    map was given a chunk size. `of_pools` says that a pool or an executor made them,
    whose chunk size can be chosen.
    """

    chunks: int
    calls: int
    chunk_ns: int
    longest_ns: int
    of_pools: bool = False
    workers: tuple[WorkerTasks, ...] = ()
    longest: tuple[NamedTask, ...] = ()

    @property
    def calls_in_chunk(self) -> float:
        """Calls in one chunk, on average."""
        return self.calls / self.chunks if self.chunks else 0.0

    @property
    def call_ns(self) -> float:
        """A typical call: the median chunk's time for each of its calls."""
        return self.chunk_ns / self.calls_in_chunk if self.calls else 0.0

    @property
    def own_ns(self) -> int:
        """The time of all tasks together."""
        return sum(chunk.own_ns for worker in self.workers for chunk in worker.chunks)

    @property
    def idle_tail_ns(self) -> int:
        """The time of all workers between their last task and the last of all."""
        ends = [worker.end_ns for worker in self.workers]
        return sum(max(ends) - end for end in ends) if ends else 0

    @property
    def at_once(self) -> float:
        """How many tasks were in work at once on average, while there was any."""
        spans = sorted(
            (chunk.begin_ns, chunk.begin_ns + chunk.own_ns)
            for worker in self.workers
            for chunk in worker.chunks
        )
        covered = last = 0
        for begin, end in spans:
            covered += max(0, end - max(begin, last))
            last = max(last, end)
        return self.own_ns / covered if covered else 0.0


class _Cursor:
    """Events of one kind in the order of their beginning, taken as far as a moment."""

    def __init__(self, lane: ThreadEvents, kind: int) -> None:
        self._moments = [event for event in lane.events if event.kind == kind]
        self._at = 0

    def within(self, begin_ns: int, end_ns: int) -> list[Event]:
        """Return the events that began between two moments; later calls ask for later ones."""
        found = []
        while self._at < len(self._moments) and self._moments[self._at].start_ns < end_ns:
            one = self._moments[self._at]
            if one.start_ns >= begin_ns:
                found.append(one)
            self._at += 1
        return found


class _Asked(NamedTuple):
    """
    What a worker asked its queue for.

    `gets` are outermost calls in order, `answered` those that brought something.
    """

    gets: tuple[Event, ...]
    answered: tuple[Event, ...]


def _asked(lane: ThreadEvents) -> _Asked:
    """Return the calls of the queue from which a worker got most."""
    moments = sorted(
        (*lane.events, *lane.unfinished), key=lambda event: (event.start_ns, -event.end_ns)
    )
    outer: list[Event] = []
    for event in moments:
        # A subclass's get calls its parent's.
        if event.kind == kinds.GET and not (outer and event.start_ns < outer[-1].end_ns):
            outer.append(event)
    counts = Counter(one.object for one in outer if one.value)
    if not counts:
        return _Asked((), ())
    thing = counts.most_common(1)[0][0]
    gets = tuple(one for one in outer if one.object == thing)
    return _Asked(gets, tuple(get for get in gets if get.value))


def _spans(lane: ThreadEvents, asked: _Asked) -> Iterator[tuple[int, int, bool]]:
    """Yield when each thing that was got was worked on, and whether it is the last one."""
    starts = [get.start_ns for get in asked.gets]
    # The loop of a pool or an executor ends with a word to stop, or is ended.
    is_pools = any(event.kind == kinds.WORKER for event in (*lane.events, *lane.unfinished))
    ends = () if is_pools else (event.end_ns for event in lane.events if event.kind == kinds.RUN)
    end = max(ends, default=0)
    for one in asked.answered:
        following = bisect_left(starts, one.end_ns)
        if following < len(starts):
            yield one.end_ns, starts[following], False
        elif end > one.end_ns:
            yield one.end_ns, end, True


def _is_usual(spent_ns: int, chunks: Sequence[Chunk]) -> bool:
    """Tell whether a time is at least half of the median of a worker's chunks."""
    return bool(chunks) and 2 * spent_ns >= median(chunk.own_ns for chunk in chunks)


def _chunks(lane: ThreadEvents) -> list[Chunk]:
    """
    Return the chunks that a worker did.

    A chunk is done between one answer of a queue and the next question to the
    same queue, without the time in which its result was handed back or other queues
    were asked. Chunks of a pool's or an executor's map are events of their own, and
    say how many calls they hold. What was got last was work, and no word to stop, if
    something was handed back or it took about as long as the others.
    """
    asked = _asked(lane)
    mapped, given, others = (_Cursor(lane, kind) for kind in (kinds.TASK, kinds.PUT, kinds.GET))
    found: list[Chunk] = []
    for begin, end, is_last in _spans(lane, asked):
        known = mapped.within(begin, end)
        handing = given.within(begin, end)
        # A worker may go on to do something else after its last one.
        until = handing[-1].end_ns if is_last and handing else end
        elsewhere = [*handing, *others.within(begin, until)]
        spent = max(0, until - begin - sum(one.duration_ns for one in elsewhere))
        if known:
            found += [Chunk(one.start_ns, one.duration_ns, one.value) for one in known]
        elif not is_last or handing or _is_usual(spent, found):
            found.append(Chunk(begin, spent, 1))
    # The last one of a worker that was ended in the middle, or has a queue of its own kind.
    rest = mapped.within(0, _EVER_NS)
    return found + [Chunk(one.start_ns, one.duration_ns, one.value) for one in rest]


def tasks_of(members: Iterable[ProcessRecord]) -> Tasks | None:
    """Return the tasks of all workers; None when they took none from a queue or pool."""
    workers, lanes, longest = [], [], []
    for process in members:
        lane = None if process.traced is None else process.traced.main
        if process.role is not Role.WORKER or process.traced is None or lane is None:
            continue
        lanes.append(lane)
        workers.append(WorkerTasks(process.number, process.name, tuple(_chunks(lane))))
        longest += [NamedTask(process.name, task) for task in process.traced.long_tasks]
    workers = [worker for worker in workers if worker.chunks]
    times = [chunk.own_ns for worker in workers for chunk in worker.chunks]
    if not times:
        return None
    return Tasks(
        chunks=len(times),
        calls=sum(chunk.calls for worker in workers for chunk in worker.chunks),
        chunk_ns=round(median(times)),
        longest_ns=max(times),
        of_pools=any(event.kind == kinds.TASK for lane in lanes for event in lane.events),
        workers=tuple(workers),
        longest=tuple(sorted(longest, key=lambda named: -named.task.duration_ns)[:_MOST_LONGEST]),
    )


def was_told_to_end(process: ProcessRecord) -> bool:
    """Return whether a pool has just ended its worker, as pools do."""
    is_pools = "pool worker" in process.detail or "PoolWorker" in process.name
    return process.exit_code == -signal.SIGTERM and is_pools


def lost_tasks(processes: Sequence[ProcessRecord]) -> list[ProcessRecord]:
    """Return the workers that were killed while they did a task of a pool or an executor."""
    lost = []
    for process in processes:
        thread = None if process.traced is None else process.traced.main
        was_killed = process.exit_code is not None and process.exit_code < 0
        if thread is None or not was_killed or was_told_to_end(process):
            continue
        begun = {event.kind for event in thread.unfinished}
        if kinds.WORKER in begun and not begun & {kinds.GET, kinds.PUT}:
            lost.append(process)
    return lost
