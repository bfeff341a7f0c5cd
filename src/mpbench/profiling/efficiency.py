"""Efficiency of a program's workers, and the parts of their time that were lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.profiling.hook import kinds
from mpbench.profiling.processes import ProcessRecord, Role
from mpbench.profiling.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpbench.profiling.profile import Profile

__all__ = (
    "AFTER_WORKERS",
    "BEFORE_WORKERS",
    "OFF_CPU",
    "PROFILER",
    "UNEVEN_WORKERS",
    "EfficiencyBreakdown",
    "LossShare",
    "efficiency_breakdown",
    "peak_workers",
)


class LossShare(NamedTuple):
    """A part of the workers' time; `key` is a state's name or one of four words below."""

    key: str
    ns: int


# Beside the states, worker time can go to these.
OFF_CPU = "blocked"  # in the program's own code, but not on a CPU
BEFORE_WORKERS = "before"  # no worker had been asked for yet
AFTER_WORKERS = "after"  # the last worker had ended
PROFILER = "profiler"  # loading the hook and recording events
UNEVEN_WORKERS = "uneven"  # fewer workers than at the peak, in between


class EfficiencyBreakdown(NamedTuple):
    """
    The workers' time and where it went.

    `capacity_ns` is what the workers could have given: as many as were ever
    alive at once, for the whole run but the start of the first interpreter and its
    imports. `useful_ns` is the part in which they ran the program's own code on a CPU.
    The shares add up to the rest.
    """

    workers: int
    capacity_ns: int
    useful_ns: int
    first_ns: int
    last_ns: int
    losses: tuple[LossShare, ...]

    @property
    def efficiency(self) -> float:
        """The useful part of the capacity, 0 to 1."""
        return self.useful_ns / self.capacity_ns if self.capacity_ns else 0.0

    def loss_ns(self, key: str) -> int:
        """Return the part that one loss takes."""
        return sum(share.ns for share in self.losses if share.key == key)


def peak_workers(workers: Sequence[ProcessRecord]) -> int:
    """Return how many workers were alive at once, at most."""
    steps = sorted(
        [(worker.begin_ns, 1) for worker in workers] + [(worker.end_ns, -1) for worker in workers]
    )
    alive = most = 0
    for _, step in steps:
        alive += step
        most = max(most, alive)
    return most


def _states(workers: Sequence[ProcessRecord]) -> dict[State, int]:
    totals: dict[State, int] = {}
    for worker in workers:
        for state, spent in worker.totals.items():
            totals[state] = totals.get(state, 0) + spent
    return totals


def _on_cpu(process: ProcessRecord) -> int:
    """
    Return the time in which a worker ran the program's own code on a CPU.

    Its CPU time is that of all its threads and of moving data as well, so it
    bounds the working time and does not replace it.
    """
    working = process.totals.get(State.WORKING, 0)
    lane = None if process.traced is None else process.traced.main
    moments = () if lane is None else lane.events
    # What it used from the beginning of run to its end; unknown when it was killed.
    spoken = [moment.value for moment in moments if moment.kind == kinds.RUN]
    if not spoken and not process.snapshots:
        # Nobody knows: it ended before it could say, and before anybody looked.
        return working
    return min(working, sum(spoken) or process.cpu_ns)


def efficiency_breakdown(profile: Profile) -> EfficiencyBreakdown | None:
    """Return where the workers' time went; None when the program started none."""
    workers = [process for process in profile.members if process.role is Role.WORKER]
    if not workers:
        return None
    most = peak_workers(workers)
    first, last = (
        min(worker.begin_ns for worker in workers),
        max(worker.end_ns for worker in workers),
    )
    boot = min(_boot_ns(profile, first), first - profile.began_ns)
    capacity = most * (profile.wall_ns - boot)
    totals = _states(workers)
    useful = sum(_on_cpu(worker) for worker in workers)
    lived = sum(worker.lifetime_ns for worker in workers)
    losses = _losses(totals, useful)
    _take_out_profiler(losses, profile, workers)
    losses[BEFORE_WORKERS] = most * (first - profile.began_ns - boot)
    losses[AFTER_WORKERS] = most * (profile.ended_ns - last)
    losses[UNEVEN_WORKERS] = max(0, most * (last - first) - lived)
    ranked = sorted((LossShare(key, ns) for key, ns in losses.items() if ns > 0), key=_most)
    return EfficiencyBreakdown(most, capacity, useful, first, last, tuple(ranked))


def _boot_ns(profile: Profile, first_ns: int) -> int:
    """Return how long the first interpreter took to start and to import, before any worker."""
    main = next((process for process in profile.members if process.role is Role.MAIN), None)
    if main is None:
        return 0
    hook = 0 if main.traced is None else main.traced.hook_load_ns
    return hook + sum(
        max(0, min(span.end_ns, first_ns) - span.start_ns)
        for span in main.spans
        if span.state in {State.STARTING, State.LOADING}
    )


def _take_out_profiler(
    losses: dict[str, int], profile: Profile, workers: Sequence[ProcessRecord]
) -> None:
    """Take the recorder's own cost out of the states in which it arose."""
    traced = [worker.traced for worker in workers if worker.traced is not None]
    loading = sum(recorded.hook_load_ns for recorded in traced)
    events = round(profile.event_ns * sum(t.times for recorded in traced for t in recorded.totals))
    losses[PROFILER] = 0
    for cost, states in (
        (loading, (State.STARTING, State.IMPORTING)),
        (events, (State.MOVING, State.QUEUE, State.LOCK)),
    ):
        left = cost
        for state in states:
            part = min(left, losses.get(state.name, 0))
            losses[state.name] = losses.get(state.name, 0) - part
            losses[PROFILER] += part
            left -= part


def _losses(totals: Mapping[State, int], useful: int) -> dict[str, int]:
    losses = {state.name: ns for state, ns in totals.items() if state is not State.WORKING}
    losses[OFF_CPU] = totals.get(State.WORKING, 0) - useful
    return losses


def _most(share: LossShare) -> int:
    return -share.ns
