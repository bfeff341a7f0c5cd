"""The table of predictions on a profile's page, as words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.profiling.table import Table
from mpbench.units import format_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("what_if_sentence", "what_if_table")

_NONE = "-"


def what_if_sentence(predictions: Mapping[str, Any]) -> str:
    """Return how well the replay fits, or why nothing is predicted."""
    if predictions["withheld"] is not None:
        return f"Not predictable: {predictions['withheld']}."
    return (
        f"The replay of the program as it is takes {format_seconds(predictions['simulated_s'])}, "
        f"measured were {format_seconds(predictions['measured_s'])} "
        f"({predictions['residual']:+.1%}); without the profiler "
        f"{format_seconds(predictions['unchanged_s'])} are expected, to which the others compare."
    )


def _row(entry: Mapping[str, Any], unchanged_s: float) -> tuple[str, ...]:
    if entry["withheld"] is not None:
        because = f"not predictable because {entry['withheld']}"
        return (entry["words"], _NONE, _NONE, _NONE, _NONE, entry["place"] or _NONE, because)
    return (
        entry["words"],
        f"{entry['seconds'] / unchanged_s - 1:+.0%}",
        format_seconds(entry["seconds"]),
        f"{format_seconds(entry['low_s'])} to {format_seconds(entry['high_s'])}",
        entry["setting"] or _NONE,
        entry["place"] or _NONE,
        entry["assumption"],
    )


def _order(entry: Mapping[str, Any]) -> tuple[bool, float]:
    return entry["seconds"] is None, entry["seconds"] or 0.0


def what_if_table(record: Mapping[str, Any]) -> Table | None:
    """Return the predictions, the shortest time first; None where none were made."""
    predictions = record.get("what_if")
    if predictions is None:
        return None
    unchanged = predictions["unchanged_s"] or predictions["measured_s"]
    rows = tuple(
        _row(prediction, unchanged) for prediction in sorted(predictions["predictions"], key=_order)
    )
    caption = what_if_sentence(predictions)
    if rows:
        caption += (
            " Intervals are to hold in 90 of 100 cases. What has a key can be proven: "
            "mpbench compare takes it after the program of an arm."
        )
    return Table(
        "what-if",
        "What if",
        caption,
        ("change", "time", "seconds", "interval", "key", "at", "if"),
        ("change", "key", "at", "if"),
        rows,
    )
