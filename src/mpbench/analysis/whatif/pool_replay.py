"""A pool in the simulation: workers, and the threads of its parent that serve them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

from mpbench.analysis.whatif.simulator import Compute, Request, Signal, Simulation, Sleep, Wait

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mpbench.analysis.whatif.model import AwaitItems, Cost, Job, Program

__all__ = ("PoolHost", "SimulatedPool")

# What the kernel keeps in a pipe that nobody reads; Linux, pipe(7).
_PIPE_BYTES = 65_536
# A small message takes this much of it at least.
_SMALL_BYTES = 256
# More chunks of a job are replayed several at a time.
_MOST_CHUNKS = 200


class PoolHost(Protocol):
    """The replay that a pool is in."""

    program: Program
    simulation: Simulation
    with_profiler: bool

    def spend(self, cost: Cost) -> Iterator[Request]:
        """Spend a cost."""

    def serve(self, process: str, method: str) -> Iterator[Request]:
        """Start the helpers that a start method needs."""


class _Chunk:
    """Calls that travel together; `times` messages stand for one where there are many."""

    __slots__ = ("cpu_s", "first", "idle_s", "job", "queue_s", "size", "times")

    def __init__(self, job: int, first: int, items: Job, size: int, times: int) -> None:
        own = items.items[first : first + size]
        self.job, self.first, self.size, self.times = job, first, len(own), times
        self.cpu_s = sum(item.cpu_s for item in own)
        self.idle_s = sum(item.idle_s for item in own)
        self.queue_s = sum(item.queue_s for item in own)


class _JobState:
    """Which calls of a job are done."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.ends: dict[int, int] = {}
        self.in_order = 0
        self.signal = Signal()

    def finish(self, chunk: _Chunk) -> None:
        """Note that a chunk is done."""
        self.done += chunk.size
        self.ends[chunk.first] = chunk.first + chunk.size
        while self.in_order in self.ends:
            self.in_order = self.ends.pop(self.in_order)

    def has(self, op: AwaitItems) -> bool:
        """Tell whether what is waited for is done."""
        count = self.total if op.calls is None else min(op.calls, self.total)
        return (self.in_order if op.in_order else self.done) >= count


class SimulatedPool:
    """
    A pool.

    Args:
        host: The replay.
        parent: The process that made it.
        number: Its number in the program.
    """

    def __init__(self, host: PoolHost, parent: str, number: int) -> None:
        self._host, self._parent, self._number = host, parent, number
        self._pool = host.program.pools[number]
        self._waiting: deque[_Chunk] = deque()
        self._tasks: deque[_Chunk] = deque()
        self._results: deque[_Chunk] = deque()
        self._submitted, self._given, self._taken, self._done = (Signal() for _ in range(4))
        self._to_replace = 0
        self._leaving = Signal()
        self._jobs: dict[int, _JobState] = {}
        self._is_closed = False
        self._workers = 0
        for steps in (self._hand_over(), self._take_back(), self._replace()):
            host.simulation.spawn(parent, steps)

    def open(self) -> Iterator[Request]:
        """Start the workers, unless they are started on demand."""
        if not self._pool.on_demand:
            yield from self._start(self._pool.workers)

    def _start(self, count: int) -> Iterator[Request]:
        for _ in range(max(0, count)):
            yield from self._host.serve(self._parent, self._pool.method)
            yield from self._host.spend(self._pool.start)
            self._workers += 1
            name = f"worker {self._workers} of {self._number}"
            self._host.simulation.spawn(name, self._work())

    def submit(self, number: int) -> Iterator[Request]:
        """Take a job."""
        job = self._host.program.jobs[number]
        size = max(1, job.chunk_size)
        messages = -(-len(job.items) // size)
        times = max(1, -(-messages // _MOST_CHUNKS))
        if self._pool.max_tasks:
            times = min(times, self._pool.max_tasks)
        self._jobs[number] = _JobState(len(job.items))
        for first in range(0, len(job.items), size * times):
            left = len(job.items) - first
            self._waiting.append(
                _Chunk(number, first, job, size * times, min(times, -(-left // size)))
            )
        self._host.simulation.give(self._submitted)
        if self._pool.on_demand:
            yield from self._start(min(self._pool.workers, messages) - self._workers)

    def await_items(self, op: AwaitItems) -> Iterator[Request]:
        """Wait for calls of a job."""
        state = self._jobs[op.job]
        while not state.has(op):
            yield Wait(state.signal)

    def close(self) -> Iterator[Request]:
        """Wait for all jobs; then let the workers and the threads end."""
        for state in self._jobs.values():
            while state.done < state.total:
                yield Wait(state.signal)
        self._is_closed = True
        for signal in (self._submitted, self._given, self._taken, self._done, self._leaving):
            self._host.simulation.give(signal)

    def _is_full(self) -> bool:
        """Tell whether the pipe to the workers is full."""
        times = self._tasks[0].times if self._tasks else 1
        room = self._room() // times
        return len(self._tasks) >= max(1 if times == 1 else self._pool.workers + 1, room)

    def _room(self) -> int:
        """Return how many chunks fit into the pipe to the workers."""
        if self._pool.is_executor:
            # concurrent.futures.process: EXTRA_QUEUED_CALLS beyond the workers.
            return self._pool.workers + 1
        return max(1, int(_PIPE_BYTES / max(self._pool.chunk_bytes, _SMALL_BYTES)))

    def _hand_over(self) -> Generator[Request]:
        """Do what the parent's task thread does."""
        half = self._pool.hand.scaled(0.5)
        while not self._is_closed:
            if not self._waiting:
                yield Wait(self._submitted)
                continue
            if self._is_full():
                yield Wait(self._taken)
                continue
            chunk = self._waiting.popleft()
            yield from self._host.spend(half.scaled(chunk.times))
            self._tasks.append(chunk)
            self._host.simulation.give(self._given)

    def _take_back(self) -> Generator[Request]:
        """Do what the parent's result thread does."""
        half = self._pool.hand.scaled(0.5)
        while not self._is_closed:
            if not self._results:
                yield Wait(self._done)
                continue
            chunk = self._results.popleft()
            yield from self._host.spend(half.scaled(chunk.times))
            state = self._jobs[chunk.job]
            state.finish(chunk)
            self._host.simulation.give(state.signal)

    def _replace(self) -> Generator[Request]:
        """Start a worker for each that has left."""
        while not self._is_closed:
            if not self._to_replace:
                yield Wait(self._leaving)
                continue
            self._to_replace -= 1
            yield from self._start(1)

    def _work(self) -> Generator[Request]:
        """Do what a worker does."""
        yield from self._host.spend(self._pool.boot)
        done = 0
        while True:
            while not self._tasks:
                if self._is_closed:
                    return
                yield Wait(self._given)
            chunk = self._tasks.popleft()
            self._host.simulation.give(self._taken)
            yield from self._host.spend(self._pool.take.scaled(chunk.times))
            yield Compute(chunk.cpu_s)
            yield Sleep(chunk.idle_s + self._host.program.outside * chunk.queue_s)
            self._results.append(chunk)
            self._host.simulation.give(self._done)
            done += chunk.times
            if self._pool.max_tasks and done >= self._pool.max_tasks:
                self._to_replace += 1
                self._host.simulation.give(self._leaving)
                return
