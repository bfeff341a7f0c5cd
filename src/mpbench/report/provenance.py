"""Files, commands, machines, days and events behind a report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mpbench.model import Run
from mpbench.report import formatting
from mpbench.report.document import Cell, Column, Source, Table
from mpbench.report.groups import Groups

__all__ = ("events", "source", "subtitle")

# Events are for reading; a run that left thousands of them has them in its file.
_MOST_EVENTS = 200


def events(runs: Sequence[Run]) -> Table | None:
    """Return what happened while the runs were measured, None where nothing did."""
    rows = [
        (
            Cell(run.header.machine),
            Cell(formatting.quantity_text(event.elapsed_ns / 1e9, "s"), event.elapsed_ns / 1e9),
            Cell(event.kind),
            Cell(event.case or ""),
            Cell(event.text),
        )
        for run in runs
        for event in run.events
    ]
    if not rows:
        return None
    caption = "What happened while the runs were measured"
    if len(rows) > _MOST_EVENTS:
        caption += f"; the first {_MOST_EVENTS} of {len(rows):,}"
    columns = [Column("machine", "Machine"), Column("after", "After", is_number=True)]
    columns += [Column("kind", "Kind"), Column("case", "Case"), Column("text", "What happened")]
    return Table("events", "Events", caption, tuple(columns), tuple(rows[:_MOST_EVENTS]))


def source(run: Run) -> Source:
    """Return where a run comes from: its file, its machine and the exact command."""
    header = run.header
    plan = ", ".join(
        f"{name} {_plain(value)}"
        for name, value in header.plan.items()
        if value and _is_short(value)
    )
    return Source(
        file=run.path,
        run=header.run,
        machine=header.machine,
        started=header.started_utc,
        command=shlex.join(header.command),
        text=f"mpbench {header.mpbench}; {plan}",
    )


def _is_short(value: Any) -> bool:
    """Whether a part of a plan can be read in a sentence; the result file has the others."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (str, int, float)) for item in value)
    return not isinstance(value, Mapping) or all(_is_short(item) for item in value.values())


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_plain(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def subtitle(runs: Sequence[Run], groups: Groups) -> str:
    """Return machines, interpreters and days in a line."""
    machines = list(dict.fromkeys(run.header.machine for run in runs))
    pythons = list(dict.fromkeys(group.python for group in groups.all))
    days = sorted({run.header.started_utc[:10] for run in runs})
    where = formatting.join_words(machines) if len(machines) <= 3 else f"{len(machines)} machines"  # noqa: PLR2004
    what = formatting.join_words(pythons) if len(pythons) <= 4 else f"{len(pythons)} Pythons"  # noqa: PLR2004
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}" if days else ""
    return " · ".join(one for one in (where, what, when) if one)
