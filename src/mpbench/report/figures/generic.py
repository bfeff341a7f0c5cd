"""Figures that any workload can have: an overview, sweeps, categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mpbench.analysis.measurements import (
    Measurement,
    ParamValue,
    distinct,
    grouped,
    numeric_params,
    pick,
)
from mpbench.report.document import Figure
from mpbench.report.figures.dots import DotRow, Dots, dots_figure
from mpbench.report.figures.figure_data import METHOD, FigureData, value_of, values_of, words_of
from mpbench.report.figures.labels import (
    compared,
    param_name,
    params_words,
    quantity,
    ratio_words,
)
from mpbench.report.figures.sweeps import Panel, Sweep, sweep_figure

__all__ = ("categories", "other_overviews", "overview", "smallest", "sweeps")

# Categories of a workload that its family's overview has room for.
_FEW = 3
_NO_METHOD = "any start method"
# The key of an overview and what its readings are, by unit.
_UNITS: Mapping[str, tuple[str, str]] = {
    "s": ("overview", "a time"),
    "op/s": ("overview-rates", "a rate"),
    "B/s": ("overview-bandwidths", "a bandwidth"),
    "B": ("overview-memory", "memory"),
    "1": ("overview-numbers", "a plain number"),
}
# Values without which a number is not swept: two points say nothing about a curve.
_SWEPT = 3
_MOST_ROWS, _MOST_PANELS, _MOST_SERIES = 24, 3, 8


class _Frame(NamedTuple):
    """What of a workload's parameters is swept, makes the lines and the panels, or is fixed."""

    over: str
    lines: str
    panels: str
    fixed: Mapping[str, ParamValue]


def _varied(readings: Sequence[Measurement]) -> tuple[str, ...]:
    """Return the parameters with several values, texts before numbers."""
    names = dict.fromkeys(name for reading in readings for name in reading.params)
    several = [name for name in names if len(distinct(readings, name)) > 1]
    return tuple(sorted(several, key=lambda name: isinstance(distinct(readings, name)[0], float)))


def _frame(readings: tuple[Measurement, ...], material: FigureData) -> _Frame | None:
    """
    Decide what of a workload's parameters stands where in a figure.

    Start methods make the lines where they are what is asked about, in the
    family of processes, or where nothing else could; elsewhere the lines are
    the things to choose from, such as the kinds of queue.
    """
    numbers = {name: size for name, size in numeric_params(readings).items() if size >= _SWEPT}
    if not numbers:
        return None
    over = max(numbers, key=lambda name: (numbers[name], name == "payload_bytes"))
    names = [name for name in _varied(readings) if name != over]
    if len(material.methods(readings)) > 1:
        texts = [name for name in names if isinstance(distinct(readings, name)[0], str)]
        is_first = readings[0].family == "process" or not texts
        names.insert(0 if is_first else 1, METHOD)
    lines, panels, *others = [*names, "", ""]
    fixed = {name: values_of(readings, name)[0] for name in others if name}
    return _Frame(over, lines, panels, fixed)


def _series(readings: Sequence[Measurement], lines: str) -> dict[str, tuple[Measurement, ...]]:
    def name(measurement: Measurement) -> str:
        return words_of(measurement, lines) if lines else ""

    return dict(list(grouped(readings, name).items())[:_MOST_SERIES])


def _sweep(name: str, readings: tuple[Measurement, ...], frame: _Frame, note: str) -> Sweep:
    """Build the sweep of one workload; what does not fit is told in the note."""
    kept = pick(
        readings,
        where=lambda reading: all(value_of(reading, k) == v for k, v in frame.fixed.items()),
    )
    grid = grouped(kept, lambda reading: words_of(reading, frame.panels) if frame.panels else "")
    shown = list(grid.items())[:_MOST_PANELS]
    panels = tuple(Panel(title, _series(each, frame.lines)) for title, each in shown)
    notes = [note] if note else []
    if frame.fixed:
        words = ", ".join(words_of(kept[0], one) for one in frame.fixed)
        notes.append(f"Drawn for {words}; the other values are in the table of cases.")
    if len(shown) < len(grid):
        notes.append(f"{len(shown)} of {len(grid)} values of {param_name(frame.panels)} are drawn.")
    behaviour = name.partition("/")[2]
    title = f"{name} by {param_name(frame.over)}"
    return Sweep(f"sweep-{behaviour}", title, frame.over, panels, " ".join(notes))


def sweeps(family: str, material: FigureData, done: frozenset[str]) -> Iterator[Figure]:
    """Draw each workload that was measured at three or more values of a number."""
    for name, readings in grouped(
        material.family(family), lambda reading: reading.workload
    ).items():
        frame = None if name in done else _frame(readings, material)
        if frame is not None:
            yield sweep_figure(family, _sweep(name, readings, frame, material.note))


