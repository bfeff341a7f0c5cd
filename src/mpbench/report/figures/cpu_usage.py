"""Figures of CPU use over time, one panel for each number of workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mpbench.report.document import Figure
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import quantity
from mpbench.report.figures.style import INK, SHADES, clean

__all__ = ("Usage", "usages")

# Two rows of four; more counts than these are thinned, the first and the last stay.
_MOST, _ACROSS = 8, 4
_PANEL, _AROUND = 1.75, 0.95
_WORKERS, _PARENT = SHADES[0:3:2], SHADES[1]


class Usage(NamedTuple):
    """One workload under one start method, watched with several numbers of workers."""

    workload: str
    method: str
    params: str
    rows: pd.DataFrame
    cpus: int | None

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of workers that are drawn."""
        every = sorted({int(worker) for worker in self.rows["workers"]})
        while len(every) > _MOST:
            del every[1:-1:2]
        return tuple(every)

    def of(self, count: int) -> pd.DataFrame:
        """Return what was seen with a number of workers."""
        return self.rows[self.rows["workers"] == count]

    def shown(self, count: int) -> pd.DataFrame:
        """Return the agent that was looked at most often."""
        rows = self.of(count)
        looks = rows.groupby("repetition")["end_s"].nunique()
        return rows[rows["repetition"] == looks.idxmax()]


def _mean_shares(rows: pd.DataFrame) -> pd.Series[float]:
    """Return the share of a CPU of each process of each agent, over all that was seen of it."""
    length = rows["end_s"] - rows["begin_s"]
    parts = rows.assign(length=length, cpu=length * rows["share"])
    sums = parts.groupby(["role", "repetition", "number"])[["cpu", "length"]].sum()
    shares: pd.Series[float] = sums["cpu"] / sums["length"]
    return shares


class _Count(NamedTuple):
    """What workers did with one number of them: medians over the agents, in CPUs."""

    workers: int
    least: float
    most: float
    together: float
    parent: float
    agents: int


def _summary(rows: pd.DataFrame, count: int) -> _Count:
    shares = _mean_shares(rows)
    roles = shares.index.get_level_values("role")
    by_agent = shares[roles == "worker"].groupby("repetition")
    parent = shares[roles == "parent"]
    return _Count(
        count,
        float(by_agent.min().median()),
        float(by_agent.max().median()),
        float(by_agent.sum().median()),
        float(parent.median()) if len(parent) else 0.0,
        rows["repetition"].nunique(),
    )


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _worded(count: _Count) -> str:
    who = "the only worker used" if count.workers == 1 else f"each of {count.workers} workers used"
    low, high = _percent(count.least), _percent(count.most)
    between = low if low == high else f"{low} to {high}"
    whole = "" if count.workers == 1 else f", together {count.together:.2f} CPUs"
    return f"{who} {between} of a CPU{whole}"


def _caption(usage: Usage, counts: Sequence[_Count]) -> str:
    first, last = counts[0], counts[-1]
    words = _worded(first)
    parts = [f"{words[:1].upper()}{words[1:]}"]
    if last is not first:
        parts.append(_worded(last))
    usable = f" of {usage.cpus} usable" if usage.cpus else ""
    what = [clean(one) for one in (usage.method, usage.params.replace("=", " ")) if one]
    where = f" Measured with {', '.join(what)}." if what else ""
    agents = max(count.agents for count in counts)
    medians = f"medians of up to {agents} agents" if agents > 1 else "one agent"
    return f"{'; '.join(parts)}{usable} ({medians}).{where}"


def _bands(rows: pd.DataFrame) -> tuple[np.ndarray[Any, Any], list[tuple[str, Any]]]:
    """Return the edges in milliseconds, and for each process its shares between them."""
    edges = np.unique(np.concatenate([rows["begin_s"], rows["end_s"]]))
    bands = []
    # Workers from below, the parent on top.
    for (role, _), each in sorted(rows.groupby(["role", "number"]), key=lambda g: g[0][::-1]):
        known = dict(zip(each["begin_s"], each["share"], strict=True))
        bands.append((str(role), np.array([known.get(a, 0.0) for a, _ in pairwise(edges)])))
    bands.sort(key=lambda band: band[0] == "parent")
    return edges * 1e3, bands


