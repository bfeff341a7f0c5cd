"""Figures of scaling: speed-up, efficiency, residuals of the fitted laws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mpbench.analysis.scaling import Estimate, Fit, Point, Refusal, Scaling
from mpbench.report.document import Figure
from mpbench.report.figures.axes import place_of_count, set_log, set_swept
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import params_words, quantity
from mpbench.report.figures.legend import legend_above, shade_beyond
from mpbench.report.figures.limits import Limits
from mpbench.report.figures.style import INK, SeriesStyle, clean, series_styles

__all__ = ("Speed", "speed_figure")

_HEIGHT = 3.4


class Speed(NamedTuple):
    """Scaling by series, with the limits of what the workers ran on."""

    key: str
    title: str
    series: Mapping[str, Scaling]
    unit: str
    limits: Limits = Limits()


def _bars(axes: Any, points: list[tuple[float, Estimate]], look: SeriesStyle) -> None:
    """Draw points with their intervals."""
    for place, one in points:
        if one.low is not None and one.high is not None:
            axes.plot([place] * 2, [one.low, one.high], color=look.colour, linewidth=1.2)
    axes.plot(
        [place for place, _ in points],
        [point.value for _, point in points],
        color=look.colour,
        marker=look.marker,
        linestyle="none",
    )


def _curve(fit: Fit) -> tuple[list[float], list[float]]:
    """Return places and speed-ups of a law between the first and last fitted count."""
    counts = np.geomspace(fit.counts[0], fit.counts[-1], 60)
    return (
        [place_of_count(count) for count in counts],
        [fit.rate(float(count)) / fit.rate_one for count in counts],
    )


def _speed_ups(
    axes: Any, figure: Speed, shown: Mapping[str, SeriesStyle], counts: list[int]
) -> None:
    ends = [place_of_count(counts[0]), place_of_count(counts[-1])]
    axes.plot(ends, [counts[0], counts[-1]], color=INK, linewidth=0.9, alpha=0.6)
    axes.text(ends[1], counts[-1], "ideal ", ha="right", va="bottom", fontsize=8)
    seen = [1.0, float(counts[-1])]
    for name, scaling in figure.series.items():
        known = [(point.workers, point.speed_up) for point in scaling.points if point.speed_up]
        seen += [value for _, one in known for value in (one.value, one.low) if value]
        _bars(axes, [(place_of_count(n), one) for n, one in known], shown[name])
        for fit, width in ((scaling.usl, 1.6), (scaling.amdahl, 0.8)):
            if isinstance(fit, Fit):
                axes.plot(
                    *_curve(fit),
                    color=shown[name].colour,
                    linestyle=shown[name].line,
                    linewidth=width,
                )
    set_log(axes, seen, "1")
    ticks = [2.0**power for power in range(-4, 12) if min(seen) <= 2.0**power <= max(seen)]
    axes.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    axes.set_title("Speed-up")


def _efficiencies(axes: Any, figure: Speed, shown: Mapping[str, SeriesStyle]) -> None:
    axes.axhline(1, color=INK, linewidth=0.9, alpha=0.6)
    for name, scaling in figure.series.items():
        known = [(place_of_count(p.workers), p.efficiency) for p in scaling.points if p.efficiency]
        _bars(axes, known, shown[name])
        axes.plot(
            [place for place, _ in known],
            [one.value for _, one in known],
            color=shown[name].colour,
            linestyle=shown[name].line,
            linewidth=0.8,
        )
    highest = max(
        (
            point.efficiency.value
            for s in figure.series.values()
            for point in s.points
            if point.efficiency
        ),
        default=1.0,
    )
    top = max(1.1, 1.08 * highest)
    step = 0.25 if top < 1.5 else 0.5 if top < 3 else 1.0  # noqa: PLR2004 - about five ticks
    ticks = [step * place for place in range(int(top / step) + 1)]
    axes.set_ylim(0, top)
    axes.set_yticks(ticks, labels=[f"{100 * tick:g} %" if tick else "0" for tick in ticks])
    axes.set_title("Efficiency")


def _residuals(axes: Any, figure: Speed, shown: Mapping[str, SeriesStyle]) -> None:
    axes.axhline(0, color=INK, linewidth=0.9, alpha=0.6)
    largest = 0.10
    for name, scaling in figure.series.items():
        if isinstance(scaling.usl, Fit):
            fit = scaling.usl
            largest = max(largest, *(abs(residual) for residual in fit.residuals))
            axes.plot(
                [place_of_count(count) for count in fit.counts],
                fit.residuals,
                color=shown[name].colour,
                marker=shown[name].marker,
                linestyle="none",
            )
    edge = math.ceil(largest * 20) / 20
    axes.set_ylim(-1.15 * edge, 1.15 * edge)
    axes.set_yticks(
        [-edge, -edge / 2, 0, edge / 2, edge],
        labels=[
            f"{one:+.3g} %" if one else "0"
            for one in (-100 * edge, -50 * edge, 0, 50 * edge, 100 * edge)
        ],
    )
    axes.set_title("Measured against USL")


def _range(estimate: Estimate, digits: str) -> str:
    if estimate.low is None or estimate.high is None:
        return format(estimate.value, digits)
    high = "no limit" if math.isinf(estimate.high) else format(estimate.high, digits)
    return f"{format(estimate.value, digits)} ({format(estimate.low, digits)} to {high})"


def _usl(fit: Fit) -> str:
    words = f"contention {_range(fit.contention, '.3f')}, coherency {_range(fit.coherency, '.4f')}"
    if math.isinf(fit.best_workers.value):
        return f"{words}, no peak within the law"
    return f"{words}, peak at {_range(fit.best_workers, '.1f')} workers"


def _amdahl(fit: Fit) -> str:
    return f"serial share {_range(fit.contention, '.3f')}"


def _law(scaling: Scaling) -> str:
    """Say what the fitted laws mean, or why there is none; one reason for both is said once."""
    laws = (scaling.usl, _usl), (scaling.amdahl, _amdahl)
    reasons = {fit.reason for fit, _ in laws if isinstance(fit, Refusal)}
    if len(reasons) == 1 and not any(isinstance(fit, Fit) for fit, _ in laws):
        return f"USL and Amdahl: no curve: {reasons.pop()}"
    return "; ".join(
        f"{fit.model.name}: {words(fit) if isinstance(fit, Fit) else f'no curve: {fit.reason}'}"
        for fit, words in laws
    )


def _caption(figure: Speed) -> str:
    laws = {_law(scaling) for scaling in figure.series.values()}
    # The same for every series is said once.
    shared = laws.pop() if len(laws) == 1 else ""
    parts = []
    for name, scaling in figure.series.items():
        best = scaling.best
        what = clean(name) or "The work"
        words = f"{what} is fastest with {params_words({'workers': float(best.workers)})}"
        if best.speed_up is not None:
            words += f", {best.speed_up.value:.2f} times as fast as one"
        parts.append(words if shared else f"{words}; {_law(scaling)}")
    return f"{'. '.join(parts)}.{f' {shared}.' if shared else ''}"


def _row(name: str, point: Point, unit: str) -> dict[str, Any]:
    rate, speed_up, efficiency = point.rate, point.speed_up, point.efficiency
    return {
        "series": name,
        "workers": point.workers,
        "throughput": quantity(rate.value, unit),
        "speed-up (95 % interval)": _range(speed_up, ".2f") if speed_up else "",
        "efficiency": f"{efficiency.value:.0%}" if efficiency else "",
        "agents": point.agents,
    }


def speed_figure(family: str, figure: Speed) -> Figure:
    """Draw speed-up with the laws, efficiency, and residuals of the USL where one was fitted."""
    shown = series_styles(tuple(figure.series))
    has_fit = any(isinstance(scaling.usl, Fit) for scaling in figure.series.values())
    counts = sorted({one.workers for s in figure.series.values() for one in s.points})
    panels = 3 if has_fit else 2
    caption = _caption(figure)

    def draw(drawing: Drawing) -> None:
        grid = drawing.subplots(1, panels, squeeze=False)[0]
        for axes in grid:
            set_swept(axes, "workers", counts, (WIDTH - 0.8 * panels) / panels)
            axes.set_xlabel("workers")
        _speed_ups(grid[0], figure, shown, counts)
        _efficiencies(grid[1], figure, shown)
        if has_fit:
            _residuals(grid[2], figure, shown)
        for axes in grid:
            shade_beyond(axes, figure.limits)
        legend_above(drawing, shown, figure.limits.exceeded_by(counts[-1]))

    rows = [
        _row(name, point, figure.unit)
        for name, scaling in figure.series.items()
        for point in scaling.points
    ]
    return Figure(
        key=figure.key,
        title=figure.title,
        svg=render(f"{family}-{figure.key}", draw, width=WIDTH, height=_HEIGHT),
        caption=caption,
        alt=f"Charts of speed-up and efficiency of {figure.title} by workers. {caption}",
        table=pd.DataFrame(rows),
    )
