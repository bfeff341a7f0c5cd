"""Rows of the timeline: which processes share one."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from mpbench.profiling.processes import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.profiling.processes import ProcessRecord

__all__ = ("MOST_ROWS", "row_name", "rows_of")

# Beyond this many rows nobody reads names any more; the table has them all.
MOST_ROWS = 80
# As long as there are so few processes each has a row of its own.
_FEW = 24
_MOST_LETTERS = 26


def rows_of(members: Sequence[ProcessRecord]) -> tuple[tuple[ProcessRecord, ...], ...]:
    """
    Return the rows of a drawing, the main process first.

    Where there are many processes, one that begins takes the row of one that has ended,
    so that the number of rows is that of processes at once.
    """
    if len(members) <= _FEW:
        return tuple((process,) for process in members)
    rows: list[list[ProcessRecord]] = []
    # Rows whose last process has ended by then: when, and which.
    ended: list[tuple[int, int]] = []
    for process in sorted(
        members, key=lambda process: (process.role is not Role.MAIN, process.begin_ns)
    ):
        if process.role is Role.MAIN or not ended or ended[0][0] > process.begin_ns:
            at = len(rows)
            rows.append([])
        else:
            at = heappop(ended)[1]
        rows[at].append(process)
        if process.role is not Role.MAIN:
            heappush(ended, (process.end_ns, at))
    return tuple(tuple(row) for row in rows)


def row_name(row: Sequence[ProcessRecord]) -> str:
    """Return what stands beside a row: a process's name, or how many share it."""
    name = row[0].name if len(row) == 1 else f"{len(row)} processes in turn"
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"
