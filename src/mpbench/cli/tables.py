"""Tables in the terminal, from the same records as the page."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING

from mpbench.printable import printable

if TYPE_CHECKING:
    from mpbench.report.build import Evidence
    from mpbench.report.document import Table
    from mpbench.session.run import Measured

__all__ = ("print_run", "print_table", "print_verified")

# What a pipe or a file gets: no terminal says how wide it is.
_PLAIN_WIDTH = 160


def print_table(table: Table) -> None:
    """Print one table, at most as wide as the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else _PLAIN_WIDTH
    grid = Grid(box=SIMPLE_HEAD, title=printable(table.title), title_justify="left", pad_edge=False)
    for column in table.columns:
        grid.add_column(
            printable(column.title),
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number,
        )
    for row in table.rows:
        grid.add_row(*(Text(printable(cell.text)) for cell in row))
    Console(width=width, highlight=False, file=sys.stdout).print(grid)


def print_run(evidence: Evidence) -> None:
    """Print what a run measured: a table for each family, then what failed."""
    from mpbench.report.tables import failures, terminal

    for table in terminal(evidence.summaries):
        print_table(table)
    failed = failures(evidence.summaries, evidence.groups)
    if failed is not None and failed.rows:
        print_table(failed)


def print_verified(measured: Measured) -> None:
    """Print what a verification found; its timings mean nothing and are not shown."""
    found = Counter(one.status.value for one in measured.run.repetitions)
    found.update(one.status.value for one in measured.run.cases if one.reason)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(found.items()))
    sys.stdout.write(f"verified {len(measured.run.cases)} cases: {counts}\n")
    for one in measured.run.repetitions:
        if not one.is_ok:
            sys.stdout.write(printable(f"{one.case.id}: {one.status.value}: {one.reason}") + "\n")
    for text in measured.claims:
        sys.stdout.write(f"{text}\n")
