"""Writes the files of a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mpbench.errors import UsageError
from mpbench.model import Run
from mpbench.report.build import ReportData, build, load_report_data
from mpbench.report.csv_file import to_csv
from mpbench.report.document import FamilySection
from mpbench.report.figures.history import histories
from mpbench.report.html import html
from mpbench.report.markdown import markdown
from mpbench.store.atomic_write import write_atomic

__all__ = ("write",)


def _history(runs: Sequence[Run]) -> tuple[FamilySection, ...]:
    """Return the section over commits, none where there are no runs for it."""
    figures, left_out = histories(runs)
    if not figures:
        return ()
    text = (
        "Medians of each commit, with 95 % intervals where there were agents enough. A dotted line "
        "marks a place to look at, and proves nothing: what was measured at different times "
        "differs by the time as well. "
        "To judge two commits, use mpbench compare."
    )
    more = f" {left_out} more without room here." if left_out else ""
    return (FamilySection("history", "Over commits", text + more, figures, ()),)


def write(
    runs: Sequence[Run],
    folder: Path,
    *,
    history: Sequence[Run] = (),
    evidence: ReportData | None = None,
) -> tuple[Path, ...]:
    """
    Write `report.html`, `report.md` and `report.csv` about some runs.

    The same runs always give the same bytes.

    Args:
        runs: What was read from result files.
        folder: Where the files go; it is made if need be.
        history: Runs of several commits, which get a section of their own.
        evidence: What `load_report_data` made of these runs, where it is needed elsewhere too.

    Returns:
        The files that were written.

    Raises:
        UsageError: A run is given twice.
        OutputError: The folder cannot be written to.
    """
    seen: dict[str, str] = {}
    for run in runs:
        if run.header.run in seen:
            first = seen[run.header.run]
            raise UsageError(f"{run.path} holds the same run as {first}; name each run once")
        seen[run.header.run] = run.path
    evidence = load_report_data(runs) if evidence is None else evidence
    document = build(evidence)
    document = document._replace(families=(*_history(history), *document.families))
    made = {
        "report.html": html(document),
        "report.md": markdown(document),
        "report.csv": to_csv(evidence.summaries),
    }
    for name, text in made.items():
        write_atomic(folder / name, text)
    return tuple(folder / name for name in made)
