"""CSV of the summaries: one row for each measurement, numbers in base units."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd

from mpbench.printable import printable

__all__ = ("COLUMNS", "field_text", "to_csv")

# The order of the columns; parameters follow the method.
COLUMNS = (
    *("run", "machine", "subject", "python", "arm", "family", "workload", "method", "params"),
    *("fact", "metric", "unit", "status", "reason", "attempts", "failed", "agents", "samples"),
    *("coverage", "median", "low", "high", "smallest", "largest", "spread"),
    *("observed", "p50", "p90", "p99", "p999", "bandwidth"),
    *("floor", "floor_ratio", "floor_ratio_low", "floor_ratio_high"),
    *("base", "method_ratio", "method_ratio_low", "method_ratio_high", "revision", "key"),
)

# A spreadsheet runs a text that begins with one of these.
_FORMULA = ("=", "+", "-", "@")


def field_text(value: Any) -> str:
    """Return a field: nothing for a missing value, no text that a spreadsheet would run."""
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.9g}"
    if isinstance(value, (bool, int, np.integer)):
        return str(value)
    if value is None or value is pd.NA:
        return ""
    text = printable(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def to_csv(summaries: pd.DataFrame) -> str:
    """
    Return the summaries as CSV (RFC 4180, but with plain line feeds).

    A missing number is an empty field. A text that a spreadsheet would take
    for a formula gets an apostrophe in front.
    """
    params = [name for name in summaries.columns if name.startswith("param:")]
    place = COLUMNS.index("params") + 1
    names = [*COLUMNS[:place], *params, *COLUMNS[place:]]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([field_text(name) for name in names])
    # Lists of columns: walking a text column of pandas value by value is far slower.
    for row in zip(*(map(field_text, summaries[name].tolist()) for name in names), strict=True):
        writer.writerow(row)
    return file.getvalue()
