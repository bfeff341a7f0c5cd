"""The words of figures: names of parameters and series, comparisons for captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from mpbench.analysis.measurements import Measurement, ParamValue
from mpbench.report.figures.style import clean
from mpbench.units import format_bytes, format_quantity

__all__ = (
    "compared",
    "interval_words",
    "once",
    "param_name",
    "param_value",
    "params_words",
    "plain_quantity",
    "quantity",
    "ratio_words",
    "reading_name",
    "table_of",
)

# How much of a unit a parameter's last word says it is counted in.
_SUFFIXES: Mapping[str, tuple[float, str]] = {
    "bytes": (1.0, "B"),
    "mib": (float(1 << 20), "B"),
    "ns": (1e-9, "s"),
    "us": (1e-6, "s"),
    "ms": (1e-3, "s"),
    "s": (1.0, "s"),
}

_NO_INTERVALS = " (too few agents for intervals)"

# Names that say too little without their documentation.
_NAMES: Mapping[str, str] = {
    "rss_mib": "memory of the parent",
    "critical_ns": "critical section",
    "outside_ns": "time outside",
    "task_us": "task length",
    "main_ms": "import time of the script",
    "idle_ms": "idle time",
}


def param_name(name: str) -> str:
    """Write a parameter's name for people: `payload_bytes` is `payload`."""
    if name in _NAMES:
        return _NAMES[name]
    head, _, last = name.rpartition("_")
    return clean((head if head and last in _SUFFIXES else name).replace("_", " "))


def param_value(name: str, value: ParamValue) -> str:
    """Write a parameter's value with the unit that its name carries."""
    if isinstance(value, str):
        return clean(value)
    if name == "chunk_size" and value == 0:
        return "default"
    factor, unit = _SUFFIXES.get(name.rpartition("_")[2], (1.0, ""))
    if unit == "B":
        value *= factor
        # 65,532 B and not 64.0 KiB: a byte more or less is what a sweep is about.
        exact = value % 1024 == 0 or value >= 1 << 24
        return format_bytes(int(value)) if exact else f"{value:,.0f} B"
    if unit == "s":
        return plain_quantity(value * factor, "s")
    return f"{value:,g}"


def _param_words(name: str, value: ParamValue) -> str:
    if value in {"True", "False"}:
        return param_name(name) if value == "True" else f"no {param_name(name)}"
    if isinstance(value, str):
        return clean(value)
    if name == "children" or (name.endswith("s") and "_" not in name):
        # A plural counts things: 2 workers.
        return f"{value:,g} {name[:-1] if value == 1 and name.endswith('s') else name}"
    return f"{param_name(name)} {param_value(name, value)}"


def params_words(params: Mapping[str, ParamValue]) -> str:
    """Write parameters in a row: `payload 64 B, 2 workers, bytes`."""
    return ", ".join(_param_words(name, value) for name, value in params.items())


def reading_name(fact: str, metric: str) -> str:
    """Write what a reading is: a fact's own name, or the metric's."""
    return clean((fact or metric).replace("_", " ").replace("-", " "))


def quantity(value: float, unit: str) -> str:
    """Write a value with three digits and its unit."""
    return format_quantity(value, unit) if unit != "B" else format_bytes(round(value))


def plain_quantity(value: float, unit: str) -> str:
    """Write a chosen value, which has no digits to spare: 2 ms and not 2.00 ms."""
    number, space, name = format_quantity(value, unit).partition(" ")
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{number}{space}{name}" if value else "0"


def interval_words(measurement: Measurement) -> str:
    """Write the 95 % interval of a reading, or that there is none."""
    if measurement.low is None or measurement.high is None:
        return f"no interval from {len(measurement.agents)} agents"
    low, high = (quantity(end, measurement.unit) for end in (measurement.low, measurement.high))
    return f"{low} to {high}"


def ratio_words(ratio: float) -> str:
    """Write a ratio with as many digits as a reader can use."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"  # noqa: PLR2004 - three digits


def compared(series: Mapping[str, Measurement]) -> str:
    """
    Say which series is best at one place and how far the others are from it.

    A difference is only claimed where the intervals leave no doubt; without
    intervals the values stand there without a judgement.
    """
    if not all(line.has_interval for line in series.values()):
        values = (
            f"{clean(name)} {quantity(line.value, line.unit)}" for name, line in series.items()
        )
        return f"{', '.join(values)}{_NO_INTERVALS}"
    ordered = sorted(
        series.items(), key=lambda pair: pair[1].value, reverse=_is_higher_better(series.values())
    )
    best_name, best = ordered[0]
    same = [clean(name) for name, entry in ordered[1:] if entry.overlaps(best)]
    rest = [
        f"{clean(name)} {_against(entry, best)}"
        for name, entry in ordered[1:]
        if not entry.overlaps(best) and min(entry.value, best.value) > 0
    ]
    if same:
        rest.insert(0, f"{_joined(same)} about the same")
    words = f"{clean(best_name)} {quantity(best.value, best.unit)}".strip()
    return f"{words}; {', '.join(rest)}" if rest else words


def once(caption: str) -> str:
    """Say of a whole caption once, and not in each sentence, that there are no intervals."""
    head, words, tail = caption.rpartition(_NO_INTERVALS)
    return head.replace(_NO_INTERVALS, "") + words + tail


def _joined(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _against(measurement: Measurement, best: Measurement) -> str:
    """Write how far a reading is from the best: a share of a rate, a multiple of a cost."""
    if best.is_higher_better:
        return f"reaches {measurement.value / best.value:.0%}".replace("%", " %")
    times = ratio_words(measurement.value / best.value)
    return f"{times} times as {'long' if best.is_time else 'much'}"


def _is_higher_better(readings: Iterable[Measurement]) -> bool:
    return next(iter(readings)).is_higher_better


def table_of(readings: Sequence[Measurement]) -> pd.DataFrame:
    """Return what a figure shows as a table for people, one row for each reading."""
    rows = [
        {
            "workload": reading.workload,
            "start method": reading.method or "any",
            "parameters": params_words(reading.params) or "none",
            "reading": reading_name(reading.fact, reading.metric),
            "median": quantity(reading.value, reading.unit),
            "95 % interval": interval_words(reading),
            "agents": len(reading.agents),
        }
        for reading in readings
    ]
    columns = ["workload", "start method", "parameters", "reading", "median", "95 % interval"]
    return pd.DataFrame(rows, columns=[*columns, "agents"])
