"""Spread of agents on a common scale for each table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpbench.report.document import Strip

__all__ = ("spread_plots",)

# A scale is logarithmic where its ends are further apart than this.
_LOG_FROM = 3.0
# A scale spans at least this factor, so that noise of a few per cent stays small.
_LEAST_FACTOR = 1.5


def _scale(low: float, high: float) -> Callable[[float], float]:
    """Return what places a value between 0 and 1."""
    if high / low < _LEAST_FACTOR:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(_LEAST_FACTOR), middle * math.sqrt(_LEAST_FACTOR)
    if high / low >= _LOG_FROM:
        base, span = math.log(low), math.log(high / low)
        return lambda value: (math.log(value) - base) / span
    return lambda value: (value - low) / (high - low)


def spread_plots(
    rows: Sequence[Mapping[str, Any]], agents: Mapping[Any, tuple[float, ...]]
) -> list[Strip | None]:
    """
    Return the spread of each row on one scale; None where there is nothing to draw.

    Args:
        rows: Main readings, rows of `summarize` as mappings.
        agents: The values of each agent by (case, arm).
    """
    drawn = [row["agents"] > 0 and row["smallest"] > 0 for row in rows]
    if not any(drawn):
        return [None] * len(rows)
    low = min(row["smallest"] for row, is_drawn in zip(rows, drawn, strict=True) if is_drawn)
    high = max(row["largest"] for row, is_drawn in zip(rows, drawn, strict=True) if is_drawn)
    place = _scale(low, high)

    def of(row: Mapping[str, Any]) -> Strip:
        has_interval = math.isfinite(row["low"]) and row["low"] > 0
        return Strip(
            low=place(row["low"]) if has_interval else None,
            median=place(row["median"]),
            high=place(row["high"]) if has_interval else None,
            smallest=place(row["smallest"]),
            largest=place(row["largest"]),
            points=tuple(place(value) for value in agents.get((row["case"], row["arm"]), ())),
        )

    return [of(row) if is_drawn else None for row, is_drawn in zip(rows, drawn, strict=True)]
