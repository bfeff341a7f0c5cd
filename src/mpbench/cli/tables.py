"""The tables of a run in the terminal, from the same records as the page."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from mpbench.cli.text_table import TextColumn, print_table, wrapped
from mpbench.printable import counted, printable

if TYPE_CHECKING:
    import pandas as pd

    from mpbench.report.build import ReportData
    from mpbench.report.document import Table
    from mpbench.session.run import RunResult

__all__ = ("print_record", "print_run", "print_verified")


def print_record(table: Table) -> None:
    """Print one table of a report, its cases first."""
    places = sorted(range(len(table.columns)), key=lambda at: table.columns[at].key != "case")
    columns = [TextColumn(table.columns[at].title, table.columns[at].is_number) for at in places]
    print_table(table.title, columns, [[row[at].text for at in places] for row in table.rows])


def _same_everywhere(part: pd.DataFrame) -> str:
    """Return the parameters that have one value in all cases of a workload, for each workload."""
    from mpbench.report.cells import told_apart

    same: dict[str, list[str]] = {}
    for name, rows in part.groupby("workload", sort=False):
        records: list[dict[Any, Any]] = rows.to_dict("records")
        words = told_apart(records)[1]
        if words:
            same.setdefault(words, []).append(str(name))
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in same.items())


def _legend(main: pd.DataFrame) -> str:
    """Explain the signs that the tables use."""
    from mpbench.report.formatting import TIMES

    bases = sorted(set(main.loc[main["method_ratio"].notna(), "base"]) - {""})
    words = ["95 % interval: of the median, from the spread between agents"]
    if main["floor_ratio"].notna().any():
        words.append(
            f"{TIMES} floor: the cost against the cheapest operation that uses the same kernel "
            "mechanism"
        )
    if bases:
        words.append(
            f"{TIMES} base: the cost against {' or '.join(bases)}, above 1 is worse; "
            "~: no difference shown"
        )
    if (main["failed"] > 0).any():
        words.append("!: some repetitions failed")
    return "; ".join(words) + "."


def print_run(evidence: ReportData) -> None:
    """Print what runs measured: a table for each family, a legend, then what failed."""
    from mpbench.report.tables import failures, terminal

    main = evidence.summaries[evidence.summaries["fact"] == ""]
    families = [part for _, part in main.groupby("family", sort=False)]
    for table, part in zip(terminal(evidence.summaries), families, strict=True):
        print_record(table)
        same = _same_everywhere(part)
        if same:
            sys.stdout.write(wrapped(f"In every case: {same}.") + "\n\n")
    failed = failures(evidence.summaries, evidence.groups)
    if failed is not None and failed.rows:
        print_record(failed)
    if len(main):
        sys.stdout.write(wrapped(_legend(main)) + "\n\n")


def print_verified(measured: RunResult) -> None:
    """Print what a verification found; its timings mean nothing and are not shown."""
    counts = Counter(one.status.value for one in measured.run.repetitions)
    counts.update(case.status.value for case in measured.run.cases if case.reason)
    words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    sys.stdout.write(f"verified {counted(len(measured.run.cases), 'case')}: {words}\n")
    for repetition in measured.run.repetitions:
        if not repetition.is_ok:
            text = f"{repetition.case.id}: {repetition.status.value}: {repetition.reason}"
            sys.stdout.write(printable(text) + "\n")
    for text in measured.coverage_errors:
        sys.stdout.write(f"{text}\n")