def _draw_panel(axes: Any, usage: Usage, count: int, top: float) -> None:
    edges, bands = _bands(usage.shown(count))
    below = np.zeros(len(edges) - 1)
    workers = 0
    for role, shares in bands:
        shade = _PARENT if role == "parent" else _WORKERS[workers % 2]
        workers += role != "parent"
        axes.stairs(
            below + shares, edges, baseline=below, fill=True, facecolor=shade.colour,
            edgecolor=INK, linewidth=0.3,
        )  # fmt: skip
        below = below + shares
    if usage.cpus:
        axes.axhline(usage.cpus, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set_ylim(0, top)
    axes.set_xlim(0, edges[-1])
    axes.set_title(f"{count} worker{'s' if count != 1 else ''}", fontsize=9)
    # A label at the right edge would run into the next panel's zero.
    axes.locator_params(axis="x", nbins=3, prune="upper")


def _legend(drawing: Drawing, usage: Usage) -> None:
    handles: list[Any] = [
        Patch(facecolor=_WORKERS[0].colour, edgecolor=INK, linewidth=0.3),
        Patch(facecolor=_PARENT.colour, edgecolor=INK, linewidth=0.3),
    ]
    names = ["a worker (shades alternate)", "the parent"]
    if usage.cpus:
        handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (4, 2))))
        names.append(f"{usage.cpus} usable CPU{'s' if usage.cpus != 1 else ''}")
    drawing.legend(handles, names, loc="outside upper left", ncols=3, handlelength=1.8)


def _table(counts: Sequence[_Count]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "workers": count.workers,
                "least busy worker": _percent(count.least),
                "busiest worker": _percent(count.most),
                "workers together": f"{count.together:.2f} CPUs",
                "parent": _percent(count.parent),
                "agents": count.agents,
            }
            for count in counts
        ]
    )


def _figure(family: str, usage: Usage) -> Figure:
    counts = [_summary(usage.of(count), count) for count in usage.counts]
    across = min(_ACROSS, len(counts))
    down = -(-len(counts) // across)
    top = 1.12 * max(usage.cpus or 0, 1, *(one.together + one.parent for one in counts))
    caption = _caption(usage, counts)

    def draw(drawing: Drawing) -> None:
        grid = drawing.subplots(down, across, squeeze=False, sharey=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(counts):
                axes.set_axis_off()
                continue
            _draw_panel(axes, usage, counts[place].workers, top)
        drawing.supxlabel("time since the first look (ms)", fontsize=9, color=INK)
        drawing.supylabel("CPUs in use", fontsize=9, color=INK)
        _legend(drawing, usage)

    behaviour = usage.workload.partition("/")[2]
    longest = quantity(float(usage.rows["end_s"].max()), "s")
    title = f"CPU use of each worker over time, {usage.workload}"
    return Figure(
        key=f"cpu-{behaviour}",
        title=title,
        svg=render(f"{family}-cpu-{behaviour}", draw, width=WIDTH, height=_AROUND + _PANEL * down),
        caption=caption,
        alt=f"Stacked bands of CPU use over up to {longest}, one panel for each of "
        f"{len(counts)} numbers of workers. {caption}",
        table=_table(counts),
    )


def usages(
    family: str, watched: pd.DataFrame | None, *, subject: str, cpus: int | None
) -> tuple[Figure, ...]:
    """
    Draw the CPU use of every workload of a family whose name says that it scales.

    Args:
        family: The part of workload names before the slash.
        watched: As `store.watched.watched` makes it, of one run.
        subject: The interpreter that is shown.
        cpus: How many CPUs could be used.
    """
    if watched is None or watched.empty:
        return ()
    mine = watched[
        (watched["subject"] == subject)
        & watched["workload"].str.startswith(f"{family}/")
        & watched["workload"].str.endswith("-scaling")
        & (watched["workers"] > 0)
    ]
    found = []
    for workload, rows in mine.groupby("workload", sort=False):
        most = _widest(rows)
        usage = Usage(str(workload), most["method"], most["params"], most["rows"], cpus)
        if usage.counts:
            found.append(_figure(family, usage))
    return tuple(found)


def _widest(rows: pd.DataFrame) -> Mapping[str, Any]:
    """Return the start method and parameters that were watched with the most worker counts."""
    groups = list(rows.groupby(["method", "params"], sort=False))
    (method, params), best = max(groups, key=lambda pair: pair[1]["workers"].nunique())
    return {"method": str(method), "params": str(params), "rows": best}
