"""CPU series of one case, cut from an agent's resource snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mpbench.model.sampled import PARENT, WORKER, CpuSeries, SampledUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.sampling.sampler import SampledProcess, SamplerResult
    from mpbench.sampling.snapshot import Key

__all__ = ("MOST_LOOKS", "MOST_TRACKS", "TimeWindow", "case_usage")

# Enough for a line across a panel of a figure; 20 kB a repetition at the most.
MOST_LOOKS = 33
MOST_TRACKS = 64

_OTHER = "other"


class TimeWindow(NamedTuple):
    """When a case was measured, on the clock of the sampler's points; in nanoseconds."""

    begin_ns: int
    end_ns: int


def _thinned(looks: Sequence[int]) -> tuple[int, ...]:
    """Drop every second look between the first and the last until few enough are left."""
    kept = list(looks)
    while len(kept) > MOST_LOOKS:
        del kept[1:-1:2]
    return tuple(kept)


def _roles(processes: Sequence[SampledProcess], root: int, workers: int) -> dict[Key, str]:
    """
    Say what each process is.

    The agent is the first child of the supervisor; others that were adopted
    have the supervisor as parent, too. Workers are the processes without
    children that used the most CPU time: a resource tracker uses next to none.
    """
    ordered = sorted(processes, key=lambda process: process.key[1])
    agent = next((entry.key for entry in ordered if entry.parent == root), None)
    parents = {process.parent for process in processes}
    leaves = [entry for entry in ordered if entry.key != agent and entry.key[0] not in parents]
    busiest = sorted(leaves, key=_spent, reverse=True)[:workers]
    roles = {process.key: _OTHER for process in processes}
    roles |= {one.key: WORKER for one in busiest}
    return roles | ({} if agent is None else {agent: PARENT})


def _spent(process: SampledProcess) -> int:
    return process.points[-1].cpu_ns - process.points[0].cpu_ns


def _track(process: SampledProcess, role: str, looks: Sequence[int]) -> CpuSeries:
    cpu = {point.at_ns: point.cpu_ns for point in process.points}
    return CpuSeries(role, tuple(cpu.get(at) for at in looks))


def case_usage(
    seen: SamplerResult, span: TimeWindow, *, root: int, workers: int | None, origin_ns: int
) -> SampledUsage:
    """
    Return what belongs to one case.

    Args:
        seen: What the sampler saw during the agent's whole life.
        span: When the case was measured.
        root: The supervisor's pid.
        workers: How many workers the case has; None leaves the tracks out.
        origin_ns: The start of the run on the sampler's clock.
    """
    cost = SampledUsage(seen.ticks, seen.late_ticks, seen.own_cpu_ns, seen.elapsed_ns)
    inside = [
        process._replace(points=points)
        for process in seen.processes
        if (points := tuple(p for p in process.points if span.begin_ns <= p.at_ns <= span.end_ns))
    ]
    looks = _thinned(sorted({point.at_ns for one in inside for point in one.points}))
    if workers is None or len(looks) < 2:  # noqa: PLR2004 - between two looks something can be seen
        return cost
    roles = _roles(inside, root, workers)
    # Those that matter first, each kind in the order in which they were started.
    rank = (PARENT, WORKER, _OTHER)
    inside.sort(key=lambda one: (rank.index(roles[one.key]), one.key[1]))
    return cost._replace(
        at_ns=tuple(at - origin_ns for at in looks),
        tracks=tuple(_track(one, roles[one.key], looks) for one in inside[:MOST_TRACKS]),
        left_out=max(0, len(inside) - MOST_TRACKS),
    )