def smallest(readings: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
    """Return the readings at the smallest value of every number."""
    for name in numeric_params(readings):
        readings = pick(readings, fact=None, params={name: distinct(readings, name)[0]})
    return readings


def _rows(
    readings: tuple[Measurement, ...], material: FigureData, label: str, *, has_params: bool = True
) -> list[DotRow]:
    """Return one row for each combination of parameters, with a mark for each start method."""
    names = tuple(_varied(readings))
    rows = []
    for each in grouped(readings, lambda reading: repr(sorted(reading.params.items()))).values():
        words = params_words(
            {name: each[0].params[name] for name in names if name in each[0].params}
        )
        series = {reading.method or _NO_METHOD: reading for reading in each}
        shown = f"{label} {words}".strip() if has_params else label
        rows.append(DotRow(shown, series, material.floor_of(each[0])))
    return rows


def _alone_words(rows: Sequence[DotRow]) -> str:
    """Compare rows of one mark each, or say between what they lie."""
    alone = {row.label: next(iter(row.series.values())) for row in rows}
    if len({reading.metric for reading in alone.values()}) == 1 and len(alone) <= _FEW:
        return f"{compared(alone)}."
    ends = (choose(alone, key=lambda name: alone[name].value) for choose in (min, max))
    values = (f"{name} with {quantity(alone[name].value, alone[name].unit)}" for name in ends)
    return f"The values reach from {' to '.join(values)}."


def _spread_words(rows: Sequence[DotRow]) -> str:
    """Say how often each start method is best, and where the gap is widest."""
    several = [row for row in rows if len(row.series) > 1]
    if len(several) == len(rows) == 1:
        return f"{rows[0].label}: {compared(rows[0].series)}."
    if not several:
        return _alone_words(rows)
    if not all(line.has_interval for row in several for line in row.series.values()):
        return "Too few agents for intervals: the marks are medians, no difference is claimed."
    wins: dict[str, int] = {}
    widest: tuple[float, str] = (0.0, "")
    for row in several:
        ordered = sorted(row.series.items(), key=lambda pair: pair[1].value)
        (low_name, low), (high_name, high) = ordered[0], ordered[-1]
        if low.overlaps(high):
            continue
        best = high_name if high.is_higher_better else low_name
        wins[best] = wins.get(best, 0) + 1
        if low.value > 0 and high.value / low.value > widest[0]:
            ratio = high.value / low.value
            words = f"{row.label}: {high_name} has {ratio_words(ratio)} times the value of"
            widest = (ratio, f"{words} {low_name}")
    if not wins:
        return f"In none of {len(several)} rows do the start methods differ beyond their intervals."
    counted = ", ".join(f"{name} in {count}" for name, count in wins.items())
    return f"Of {len(several)} rows the best is {counted}. The widest gap is in {widest[1]}."


def _overview_rows(readings: tuple[Measurement, ...], material: FigureData) -> list[DotRow]:
    """Return the rows of an overview: each workload at its smallest case."""
    rows: list[DotRow] = []
    for each in grouped(readings, lambda reading: reading.workload).values():
        found = _rows(smallest(each), material, each[0].behaviour)
        # A workload with many categories has a figure of its own.
        rows += found if len(found) <= _FEW else found[:1]
    return rows


def _overview(family: str, unit: str, rows: Sequence[DotRow], material: FigureData) -> Figure:
    """Draw the workloads of a family that share a unit."""
    caption = _spread_words(rows[:_MOST_ROWS])
    if any(row.floor is not None for row in rows[:_MOST_ROWS]):
        caption += " The mark | is the floor."
    if len(rows) > _MOST_ROWS:
        caption += f" {len(rows) - _MOST_ROWS} more rows are in the table of cases."
    key, words = _UNITS[unit]
    title = f"{family}: every workload that reads as {words}, at its smallest case"
    shown = tuple(rows[:_MOST_ROWS])
    return dots_figure(family, Dots(key, title, shown, f"{caption} {material.note}".strip()))


def overview(family: str, material: FigureData, *, least: int = 1) -> Figure | None:
    """
    Draw every workload of a family that reads as a time, at its smallest case.

    Args:
        family: Its name.
        material: What was measured.
        least: Rows without which there is no figure.
    """
    rows = _overview_rows(
        pick(material.family(family), where=lambda reading: reading.is_time), material
    )
    return _overview(family, "s", rows, material) if len(rows) >= least else None


def other_overviews(family: str, material: FigureData, done: frozenset[str]) -> Iterator[Figure]:
    """Draw the workloads that read as something else and have no figure of their own."""
    rest = pick(material.family(family), where=lambda o: not o.is_time and o.workload not in done)
    for unit, readings in grouped(rest, lambda reading: reading.unit).items():
        left = [
            reading
            for each in grouped(readings, lambda reading: reading.workload).values()
            if _frame(each, material) is None
            for reading in each
        ]
        # Nothing is to be seen where all values are 0; the table of cases says so.
        if any(process.value for process in left):
            yield _overview(family, unit, _overview_rows(tuple(left), material), material)


def categories(family: str, material: FigureData, done: frozenset[str]) -> Iterator[Figure]:
    """Draw each workload with more categories than the overview shows."""
    for name, readings in grouped(
        material.family(family), lambda reading: reading.workload
    ).items():
        chosen = smallest(readings)
        rows = _rows(chosen, material, "")
        if name in done or len(rows) <= _FEW or _frame(readings, material) is not None:
            continue
        caption = f"{_spread_words(rows[:_MOST_ROWS])} {material.note}".strip()
        title = f"{name} by {', '.join(param_name(one) for one in _varied(chosen))}"
        key = f"categories-{readings[0].behaviour}"
        yield dots_figure(family, Dots(key, title, tuple(rows[:_MOST_ROWS]), caption))
