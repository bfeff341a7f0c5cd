"""The CPU time of one process from its beginning to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.profiling.hook import kinds
from mpbench.sampling.sampler import UsagePoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.profiling.event_files import RecordedProcess

__all__ = ("complete_cpu_series", "reported_cpu")


def reported_cpu(traced: RecordedProcess) -> int:
    """Return the CPU time that a process gave at its end; 0 when it had no time to."""
    return max(
        (
            moment.value
            for lane in traced.threads
            for moment in lane.events
            if moment.kind in {kinds.EXIT, kinds.RUN}
        ),
        default=0,
    )


def complete_cpu_series(
    points: Sequence[UsagePoint], begin: int, end: int, spoken: int
) -> tuple[UsagePoint, ...]:
    """
    Return what was seen of a process, from its beginning to its end.

    Between the first look and its beginning, and between the last look and what
    it said at its end, its CPU time is known as well; a short process is seen
    once or never. Its memory is not known there.
    """
    inside = [point for point in points if begin < point.at_ns < end]
    if not inside and not spoken:
        return tuple(points)
    last = inside[-1] if inside else UsagePoint(begin, 0, 0)
    final = max(spoken, points[-1].cpu_ns if points else 0)
    # Who was killed has said nothing; what was seen must do.
    ending = [last._replace(at_ns=end, cpu_ns=final)] if spoken else []
    return (UsagePoint(begin, 0, 0), *inside, *ending)
