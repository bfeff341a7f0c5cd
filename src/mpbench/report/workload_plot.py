"""A figure of one workload in the report's colours, for notebooks."""

from __future__ import annotations

import difflib
from typing import Any

from matplotlib.figure import Figure

from mpbench.errors import UsageError
from mpbench.report.build import ReportData
from mpbench.report.cells import case_text, varying_params
from mpbench.report.figures.style import SHADES
from mpbench.units import format_quantity

__all__ = ("Figure", "plot_workload")

_ROW_IN, _WIDTH_IN = 0.32, 7.5
_COLOURS = {"fork": 2, "spawn": 3, "forkserver": 5}


def plot_workload(data: ReportData, workload: str, *, ax: Any = None) -> Figure:
    """
    Draw each case's median, its 95 % interval and its agents.

    Args:
        data: The tables of the runs.
        workload: The workload's name.
        ax: Axes to draw on; None makes a figure.

    Raises:
        UsageError: There is no such workload.
    """
    table = data.summaries
    main = table[(table["fact"] == "") & (table["workload"] == workload) & (table["agents"] > 0)]
    if not len(main):
        names = sorted(set(map(str, table["workload"])))
        near = difflib.get_close_matches(workload, names, n=3) or names[:3]
        raise UsageError(f"no workload {workload!r} in these results; such as {', '.join(near)}")
    rows: list[Any] = main.to_dict("records")
    if ax is None:
        figure = Figure(figsize=(_WIDTH_IN, 1.2 + _ROW_IN * len(rows)), layout="constrained")
        ax = figure.add_subplot()
    _draw(ax, data, rows)
    ax.set_title(workload)
    owner: Figure = ax.figure
    return owner


def _draw(ax: Any, data: ReportData, rows: list[Any]) -> None:
    varying = varying_params(rows)
    agents = data.agents[data.agents["fact"] == ""].groupby(["case", "arm"], observed=True)
    values = {key: list(group) for key, group in agents["median"]}
    labels = []
    for place, row in enumerate(rows):
        colour = SHADES[_COLOURS.get(str(row["method"]), 0)].colour
        own = values.get((row["case"], row["arm"]), [])
        ax.plot(own, [place] * len(own), ".", color=colour, alpha=0.45)
        ax.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
        ax.plot([row["median"]], [place], "|", color=colour, markersize=14, markeredgewidth=2)
        parts = (case_text(row, varying), row["method"], row["arm"])
        labels.append(", ".join(str(part) for part in parts if part))
    ax.set_yticks(range(len(rows)), labels)
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    unit = str(rows[0]["unit"])
    ax.xaxis.set_major_formatter(lambda value, _: format_quantity(value, unit, significant=2))
    ax.set_xlabel(f"{rows[0]['label']}; line: 95 % interval, dot: one agent")
