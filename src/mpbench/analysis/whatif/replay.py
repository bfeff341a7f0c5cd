"""Replay of a program in the simulation."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.whatif.model import (
    Acquire,
    AwaitItems,
    ClosePool,
    Cost,
    Join,
    MakePool,
    Receive,
    Release,
    Send,
    Start,
    Submit,
    Work,
)
from mpbench.analysis.whatif.pool_replay import SimulatedPool
from mpbench.analysis.whatif.simulator import Compute, Signal, Simulation, Sleep, Task, Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpbench.analysis.whatif.model import Op, Program, Script
    from mpbench.analysis.whatif.simulator import Request, Steps

__all__ = ("Replay", "replay")

MAIN = "main"


class Replay(NamedTuple):
    """
    What a replay came to.

    `seconds` is None where the processes wait for each other for ever.
    """

    seconds: float | None
    run_queue_s: float
    steps: int = 0


class _Lock:
    """A lock that is given to who asked first."""

    def __init__(self) -> None:
        self.queue: deque[object] = deque()
        self.signal = Signal()


class _Channel:
    """Messages on their way."""

    def __init__(self) -> None:
        self.messages = 0
        self.signal = Signal()


class _Run:
    """One replay: the program's objects in the simulation."""

    def __init__(self, program: Program, *, with_profiler: bool) -> None:
        self.program = program
        self.with_profiler = with_profiler
        self.simulation = Simulation(program.cpus, program.slowdown)
        self.locks: dict[str, _Lock] = {}
        self.channels: dict[str, _Channel] = {}
        self.tasks: dict[str, Task] = {}
        self.pools: dict[int, SimulatedPool] = {}
        self.is_served = False

    def spend(self, cost: Cost) -> Iterator[Request]:
        """Spend a cost: first its CPU time, then the rest."""
        yield Compute(cost.cpu_s + (cost.profiler_s if self.with_profiler else 0.0))
        yield Sleep(cost.idle_s + self.program.outside * cost.queue_s)

    def serve(self, process: str, method: str) -> Iterator[Request]:
        """Start the fork server and the resource tracker where a method needs them first."""
        if method in {"", "fork"} or self.is_served:
            return
        self.is_served = True
        self.simulation.spawn(f"helper of {process}", self._once(self.program.helper))
        yield from self.spend(self.program.server)

    def _once(self, cost: Cost) -> Steps:
        yield from self.spend(cost)

    def steps(self, name: str, script: Script) -> Steps:
        """Do what a script says."""
        yield from self.spend(script.boot)
        for op in script.ops:
            yield from self._do(name, op)
        yield from self.spend(script.exit)

    def _do(self, name: str, op: Op) -> Iterator[Request]:
        if isinstance(op, Work):
            yield from self.spend(op.cost)
        elif isinstance(op, Acquire | Release):
            yield from self._lock(name, op)
        elif isinstance(op, Send | Receive):
            yield from self._pass(op)
        elif isinstance(op, Start | Join):
            yield from self._process(name, op)
        else:
            yield from self._use_pool(name, op)

    def _lock(self, name: str, op: Acquire | Release) -> Iterator[Request]:
        lock = self.locks.setdefault(op.lock, _Lock())
        if isinstance(op, Release):
            if lock.queue and lock.queue[0] == name:
                lock.queue.popleft()
            self.simulation.give(lock.signal)
            return
        lock.queue.append(name)
        while lock.queue[0] != name:
            yield Wait(lock.signal)

    def _pass(self, op: Send | Receive) -> Iterator[Request]:
        channel = self.channels.setdefault(op.channel, _Channel())
        if isinstance(op, Send):
            yield from self.spend(op.cost)
            channel.messages += 1
            self.simulation.give(channel.signal)
            return
        while not channel.messages:
            yield Wait(channel.signal)
        channel.messages -= 1
        yield from self.spend(op.cost)

    def _process(self, name: str, op: Start | Join) -> Iterator[Request]:
        if isinstance(op, Start):
            script = self.program.scripts[op.script]
            yield from self.serve(name, script.method)
            yield from self.spend(op.cost)
            steps = self.steps(op.script, script)
            self.tasks[op.script] = self.simulation.spawn(op.script, steps)
            return
        task = self.tasks.get(op.script)
        while task is not None and not task.has_ended:
            yield Wait(task.on_end)

    def _use_pool(
        self, name: str, op: MakePool | Submit | AwaitItems | ClosePool
    ) -> Iterator[Request]:
        if isinstance(op, MakePool):
            pool = SimulatedPool(self, name, op.pool)
            self.pools[op.pool] = pool
            yield from pool.open()
        elif isinstance(op, Submit):
            yield from self.pools[self.program.jobs[op.job].pool].submit(op.job)
        elif isinstance(op, AwaitItems):
            yield from self.pools[self.program.jobs[op.job].pool].await_items(op)
        else:
            yield from self.pools[op.pool].close()
            yield from self.spend(op.cost)


def replay(program: Program, *, with_profiler: bool = False) -> Replay:
    """
    Return how long a program takes, and how long its processes wait for a CPU.

    Args:
        program: What is replayed.
        with_profiler: Whether the profiler's own time is a part of it.
    """
    run = _Run(program, with_profiler=with_profiler)
    steps = run.steps(MAIN, program.scripts[MAIN])
    main = run.simulation.spawn(MAIN, steps)
    ended = run.simulation.run([main])
    simulation = run.simulation
    seconds = simulation.now_s if ended else None
    return Replay(seconds, simulation.run_queue_s, simulation.steps)
