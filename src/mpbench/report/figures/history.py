"""Each workload over commits: medians with intervals by start method, and where they step."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from mpbench.analysis.change_points import Change, CommitMedian, change_points
from mpbench.analysis.stats import median_interval
from mpbench.model import Case, Run
from mpbench.report.document import Figure
from mpbench.report.figures.axes import label_places, mark_place, set_log, set_zero_based
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import params_words, quantity
from mpbench.report.figures.legend import legend_above
from mpbench.report.figures.style import clean, series_styles
from mpbench.units import format_seconds

__all__ = ("MOST", "histories")

# A page stays readable; what is not drawn is told in the section's text.
MOST = 24
_HEIGHT = 3.1
_SPREAD = 5.0
_NO_METHOD = "any start method"


class _Line(NamedTuple):
    """One start method over the commits: the place of each level on the axis."""

    places: tuple[int, ...]
    levels: tuple[CommitMedian, ...]
    changes: tuple[Change, ...]


class _History(NamedTuple):
    """One workload with fixed parameters on one machine and interpreter."""

    title: str
    commits: tuple[tuple[str, str], ...]
    lines: Mapping[str, _Line]


def _level(values: Sequence[float]) -> CommitMedian:
    interval = median_interval(values)
    middle = statistics.median(values)
    return (
        CommitMedian(middle)
        if interval is None
        else CommitMedian(middle, interval.low, interval.high)
    )


def _levels_of(run: Run) -> dict[Case, CommitMedian]:
    """Return the level of each case: the samples of a repetition count once, as their median."""
    values: dict[Case, list[float]] = defaultdict(list)
    for one in run.repetitions:
        if one.is_ok:
            values[one.case].append(statistics.median(sample.seconds for sample in one.samples))
    return {case: _level(found) for case, found in values.items()}


def _line(commits: Sequence[Mapping[Case, CommitMedian]], case: Case) -> _Line:
    found = [(place, known[case]) for place, known in enumerate(commits) if case in known]
    places, levels = zip(*found, strict=True)
    return _Line(places, levels, change_points(levels))


def _gathered(runs: Sequence[Run]) -> list[_History]:
    """Return what there is to draw, by machine, interpreter and workload."""
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.header.machine, ", ".join(run.header.subjects)].append(run)
    made = []
    for (machine, python), each in sorted(groups.items()):
        ordered = sorted(each, key=lambda run: (run.header.started_utc, run.path))
        commits = tuple(
            (str(run.header.plan.get("commit", run.header.run)), run.header.started_utc)
            for run in ordered
        )
        known = [_levels_of(run) for run in ordered]
        cases = dict.fromkeys(case for levels in known for case in levels)
        panels: dict[tuple[str, Any], list[Case]] = defaultdict(list)
        for case in cases:
            panels[case.workload, case.params].append(case)
        for (workload, params), members in panels.items():
            words = params_words(dict(params))
            what = f"{workload}, {words}" if words else workload
            lines = {
                case.method.value if case.method else _NO_METHOD: _line(known, case)
                for case in members
            }
            made.append(_History(f"{what} on {machine}, Python {python}", commits, lines))
    return made


def _draw_line(axes: Any, line: _Line, look: Any) -> None:
    values = [one.value for one in line.levels]
    axes.plot(line.places, values, color=look.colour, marker=look.marker, linestyle=look.line)
    for place, one in zip(line.places, line.levels, strict=True):
        if one.low is not None and one.high is not None:
            axes.plot([place, place], [one.low, one.high], color=look.colour, linewidth=1.4)


def _marks(history: _History) -> dict[int, list[str]]:
    """Return the words at each commit where a line steps."""
    marks: dict[int, list[str]] = defaultdict(list)
    for name, line in history.lines.items():
        for change in line.changes:
            marks[line.places[change.position]].append(f"{name} {change.ratio - 1:+.0%}")
    return dict(sorted(marks.items()))


def _draw(drawing: Drawing, history: _History) -> None:
    axes = drawing.subplots()
    shown = series_styles(tuple(history.lines))
    values = [
        value
        for line in history.lines.values()
        for one in line.levels
        for value in one
        if value is not None
    ]
    set_axis = set_log if max(values) > _SPREAD * min(values) else set_zero_based
    set_axis(axes, values, "s")
    count = len(history.commits)
    axes.set_xlim(-0.5, count - 0.5)
    names = [clean(commit, longest=8)[:7] for commit, _ in history.commits]
    # The first and the last commit are named before those between them.
    ranks = [0 if place in {0, count - 1} else 1 for place in range(count)]
    chosen = label_places(range(count), names, ranks, WIDTH - 1.5)
    axes.set_xticks(chosen, labels=[names[place] for place in chosen])
    axes.set_xlabel("commit, in the order of dates")
    axes.set_ylabel("time per operation")
    for name, line in history.lines.items():
        _draw_line(axes, line, shown[name])
    for place, words in _marks(history).items():
        mark_place(axes, place - 0.5, ", ".join(words))
    legend_above(drawing, shown)


def _bare(history: _History) -> str:
    """Return what to say of the medians without an interval; nothing where each has one."""
    levels = [level for line in history.lines.values() for level in line.levels]
    bare = sum(level.low is None for level in levels)
    if not bare:
        return ""
    which = (
        "No median has an" if bare == len(levels) else f"{bare} of {len(levels)} medians have no"
    )
    return (
        f" {which} interval: it takes six agents, and values of one process count once. "
        "Without intervals a step needs three commits on each side."
    )


def _said(history: _History) -> str:
    latest = ", ".join(
        f"{name} {quantity(line.levels[-1].value, 's')}" for name, line in history.lines.items()
    )
    steps = [
        f"{', '.join(words)} at {history.commits[place][0][:7]}"
        for place, words in _marks(history).items()
    ]
    where = f"Steps: {'; '.join(steps)}." if steps else "No step stands out."
    return f"Latest median: {latest}. {where}{_bare(history)}"


def _table(history: _History) -> pd.DataFrame:
    rows = []
    for name, line in history.lines.items():
        steps = {change.position: change.ratio for change in line.changes}
        for number, (place, level) in enumerate(zip(line.places, line.levels, strict=True)):
            commit, date = history.commits[place]
            step = f"{steps[number] - 1:+.0%}" if number in steps else ""
            has_bounds = level.low is not None and level.high is not None
            bounds = (
                f"{format_seconds(level.low)} to {format_seconds(level.high)}"  # type: ignore[arg-type]  # both are numbers here
                if has_bounds
                else ""
            )
            rows.append((commit[:10], date[:10], name, level.value, bounds, step))
    columns = ["commit", "date", "start method", "median, s", "95 % interval", "step"]
    return pd.DataFrame(rows, columns=columns)


def histories(runs: Sequence[Run]) -> tuple[tuple[Figure, ...], int]:
    """
    Draw each workload over commits, for each machine and interpreter.

    Args:
        runs: One for each commit, with the commit in their plans and its date
            in `started_utc`.

    Returns:
        The figures, and how many were left out for the sake of the page;
        workloads with steps come first.
    """
    every = sorted(_gathered(runs), key=lambda one: not _marks(one))
    made = []
    for number, history in enumerate(every[:MOST], start=1):
        key = f"over-commits-{number}"

        def draw(drawing: Drawing, history: _History = history) -> None:
            _draw(drawing, history)

        said = _said(history)
        made.append(
            Figure(
                key=key,
                title=clean(history.title, longest=120),
                svg=render(f"history-{key}", draw, width=WIDTH, height=_HEIGHT),
                caption=said,
                alt=f"Line plot of {history.title} over {len(history.commits)} commits. {said}",
                table=_table(history),
            )
        )
    return tuple(made), len(every) - len(made)
