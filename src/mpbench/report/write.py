"""Files of a report: page, Markdown, CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mpbench.analysis.history import CommitRun, Series, series_over_commits
from mpbench.errors import UsageError
from mpbench.model import Run
from mpbench.printable import counted
from mpbench.report.build import ReportData, build, load_report_data
from mpbench.report.csv_file import to_csv
from mpbench.report.history import (
    history_csv,
    history_section,
    steps_section,
    steps_sentence,
)
from mpbench.report.html import html
from mpbench.report.markdown import markdown
from mpbench.store.atomic_write import write_atomic

__all__ = ("write",)


def _title(series: Sequence[Series]) -> str:
    benchmarks = len({line.case.workload for line in series})
    commits = len({commit for line in series for commit in line.commits})
    return f"{counted(benchmarks, 'benchmark')} over {counted(commits, 'commit')}"


def write(
    runs: Sequence[Run],
    folder: Path,
    *,
    history: Sequence[Run | CommitRun] = (),
    evidence: ReportData | None = None,
) -> tuple[Path, ...]:
    """
    Write `report.html`, `report.md`, `report.csv`, with a history `history.csv`, about some runs.

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
    series = series_over_commits(history)
    steps = steps_section(series)
    if series:
        document = document._replace(
            title=_title(series),
            verdict=steps_sentence(series),
            verdicts=(*([steps] if steps else []), *document.verdicts),
            families=(*history_section(series), *document.families),
        )
    made = {
        "report.html": html(document),
        "report.md": markdown(document),
        "report.csv": to_csv(evidence.summaries),
    }
    if series:
        made["history.csv"] = history_csv(series)
    for name, text in made.items():
        write_atomic(folder / name, text)
    return tuple(folder / name for name in made)
