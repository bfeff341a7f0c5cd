"""Tables of a profile's tasks, locks and time, as values for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.profiling.diagnosis_input import DiagnosisInput, alone_ns, workers_of
from mpbench.profiling.efficiency import OFF_CPU, PROFILER
from mpbench.profiling.states import State

if TYPE_CHECKING:
    from mpbench.profiling.lock_holders import LockUse
    from mpbench.profiling.tasks import Tasks

__all__ = ("lock_table", "task_table", "time_table")


def task_table(tasks: Tasks, origin: int) -> dict[str, Any]:
    """Return the tasks: their distribution, each worker's part, and the longest."""
    times = sorted(
        (chunk.own_ns / max(1, chunk.calls), chunk.calls)
        for worker in tasks.workers
        for chunk in worker.chunks
    )
    return {
        "chunks": tasks.chunks,
        "calls": tasks.calls,
        "chunk_ns": tasks.chunk_ns,
        "longest_ns": tasks.longest_ns,
        "of_pools": tasks.of_pools,
        "calls_in_chunk": tasks.calls_in_chunk,
        "call_ns": tasks.call_ns,
        "own_ns": tasks.own_ns,
        "at_once": tasks.at_once,
        "idle_tail_ns": tasks.idle_tail_ns,
        # Of calls, each with the average of its chunk.
        "percentiles_ns": {
            str(percent): times[min(len(times) - 1, len(times) * percent // 100)][0]
            for percent in (10, 50, 90, 99)
        },
        "workers": [
            {
                "number": worker.process,
                "name": worker.name,
                "calls": sum(chunk.calls for chunk in worker.chunks),
                "own_ns": sum(chunk.own_ns for chunk in worker.chunks),
                "end_ns": worker.end_ns - origin,
            }
            for worker in tasks.workers
        ],
        "longest": [
            {
                "worker": named.worker,
                "number": named.task.number,
                "function": named.task.function,
                "arguments": named.task.arguments,
                "duration_ns": named.task.duration_ns,
                "begin_ns": named.task.began_ns - origin,
            }
            for named in tasks.longest
        ],
    }


def lock_table(use: LockUse) -> dict[str, Any]:
    """Return a lock with those who held it."""
    holders = [holder._asdict() for holder in use.holders]
    return {**use._asdict(), "holders": holders}


def time_table(facts: DiagnosisInput) -> dict[str, Any]:
    """Return the workers' time in five parts, and the time without workers."""
    balance = facts.balance
    groups = {
        "waiting_ns": [state.name for state in State if state.is_wait],
        "moving_ns": [State.MOVING.name, State.MANAGER.name],
        "starting_ns": [
            state.name for state in (State.STARTING, State.IMPORTING, State.LOADING, State.EXITING)
        ],
        "profiler_ns": [PROFILER],
        "off_cpu_ns": [OFF_CPU],
    }
    parts = {name: sum(map(balance.loss_ns, keys)) for name, keys in groups.items()}
    own = sum(process.totals.get(State.WORKING, 0) for process in workers_of(facts))
    return {"own_code_ns": own, **parts, "without_workers_ns": alone_ns(facts)}
