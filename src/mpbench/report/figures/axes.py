"""Axes with units: where ticks stand, how they are labelled, what an axis must span."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mpbench.analysis.measurements import Measurement
from mpbench.report.figures.labels import param_value, plain_quantity, reading_name
from mpbench.report.figures.style import INK

__all__ = (
    "CHARACTER",
    "label_places",
    "mark_place",
    "place_of_count",
    "set_along",
    "set_log",
    "set_swept",
    "set_values",
    "set_zero_based",
    "size_places",
)

# A logarithmic axis spans at least this factor, so that noise of a few per
# cent does not fill the figure and look like news.
_LEAST_FACTOR = 2.0
_UNIT_NAMES = {"s": "time", "op/s": "throughput", "B/s": "bandwidth", "B": "memory"}
# Values further apart than this are drawn on a logarithmic axis.
_SPREAD = 5.0
# Widths in inches: of one character of a tick label, and between two labels.
CHARACTER, _BETWEEN = 0.075, 0.10
# The length of a horizontal axis of values, at the least.
_ALONG = 4.8


def _limits(values: Iterable[float]) -> tuple[float, float]:
    """Return logarithmic limits around the positive values with a margin."""
    seen = [value for value in values if value > 0 and math.isfinite(value)]
    low, high = (min(seen), max(seen)) if seen else (1.0, 1.0)
    margin = (high / low) ** 0.06
    low, high = low / margin, high * margin
    if high / low < _LEAST_FACTOR:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(_LEAST_FACTOR), middle * math.sqrt(_LEAST_FACTOR)
    return low, high


def _log_ticks(low: float, high: float, unit: str) -> list[float]:
    """Return round positions between two limits, at most about seven."""
    if unit == "B":
        powers = range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)
        return [2.0**power for power in powers][:: max(1, -(-len(powers) // 7))]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**decade for decade in decades for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= 7:  # noqa: PLR2004 - more labels are no easier to read
            return ticks
    step = -(-len(ticks) // 7)
    return ticks[::step]


def _fix(axis: Any, ticks: Sequence[float], labels: Sequence[str]) -> None:
    axis.set_ticks(ticks, labels=labels)
    axis.set_ticks([], minor=True)


def set_log(axes: Any, values: Iterable[float], unit: str, *, which: str = "y") -> None:
    """Make an axis logarithmic in a unit, with limits that hold the values."""
    low, high = _limits(values)
    ticks = _log_ticks(low, high, unit)
    getattr(axes, f"set_{which}scale")("log")
    if which == "x" and len(ticks) > 1:
        logs = [math.log10(tick) for tick in ticks]
        words = [plain_quantity(tick, unit) for tick in ticks]
        ranks = [10 ** (log % 1) for log in logs]
        room = _ALONG * (logs[-1] - logs[0]) / math.log10(high / low)
        ticks = [ticks[place] for place in label_places(logs, words, ranks, room)]
    _fix(
        getattr(axes, f"{which}axis"),
        ticks,
        [plain_quantity(tick, unit) for tick in ticks],
    )
    getattr(axes, f"set_{which}lim")(low, high)


def _linear_ticks(high: float, most: int, unit: str) -> list[float]:
    """Return round steps from 0 to a limit."""
    rough = high / most
    if unit == "B":
        step = 2.0 ** math.ceil(math.log2(rough))
        return [step * place for place in range(int(high / step + 1e-9) + 1)]
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next(one * decade for one in (1, 2, 2.5, 5, 10) if one * decade >= rough)
    return [step * place for place in range(int(high / step + 1e-9) + 1)]


def set_zero_based(
    axes: Any, values: Iterable[float], unit: str, *, which: str = "y", most: int = 5
) -> None:
    """Make an axis linear from 0, where lengths can be compared, in a unit."""
    high = max((value for value in values if math.isfinite(value)), default=1.0) * 1.06 or 1.0
    ticks = _linear_ticks(high, most, unit)
    _fix(
        getattr(axes, f"{which}axis"),
        ticks,
        [plain_quantity(tick, unit) for tick in ticks],
    )
    getattr(axes, f"set_{which}lim")(0, high)


def size_places(values: Sequence[float]) -> dict[float, float]:
    """Return where values stand on an axis of doublings; 0 stands left of the smallest."""
    positive = [value for value in values if value > 0]
    first = math.log2(min(positive)) if positive else 0.0
    last = math.log2(max(positive)) if positive else 1.0
    # Far enough for its own label, near enough not to look like a size.
    gap = max(1.0, 0.08 * (last - first))
    return {value: math.log2(value) if value > 0 else first - gap for value in values}


def _roundness(value: float, *, is_binary: bool) -> tuple[int, float]:
    """Order values by how round they are, the roundest first."""
    if value <= 0:
        return (-3, 0.0)
    if is_binary:
        power = math.log2(value)
        if power == int(power):
            return (-1 if int(power) % 10 == 0 else 0 if int(power) % 2 == 0 else 1, power)
        return (2, power)
    power = math.log10(value)
    return (-2 if abs(power - round(power)) < 1e-9 else 2, power)  # noqa: PLR2004 - rounding


def label_places(
    places: Sequence[float],
    labels: Sequence[str],
    ranks: Sequence[Any],
    inches: float,
) -> list[int]:
    """
    Choose which ticks get a label so that no two labels touch.

    Args:
        places: Where the ticks stand, in the axis's own units.
        labels: What would stand there.
        ranks: The smaller, the earlier a tick is considered.
        inches: The length of the axis.
    """
    span = (max(places) - min(places)) or 1.0
    half = [len(label) * CHARACTER / 2 for label in labels]
    chosen: list[int] = []
    for index in sorted(range(len(places)), key=lambda one: (ranks[one], one)):
        if all(
            abs(places[index] - places[other]) / span * inches
            >= half[index] + half[other] + _BETWEEN
            for other in chosen
        ):
            chosen.append(index)
    return sorted(chosen)


def set_swept(axes: Any, over: str, values: Sequence[float], inches: float) -> dict[float, float]:
    """
    Make the x axis one of doublings of a parameter and return where each value stands.

    Args:
        axes: Where to draw.
        over: The parameter's name, whose last word says its unit.
        values: All values that will be drawn.
        inches: The length of the axis, for the choice of labels.
    """
    places = size_places(values)
    is_binary = not over.endswith(("_ns", "_us", "_ms", "_s"))
    ordered = sorted(places)
    spots = [places[value] for value in ordered]
    words = [param_value(over, value) for value in ordered]
    ranks = [_roundness(value, is_binary=is_binary) for value in ordered]
    chosen = label_places(spots, words, ranks, inches)
    _fix(axes.xaxis, [spots[one] for one in chosen], [words[one] for one in chosen])
    room = max(0.35, 0.03 * (spots[-1] - spots[0]))
    axes.set_xlim(spots[0] - room, spots[-1] + room)
    return places


def place_of_count(value: float) -> float:
    """Return where a count stands on an axis of doublings."""
    return float(np.log2(max(value, 1e-9)))


def mark_place(axes: Any, place: float, words: str, *, top: float = 1.0) -> None:
    """Draw a thin vertical line with words at its upper end, on the side that has more room."""
    low, high = axes.get_xlim()
    is_right = place > low + 0.55 * (high - low)
    axes.axvline(place, color=INK, linewidth=0.8, linestyle=(0, (1, 2)), alpha=0.7)
    axes.annotate(
        words,
        (place, top),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if is_right else 3, -2),
        textcoords="offset points",
        fontsize=8,
        va="top",
        ha="right" if is_right else "left",
    )


def _set_reading_axis(axes: Any, readings: Sequence[Measurement], which: str) -> None:
    """
    Give an axis the unit of the readings.

    It is logarithmic where they differ by more than a factor of five, so that
    equal ratios are equal lengths, and from zero otherwise.
    """
    unit = readings[0].unit
    values = [
        value
        for reading in readings
        for value in (reading.value, reading.low, reading.high)
        if value is not None
    ]
    if min(values) > 0 and max(values) > _SPREAD * min(values):
        set_log(axes, values, unit, which=which)
    else:
        set_zero_based(axes, values, unit, which=which)


def set_values(axes: Any, readings: Sequence[Measurement]) -> None:
    """Give the y axis the unit and the name of the readings."""
    _set_reading_axis(axes, readings, "y")
    names = dict.fromkeys(reading_name(reading.fact, reading.metric) for reading in readings)
    axes.set_ylabel(next(iter(names)) if len(names) == 1 else _UNIT_NAMES.get(readings[0].unit, ""))


def set_along(axes: Any, readings: Sequence[Measurement]) -> None:
    """Give the x axis the unit of readings that are drawn as rows."""
    _set_reading_axis(axes, readings, "x")
    names = dict.fromkeys(reading_name("", reading.metric) for reading in readings)
    axes.set_xlabel(", ".join(names))
