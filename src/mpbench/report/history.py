"""Sections over commits: list of steps, figures, every value as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import lru_cache

from mpbench.analysis.history import Series, Step, steps_of
from mpbench.report.csv_file import field_text
from mpbench.report.document import Cell, Column, FamilySection, Section, Table
from mpbench.report.figures.history import histories
from mpbench.report.figures.labels import params_words, quantity

__all__ = ("history_csv", "history_section", "steps_section", "steps_sentence")

# As many steps are shown; the rest is counted, and stands in history.csv.
_MAX_STEPS = 100
_NOTE = (
    "A step is a place to look at, not a verdict: commits that were measured at different times "
    "differ by the time as well. mpbench compare with two rev= arms judges two commits."
)
_COLUMNS = (
    Column("change", "change", "level after the step against the level before it", is_number=True),
    Column("interval", "95 % interval", "from the noise from commit to commit"),
    Column("workload", "benchmark"),
    Column("params", "parameters"),
    Column("method", "start method"),
    Column("between", "after commit .. by commit"),
    Column("date", "date"),
    Column("now", "latest median", is_number=True),
    Column("where", "machine, environment"),
)


def _percent(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio >= 2 else f"{ratio - 1:+.1%}"  # noqa: PLR2004 - a doubling


def _interval(step: Step) -> str:
    change = step.change
    if change.low is None or change.high is None:
        return "not known: a short series"
    return f"{_percent(change.low)} to {_percent(change.high)}"


def _method(series: Series) -> str:
    return series.case.method.value if series.case.method else ""


def _row(step: Step) -> tuple[Cell, ...]:
    series, latest = step.series, step.series.levels[-1].value
    return (
        Cell(_percent(step.change.ratio), step.change.ratio),
        Cell(_interval(step)),
        Cell(series.case.workload),
        Cell(params_words(dict(series.case.params))),
        Cell(_method(series)),
        Cell(f"{step.before.name[:8]}..{step.after.name[:8]}"),
        Cell(step.after.date[:10]),
        Cell(quantity(latest, "s"), latest),
        Cell(f"{series.machine}, {series.environment}"),
    )


def steps_sentence(series: Sequence[Series]) -> str:
    """Return what the steps come to, in one sentence."""
    steps = steps_of(series)
    commits = len({commit for line in series for commit in line.commits})
    where = f"{len(series):,} series over {commits:,} commits"
    if not steps:
        return f"No step was found in {where}."
    slower = sum(step.change.ratio > 1 for step in steps)
    # Slower ones come first; where there are none, the last is the largest gain.
    largest = steps[0] if slower else steps[-1]
    return (
        f"{len(steps):,} step{'s' * (len(steps) > 1)} in {where}: {slower:,} slower, "
        f"{len(steps) - slower:,} faster. The largest {'slow-down' if slower else 'gain'}: "
        f"{largest.series.case.workload} {_percent(largest.change.ratio)} between "
        f"{largest.before.name[:8]} and {largest.after.name[:8]}."
    )


def steps_section(series: Sequence[Series]) -> Section | None:
    """Return the table of all steps, slower first; None where there is none."""
    steps = steps_of(series)
    if not steps:
        return None
    notes = [_NOTE]
    if len(steps) > _MAX_STEPS:
        notes.insert(0, f"{len(steps) - _MAX_STEPS:,} more steps: history.csv has all of them.")
    rows = [_row(step) for step in steps[:_MAX_STEPS]]
    # A column that no step needs (start methods of other tools' benchmarks) takes no room.
    used = [place for place in range(len(_COLUMNS)) if any(row[place].text for row in rows)]
    table = Table(
        "steps",
        "Steps over commits",
        f"{len(rows):,} of {len(steps):,} steps, slower ones first",
        tuple(_COLUMNS[place] for place in used),
        tuple(tuple(row[place] for place in used) for row in rows),
    )
    return Section("steps", "Steps over commits", table, tuple(notes))


def history_section(series: Sequence[Series]) -> tuple[FamilySection, ...]:
    """Return the section with the figures, none where there are no series."""
    figures, left_out = histories(series)
    if not figures:
        return ()
    text = (
        "Medians of each commit, with 95 % intervals where there were enough agents; a dotted line "
        "marks a step."
    )
    more = (
        f" {left_out:,} more are not drawn: choose with --select PATTERN, --machine NAME and "
        "--environment NAME; every value stands in history.csv."
        if left_out
        else ""
    )
    return (FamilySection("history", "Over commits", text + more, figures, ()),)


def history_csv(series: Sequence[Series]) -> str:
    """
    Return every value as CSV, one row a commit and case.

    Times in seconds; `step` is the ratio of the level from this commit on to the level before.
    """
    names = ("machine", "environment", "workload", "params", "method", "commit", "date")
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*names, "median", "low", "high", "step", "step_low", "step_high"))
    # The texts are few and the rows many.
    text = lru_cache(maxsize=10_000)(field_text)
    none = ("", "", "")
    for line in series:
        steps = {n.position: tuple(map(field_text, n[1:])) for n in line.changes}
        params = params_words(dict(line.case.params))
        words = (line.machine, line.environment, line.case.workload, params, _method(line))
        fixed = tuple(map(text, words))
        for place, (commit, level) in enumerate(zip(line.commits, line.levels, strict=True)):
            numbers = ("" if value is None else f"{value:.9g}" for value in level)
            named = (*fixed, text(commit.name), text(commit.date))
            writer.writerow((*named, *numbers, *steps.get(place, none)))
    return file.getvalue()
