"""Tables in the terminal, from the same records as the page."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

from mpbench.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from mpbench.report.build import ReportData
    from mpbench.report.document import Table
    from mpbench.session.run import RunResult

__all__ = ("print_run", "print_table", "print_verified")

# What a pipe or a file gets: no terminal says how wide it is.
_PLAIN_WIDTH = 160


# What a narrow terminal loses, the least important first.
_DROPPED = ("method_ratio", "floor_ratio", "interval")
# Names and words can be folded down to this; a number cannot.
_FOLDED = 12
# What stands between two columns.
_GAP = 3


def _widths(table: Table) -> dict[str, int]:
    """Return how wide each column is when nothing is folded."""
    return {
        column.key: max(len(printable(one)) for one in (column.title, *texts))
        for place, column in enumerate(table.columns)
        for texts in [[row[place].text for row in table.rows]]
    }


def _fitting(table: Table, width: int) -> tuple[Table, int]:
    """
    Make a table fit.

    Returns:
        The table without the columns that have no room, and the width of its
        cases' names, which stay readable whatever else must go.
    """
    natural = _widths(table)
    kept = list(natural)

    def left() -> int:
        others = [one for one in table.columns if one.key in kept and one.key != "case"]
        sizes = [
            natural[one.key] if one.is_number else min(natural[one.key], _FOLDED) for one in others
        ]
        return width - sum(sizes) - _GAP * len(others)

    name = natural.get("case", 0)
    for key in _DROPPED:
        if left() < min(name, 2 * _FOLDED) and key in kept:
            kept.remove(key)
    places = [place for place, one in enumerate(table.columns) if one.key in kept]
    return table._replace(
        columns=tuple(table.columns[place] for place in places),
        rows=tuple(tuple(row[place] for place in places) for row in table.rows),
    ), min(name, max(_FOLDED, left()))


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PLAIN_WIDTH


def print_table(table: Table) -> None:
    """Print one table, at most as wide as the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    width = _width()
    table, name_width = _fitting(table, width)
    grid = Grid(box=SIMPLE_HEAD, title=printable(table.title), title_justify="left", pad_edge=False)
    for column in table.columns:
        grid.add_column(
            printable(column.title),
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number,
            overflow="fold",
            width=name_width if column.key == "case" else None,
        )
    for row in table.rows:
        grid.add_row(*(Text(printable(cell.text)) for cell in row))
    Console(width=width, highlight=False, file=sys.stdout).print(grid)


def _same_everywhere(part: pd.DataFrame) -> str:
    """Return the parameters that have one value in all cases of a workload, for each workload."""
    from mpbench.report.cells import told_apart

    found: dict[str, list[str]] = {}
    for name, rows in part.groupby("workload", sort=False):
        records: list[dict[Any, Any]] = rows.to_dict("records")
        words = told_apart(records)[1]
        if words:
            found.setdefault(words, []).append(str(name))
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in found.items())


def print_run(evidence: ReportData) -> None:
    """Print what a run measured: a table for each family, then what failed."""
    from mpbench.report.tables import failures, terminal

    main = evidence.summaries[evidence.summaries["fact"] == ""]
    families = [part for _, part in main.groupby("family", sort=False)]
    for table, part in zip(terminal(evidence.summaries), families, strict=True):
        print_table(table)
        same = _same_everywhere(part)
        if same:
            text = textwrap.fill(printable(f"In every case: {same}."), _width())
            sys.stdout.write(text + "\n\n")
    failed = failures(evidence.summaries, evidence.groups)
    if failed is not None and failed.rows:
        print_table(failed)


def print_verified(measured: RunResult) -> None:
    """Print what a verification found; its timings mean nothing and are not shown."""
    found = Counter(one.status.value for one in measured.run.repetitions)
    found.update(one.status.value for one in measured.run.cases if one.reason)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
    sys.stdout.write(f"verified {len(measured.run.cases)} cases: {counts}\n")
    for one in measured.run.repetitions:
        if not one.is_ok:
            sys.stdout.write(printable(f"{one.case.id}: {one.status.value}: {one.reason}") + "\n")
    for text in measured.coverage_errors:
        sys.stdout.write(f"{text}\n")
