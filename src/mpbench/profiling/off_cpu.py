"""Detection of spans in the program's own code without CPU use."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from mpbench.profiling.states import Span, State

if TYPE_CHECKING:
    from mpbench.profiling.processes import ProcessRecord

__all__ = ("off_cpu_spans",)

# Below this share of a CPU between two looks a process is not computing; the
# kernel counts in ticks of 10 ms, a fifth of the time between two looks.
_IDLE = 0.1


def _idle_times(process: ProcessRecord) -> list[tuple[int, int]]:
    """Return the times between two looks in which a process used next to no CPU time."""
    return [
        (before.at_ns, after.at_ns)
        for before, after in pairwise(process.snapshots)
        if after.cpu_ns - before.cpu_ns < _IDLE * (after.at_ns - before.at_ns)
    ]


def off_cpu_spans(process: ProcessRecord) -> list[Span]:
    """Return a process's spans, those of work without CPU time under another state."""
    idle = _idle_times(process)
    spans: list[Span] = []
    first = 0
    for span in process.spans:
        if span.state is not State.WORKING:
            spans.append(span)
            continue
        at = span.start_ns
        while first < len(idle) and idle[first][1] <= at:
            first += 1
        for begin, end in idle[first:]:
            if begin >= span.end_ns:
                break
            pause = max(at, begin)
            until = min(span.end_ns, end)
            spans += [
                span._replace(start_ns=at, end_ns=pause),
                Span(pause, until, State.BLOCKED),
            ]
            at = until
        spans.append(span._replace(start_ns=at))
    return spans
