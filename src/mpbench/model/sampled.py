"""
Records of the resource sampler for one case, in a bounded number of points.

Not imported with the other records: only who samples or reads results needs
it, and the measuring interpreter does neither.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ("PARENT", "WORKER", "CpuSeries", "SampledUsage")

# The process that measures, and those that it or its fork server started.
PARENT, WORKER = "parent", "worker"


class CpuSeries(NamedTuple):
    """
    The CPU time of one process at each look, in nanoseconds since it began.

    `role` is `parent`, `worker`, or `other` for a fork server or a resource
    tracker. None stands where the process was not there.
    """

    role: str
    cpu_ns: tuple[int | None, ...]


class SampledUsage(NamedTuple):
    """
    What a sampler saw of an agent, and what it cost.

    `looks`, `late_looks`, `own_cpu_ns` and `watched_ns` are those of the
    agent's whole life. `at_ns` holds the looks at this case, from the start of
    the run, and `tracks` the processes that were there; both are empty unless
    the case has workers. `left_out` counts processes beyond those.
    """

    looks: int
    late_looks: int
    own_cpu_ns: int
    watched_ns: int
    at_ns: tuple[int, ...] = ()
    tracks: tuple[CpuSeries, ...] = ()
    left_out: int = 0

    @property
    def own_share(self) -> float:
        """The sampler's own use of one CPU, 0 to 1."""
        return self.own_cpu_ns / self.watched_ns if self.watched_ns else 0.0
