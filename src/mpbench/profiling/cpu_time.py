"""The CPU time of one process from its beginning to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.profiling.hook import kinds
from mpbench.sampling.sampler import Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.profiling.event_files import Traced

__all__ = ("spoken_cpu", "whole_life")


def spoken_cpu(traced: Traced) -> int:
    """Return the CPU time that a process gave at its end; 0 when it had no time to."""
    return max(
        (
            moment.argument
            for lane in traced.lanes
            for moment in lane.moments
            if moment.kind in {kinds.EXIT, kinds.RUN}
        ),
        default=0,
    )


def whole_life(points: Sequence[Point], begin: int, end: int, spoken: int) -> tuple[Point, ...]:
    """
    Return what was seen of a process, from its beginning to its end.

    Between the first look and its beginning, and between the last look and what
    it said at its end, its CPU time is known as well; a short process is seen
    once or never. Its memory is not known there.
    """
    inside = [one for one in points if begin < one.at_ns < end]
    if not inside and not spoken:
        return tuple(points)
    last = inside[-1] if inside else Point(begin, 0, 0)
    final = max(spoken, points[-1].cpu_ns if points else 0)
    # Who was killed has said nothing; what was seen must do.
    ending = [last._replace(at_ns=end, cpu_ns=final)] if spoken else []
    return (Point(begin, 0, 0), *inside, *ending)
