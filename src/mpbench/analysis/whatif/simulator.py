"""Discrete-event simulation of threads on shared CPUs."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Generator, Iterable
from typing import NamedTuple

__all__ = ("Compute", "Request", "Signal", "Simulation", "Sleep", "Steps", "Task", "Wait")

# Work below this is done: sums of floating-point seconds do not end at exactly zero.
_DONE_S = 1e-12
# A replay of more steps would take longer than the program is worth.
_MAX_STEPS = 2_000_000


class Compute(NamedTuple):
    """A request for CPU time."""

    cpu_s: float


class Sleep(NamedTuple):
    """A request to go on later."""

    idle_s: float


class Signal:
    """Something that threads wait for; all of them look again when it is given."""

    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: deque[Task] = deque()


class Wait(NamedTuple):
    """A request to go on when a signal is given."""

    signal: Signal


Request = Compute | Sleep | Wait
Steps = Generator[Request, None, None]


class Task:
    """One simulated thread: what it still does, and the process that it is in."""

    __slots__ = ("has_ended", "left_s", "on_end", "process", "steps")

    def __init__(self, process: str, steps: Steps) -> None:
        self.process = process
        self.steps = steps
        self.left_s = 0.0
        self.has_ended = False
        self.on_end = Signal()


class Simulation:
    """
    Threads that share CPUs equally.

    Processes that have work get equal shares of the CPUs, at most one CPU each: a
    process runs one of its threads at a time, as the interpreter lock has it.

    Args:
        cpus: How many there are.
        slowdown: How much longer work takes when all CPUs are busy.
    """

    def __init__(self, cpus: int, slowdown: float = 1.0) -> None:
        self.now_s = 0.0
        self.run_queue_s = 0.0
        self._cpus, self._slowdown = cpus, slowdown
        self._waiting_share = 0.0
        self._working: list[Task] = []
        self._timers: list[tuple[float, int, Task]] = []
        self._ready: deque[Task] = deque()
        self._number = 0
        self.steps = 0

    def spawn(self, process: str, steps: Steps) -> Task:
        """Add a thread that begins now."""
        task = Task(process, steps)
        self._ready.append(task)
        return task

    def give(self, signal: Signal) -> None:
        """Let all who wait for a signal go on."""
        self._ready.extend(signal.waiting)
        signal.waiting.clear()

    def _resume(self, task: Task) -> None:
        """Let a thread go on to its next request that takes time."""
        while True:
            self.steps += 1
            request = next(task.steps, None)
            if request is None:
                task.has_ended = True
                self.give(task.on_end)
                return
            if isinstance(request, Compute):
                if request.cpu_s <= _DONE_S:
                    continue
                task.left_s = request.cpu_s
                self._working.append(task)
            elif isinstance(request, Sleep):
                if request.idle_s <= _DONE_S:
                    continue
                self._number += 1
                heapq.heappush(self._timers, (self.now_s + request.idle_s, self._number, task))
            else:
                request.signal.waiting.append(task)
            return

    def _rates(self) -> dict[str, float]:
        """Return how fast the threads of each process work."""
        threads = Counter(task.process for task in self._working)
        wanting = len(threads)
        share = min(1.0, self._cpus / wanting) if wanting else 1.0
        busy = min(1.0, (wanting - 1) / (self._cpus - 1)) if self._cpus > 1 else 0.0
        speed = share / (1 + (self._slowdown - 1) * max(0.0, busy))
        self._waiting_share = (1 - share) * len(threads)
        return {process: speed / count for process, count in threads.items()}

    def _advance(self) -> bool:
        """Move to the next moment at which a thread goes on; say whether there is one."""
        self.steps += 1
        rates = self._rates()
        step = min((task.left_s / rates[task.process] for task in self._working), default=None)
        timer = self._timers[0][0] - self.now_s if self._timers else None
        if step is None and timer is None:
            return False
        passed = min(one for one in (step, timer) if one is not None)
        self.now_s += passed
        self.run_queue_s += passed * self._waiting_share
        for task in self._working:
            task.left_s -= passed * rates[task.process]
        done = [task for task in self._working if task.left_s <= _DONE_S]
        if done:
            self._working = [task for task in self._working if task.left_s > _DONE_S]
            self._ready.extend(done)
        while self._timers and self._timers[0][0] <= self.now_s + _DONE_S:
            self._ready.append(heapq.heappop(self._timers)[2])
        return True

    def run(self, until: Iterable[Task]) -> bool:
        """
        Run until some threads have ended; return whether they have.

        They have not where all others wait for each other, or after too many steps.
        """
        last = tuple(until)
        while self.steps < _MAX_STEPS:
            while self._ready:
                self._resume(self._ready.popleft())
            if all(task.has_ended for task in last):
                return True
            if not self._advance():
                return False
        return False
