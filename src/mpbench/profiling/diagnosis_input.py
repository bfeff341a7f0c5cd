"""Input of a diagnosis: a profile with its efficiency, tasks, objects and locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.processes import ProcessRecord, Role
from mpbench.profiling.states import State

if TYPE_CHECKING:
    from mpbench.profiling.efficiency import EfficiencyBreakdown
    from mpbench.profiling.lock_holders import LockUse
    from mpbench.profiling.objects import ObjectCost
    from mpbench.profiling.profile import Profile
    from mpbench.profiling.tasks import Tasks

__all__ = ("DiagnosisInput", "Sentence", "alone_ns", "main_of", "own_ns", "workers_of")


class DiagnosisInput(NamedTuple):
    """What the sentences are made of."""

    profile: Profile
    balance: EfficiencyBreakdown
    tasks: Tasks | None
    costs: tuple[ObjectCost, ...]
    cpus: int
    locks: tuple[LockUse, ...] = ()


class Sentence(NamedTuple):
    """A cause in words, and what would help; no remedy where none is known to."""

    text: str
    remedy: str


def workers_of(facts: DiagnosisInput) -> list[ProcessRecord]:
    """Return the workers of a program."""
    return [process for process in facts.profile.members if process.role is Role.WORKER]


def main_of(facts: DiagnosisInput) -> ProcessRecord | None:
    """Return the main process."""
    return next((process for process in facts.profile.members if process.role is Role.MAIN), None)


def own_ns(facts: DiagnosisInput) -> int:
    """Return the time of the program's own code in all workers."""
    return sum(process.totals.get(State.WORKING, 0) for process in workers_of(facts))


def alone_ns(facts: DiagnosisInput) -> int:
    """Return about how long the program would take in one process: all of its own code."""
    main = main_of(facts)
    totals = {} if main is None else main.totals
    states = (State.STARTING, State.LOADING, State.WORKING)
    return sum(totals.get(state, 0) for state in states) + own_ns(facts)
