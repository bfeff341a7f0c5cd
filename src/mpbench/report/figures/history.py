"""Figures over commits: medians with intervals by start method, and their steps."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from mpbench.analysis.history import Commit, Series
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
_NO_METHOD = "median"


class _Panel(NamedTuple):
    """One workload with fixed parameters on one machine and environment, by start method."""

    title: str
    commits: tuple[Commit, ...]
    lines: Mapping[str, Series]


def _panels(series: Sequence[Series]) -> list[_Panel]:
    """Return what there is to draw, by machine, environment, workload and parameters."""
    groups: dict[tuple[Any, ...], list[Series]] = defaultdict(list)
    for line in series:
        groups[line.machine, line.environment, line.case.workload, line.case.params].append(line)
    panels = []
    for (machine, environment, workload, params), members in groups.items():
        words = params_words(dict(params))
        what = f"{workload}, {words}" if words else workload
        commits = {
            place: commit
            for process in members
            for place, commit in zip(process.places, process.commits, strict=True)
        }
        places = {place: number for number, place in enumerate(sorted(commits))}
        lines = {
            process.case.method.value if process.case.method else _NO_METHOD: process._replace(
                places=tuple(places[place] for place in process.places)
            )
            for process in members
        }
        ordered = tuple(commits[place] for place in sorted(commits))
        panels.append(_Panel(f"{what} on {machine}, {environment}", ordered, lines))
    return panels


def _draw_line(axes: Any, line: Series, look: Any) -> None:
    values = [level.value for level in line.levels]
    axes.plot(line.places, values, color=look.colour, marker=look.marker, linestyle=look.line)
    for place, one in zip(line.places, line.levels, strict=True):
        if one.low is not None and one.high is not None:
            axes.plot([place, place], [one.low, one.high], color=look.colour, linewidth=1.4)


def _marks(panel: _Panel) -> dict[int, list[str]]:
    """Return the words at each commit where a line steps."""
    marks: dict[int, list[str]] = defaultdict(list)
    for name, line in panel.lines.items():
        for change in line.changes:
            size = f"{change.ratio - 1:+.0%}"
            words = size if len(panel.lines) == 1 else f"{name} {size}"
            marks[line.places[change.position]].append(words)
    return dict(sorted(marks.items()))


def _draw(drawing: Drawing, panel: _Panel) -> None:
    axes = drawing.subplots()
    shown = series_styles(tuple(panel.lines))
    values = [
        value
        for line in panel.lines.values()
        for level in line.levels
        for value in level
        if value is not None
    ]
    set_axis = set_log if max(values) > _SPREAD * min(values) else set_zero_based
    set_axis(axes, values, "s")
    count = len(panel.commits)
    axes.set_xlim(-0.5, count - 0.5)
    names = [clean(commit.name, longest=8) for commit in panel.commits]
    # The first and the last commit are named before those between them.
    ranks = [0 if place in {0, count - 1} else 1 for place in range(count)]
    chosen = label_places(range(count), names, ranks, WIDTH - 1.5)
    axes.set_xticks(chosen, labels=[names[place] for place in chosen])
    axes.set_xlabel("commit")
    axes.set_ylabel("time per operation")
    for name, line in panel.lines.items():
        _draw_line(axes, line, shown[name])
    heights = itertools.cycle((1.0, 0.93, 0.86, 0.79))
    for place, words in _marks(panel).items():
        # Words of neighbours stand at different heights.
        mark_place(axes, place - 0.5, ", ".join(words), top=next(heights))
    legend_above(drawing, shown)


def _bare(panel: _Panel) -> str:
    """Return what to say of the medians without an interval; nothing where each has one."""
    levels = [level for line in panel.lines.values() for level in line.levels]
    bare = sum(level.low is None for level in levels)
    if not bare:
        return ""
    which = (
        "No median has an" if bare == len(levels) else f"{bare} of {len(levels)} medians have no"
    )
    return f" {which} interval: it takes six agents, and values of one process count once."


def _caption(panel: _Panel) -> str:
    latest = ", ".join(
        f"{name} {quantity(line.levels[-1].value, 's')}" for name, line in panel.lines.items()
    )
    steps = [
        f"{', '.join(words)} at {panel.commits[place].name[:8]}"
        for place, words in _marks(panel).items()
    ]
    where = f"Steps: {'; '.join(steps)}." if steps else "No step was found."
    return f"Latest median: {latest}. {where}{_bare(panel)}"


def _table(panel: _Panel) -> pd.DataFrame:
    rows = []
    for name, line in panel.lines.items():
        steps = {change.position: change.ratio for change in line.changes}
        for number, (place, level) in enumerate(zip(line.places, line.levels, strict=True)):
            commit = panel.commits[place]
            step = f"{steps[number] - 1:+.0%}" if number in steps else ""
            has_bounds = level.low is not None and level.high is not None
            bounds = (
                f"{format_seconds(level.low)} to {format_seconds(level.high)}"  # type: ignore[arg-type]  # both are numbers here
                if has_bounds
                else ""
            )
            rows.append((commit.name[:10], commit.date[:10], name, level.value, bounds, step))
    columns = ["commit", "date", "start method", "median, s", "95 % interval", "step"]
    return pd.DataFrame(rows, columns=columns)


def histories(series: Sequence[Series]) -> tuple[tuple[Figure, ...], int]:
    """
    Draw each workload over commits, for each machine and environment.

    Args:
        series: What `series_over_commits` returned.

    Returns:
        The figures, and how many were left out for the sake of the page;
        workloads with steps come first.
    """
    every = sorted(_panels(series), key=lambda panel: not _marks(panel))
    made = []
    for number, panel in enumerate(every[:MOST], start=1):
        key = f"over-commits-{number}"

        def draw(drawing: Drawing, panel: _Panel = panel) -> None:
            _draw(drawing, panel)

        caption = _caption(panel)
        made.append(
            Figure(
                key=key,
                title=clean(panel.title, longest=120),
                svg=render(f"history-{key}", draw, width=WIDTH, height=_HEIGHT),
                caption=caption,
                alt=f"Line plot of {panel.title} over {len(panel.commits)} commits. {caption}",
                table=_table(panel),
            )
        )
    return tuple(made), len(every) - len(made)
