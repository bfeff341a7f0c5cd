"""Figures of sweeps: cost or rate over a size or count, one line a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mpbench.analysis.measurements import Measurement
from mpbench.analysis.steps import Step, boundary_of, find_steps
from mpbench.report.document import Figure
from mpbench.report.figures.axes import mark_place, set_swept, set_values, size_places
from mpbench.report.figures.canvas import WIDTH, Drawing, render
from mpbench.report.figures.labels import (
    compared,
    once,
    param_name,
    param_value,
    params_words,
    ratio_words,
    table_of,
)
from mpbench.report.figures.legend import legend_above
from mpbench.report.figures.style import SeriesStyle, clean, series_styles

__all__ = ("Panel", "Sweep", "draw_lines", "step_label", "steps_of", "sweep_figure", "sweep_words")

_HEIGHT = 3.5
# Agents drawn as faint points: beyond this they are a cloud that hides the lines.
_MOST_POINTS = 600
# Suffixes of parameters that are sizes.
_SIZES = ("_bytes", "_mib")


class Panel(NamedTuple):
    """One pair of axes: what is drawn over the swept parameter, in series by name."""

    title: str
    series: Mapping[str, tuple[Measurement, ...]]


class Sweep(NamedTuple):
    """A figure of one or more panels that share what is swept."""

    key: str
    title: str
    over: str
    panels: tuple[Panel, ...]
    note: str = ""

    @property
    def readings(self) -> tuple[Measurement, ...]:
        """Everything that is drawn."""
        return tuple(
            reading for panel in self.panels for each in panel.series.values() for reading in each
        )

    @property
    def values(self) -> tuple[float, ...]:
        """The values of what is swept, in ascending order."""
        found = {reading.number(self.over) for reading in self.readings}
        return tuple(sorted(value for value in found if value is not None))


def steps_of(sweep: Sweep) -> dict[str, tuple[Step, ...]]:
    """
    Return the jumps of every series over sizes; of a rate, those of the time per operation.

    Over workers or chunk sizes a cost bends by design, and every bend would be one.
    """
    found: dict[str, tuple[Step, ...]] = {}
    if not sweep.over.endswith(_SIZES):
        return found
    for panel in sweep.panels:
        for name, readings in panel.series.items():
            costs: dict[float, list[float]] = {}
            for reading in readings:
                value = reading.number(sweep.over)
                if value is not None and reading.unit in {"s", "op/s"} and min(reading.agents) > 0:
                    costs[value] = [1 / x if reading.unit == "op/s" else x for x in reading.agents]
            steps = find_steps(costs)
            if steps:
                found.setdefault(name, steps)
    return found


def draw_lines(
    axes: Any,
    series: Mapping[str, tuple[Measurement, ...]],
    over: str,
    places: Mapping[float, float],
    shown: Mapping[str, SeriesStyle],
) -> None:
    """Draw the median of each series with its interval and, faintly, the agents."""

    def place(measurement: Measurement) -> float:
        return places[measurement.number(over) or 0.0]

    for name, readings in series.items():
        look = shown[name]
        ordered = sorted(readings, key=place)
        spots = [place(entry) for entry in ordered]
        known = [entry for entry in ordered if entry.low is not None]
        if len(known) > 1:
            axes.fill_between(
                [place(one) for one in known],
                [one.low for one in known],
                [one.high for one in known],
                color=look.colour,
                alpha=0.18,
                linewidth=0,
            )
        dots = [(place(entry), value) for entry in ordered for value in entry.agents]
        if 1 < len(dots) <= _MOST_POINTS:
            axes.plot(
                *zip(*dots, strict=True),
                linestyle="none",
                marker=".",
                markersize=3,
                markeredgewidth=0,
                color=look.colour,
                alpha=0.35,
            )
        axes.plot(
            spots,
            [entry.value for entry in ordered],
            color=look.colour,
            marker=look.marker,
            linestyle=look.line,
        )


def _mark_steps(axes: Any, sweep: Sweep, steps: Mapping[str, tuple[Step, ...]]) -> None:
    """Mark where series jump, each place once."""
    places = size_places(sweep.values)
    for rank, ((before, after, is_up), which) in enumerate(_gaps(steps)):
        middle = (places[before] + places[after]) / 2
        words = step_label([step.ratio.value for _, step in which])
        if len(sweep.panels) == 1:
            # Beside others a panel has no room to say where, and the caption says it.
            words = f"{words} past {param_value(sweep.over, before)}"
        # Each in its own line, so that steps close together can be told apart.
        # A fall follows a peak, which would hide its words at the top.
        mark_place(axes, middle, words, top=(1 if is_up else 0.5) - 0.065 * rank)


def sweep_words(sweep: Sweep) -> str:
    """Return the conclusion: who is best at both ends of the sweep."""
    values = sweep.values
    caption: list[str] = []
    panel = sweep.panels[0]
    for value in dict.fromkeys((values[0], values[-1])):
        there = {
            name: reading
            for name, each in panel.series.items()
            for reading in each
            if reading.number(sweep.over) == value
        }
        if there:
            caption.append(f"With {params_words({sweep.over: value})}: {compared(there)}.")
    return once(" ".join(caption))


def _gaps(
    steps: Mapping[str, tuple[Step, ...]],
) -> list[tuple[tuple[float, float, bool], list[tuple[str, Step]]]]:
    """Return the series that step in each gap, those that rise apart from those that fall."""
    seen: dict[tuple[float, float, bool], list[tuple[str, Step]]] = {}
    for name, each in steps.items():
        for step in each:
            seen.setdefault((step.before, step.after, step.is_up), []).append((name, step))
    return sorted(seen.items())


def step_label(ratios: Sequence[float]) -> str:
    """Write the widest of some steps for the place where it is drawn: `x2.4`, or `1/12`."""
    ratio = max(ratios, key=lambda one: max(one, 1 / one))
    return f"x{ratio_words(ratio)}" if ratio >= 1 else f"1/{ratio_words(1 / ratio)}"


def step_words(sweep: Sweep, steps: Mapping[str, tuple[Step, ...]]) -> str:
    """Say where the cost jumps and for which series, each place once."""
    caption: list[str] = []
    for (before, after, is_up), which in _gaps(steps):
        where = f"{param_value(sweep.over, before)} and {param_value(sweep.over, after)}"
        known = boundary_of(which[0][1]) if sweep.over.endswith("bytes") else None
        which_series = ", ".join(clean(name) for name, _ in which)
        caption.append(
            f"{'up' if is_up else 'down'} {_size_words([step for _, step in which])} between "
            f"{where} ({which_series}{f'; {known}' if known else ''})"
        )
    return f"The cost steps {', and '.join(caption)}." if caption else ""


def _size_words(steps: Sequence[Step]) -> str:
    """Write how large steps in one direction are; a single one with its interval."""
    sizes = sorted(max(step.ratio.value, 1 / step.ratio.value) for step in steps)
    often = " to ".join(dict.fromkeys(ratio_words(one) for one in (sizes[0], sizes[-1])))
    ratio = steps[0].ratio
    if len(steps) > 1 or not ratio.low or not ratio.high:
        return f"{often} times"
    ends = (ratio.low, ratio.high) if steps[0].is_up else (1 / ratio.high, 1 / ratio.low)
    return f"{often} times (95 % interval {ratio_words(ends[0])} to {ratio_words(ends[1])})"


def sweep_figure(family: str, sweep: Sweep) -> Figure:
    """Draw a sweep: panels side by side with one scale, steps marked."""
    names = tuple(dict.fromkeys(name for panel in sweep.panels for name in panel.series))
    shown, steps = series_styles(names), steps_of(sweep)
    inches = (WIDTH - 0.8) / len(sweep.panels)

    def draw(drawing: Drawing) -> None:
        grid = drawing.subplots(1, len(sweep.panels), sharey=True, squeeze=False)[0]
        set_values(grid[0], sweep.readings)
        for axes, panel in zip(grid, sweep.panels, strict=True):
            places = set_swept(axes, sweep.over, sweep.values, inches)
            draw_lines(axes, panel.series, sweep.over, places, shown)
            axes.set_xlabel(param_name(sweep.over))
            axes.set_title(panel.title)
            _mark_steps(axes, sweep, steps_of(sweep._replace(panels=(panel,))))
        legend_above(drawing, shown)

    caption = " ".join(
        part for part in (sweep_words(sweep), step_words(sweep, steps), sweep.note) if part
    )
    return Figure(
        key=sweep.key,
        title=sweep.title,
        svg=render(f"{family}-{sweep.key}", draw, width=WIDTH, height=_HEIGHT),
        caption=caption,
        alt=f"Line chart of {sweep.title} with {len(names)} series: {', '.join(names)}. {caption}",
        table=table_of(sweep.readings),
    )
