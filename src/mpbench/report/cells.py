"""One cell at a time: how a row of the summaries is written, and the value behind the text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mpbench.report import formatting
from mpbench.report.document import Cell
from mpbench.report.formatting import DASH

__all__ = (
    "Row",
    "case_text",
    "fact_cell",
    "interval_cell",
    "is_known",
    "median_cell",
    "method_cell",
    "number_cell",
    "param_cell",
    "ratio_cell",
    "target_of",
    "told_apart",
    "varying_params",
)

# A row of `summarize`; in a page also with `row_key`, which no other row of it has.
Row = Mapping[str, Any]


def is_known(value: Any) -> bool:
    """Whether a value is a number that can be shown."""
    return isinstance(value, float) and math.isfinite(value)


def number_cell(value: float, unit: str, *, digits: int = 3, note: str = "") -> Cell:
    """Return a quantity with its unit, or a dash."""
    known = is_known(value)
    return Cell(
        formatting.quantity_text(value, unit, digits=digits), value if known else None, note
    )


def median_cell(row: Row) -> Cell:
    """Return the median with the digits that its interval leaves, or why there is none."""
    if row["agents"] == 0:
        return Cell(row["status"], None, row["reason"])
    digits = formatting.digits_for(row["median"], row["low"], row["high"])
    note = f"{row['label']}; {row['agents']} agents, {row['samples']:,} samples"
    if row["failed"]:
        note += f"; {row['failed']} of {row['attempts']} repetitions failed"
    cell = number_cell(row["median"], row["unit"], digits=digits, note=note)
    return cell._replace(text=f"{cell.text} !") if row["failed"] else cell


def interval_cell(row: Row) -> Cell:
    """Return the interval of the median; a dash where there are too few agents."""
    digits = max(3, formatting.digits_for(row["median"], row["low"], row["high"]))
    text = formatting.interval_text(row["low"], row["high"], row["unit"], digits=digits)
    value = f"{row['low']:.6g} {row['high']:.6g}" if text != DASH else None
    few = 0 < row["agents"] < 6  # noqa: PLR2004 - no interval of 95 % below
    return Cell(text, value, f"{row['agents']} agents are too few; six are needed" if few else "")


def ratio_cell(row: Row, name: str, note: str = "", target: str = "") -> Cell:
    """Return a ratio of the summaries, with its interval as a note."""
    value, low, high = (float(row[one]) for one in (name, f"{name}_low", f"{name}_high"))
    if not math.isfinite(value):
        return Cell(DASH)
    if math.isfinite(low):
        note = f"95 % interval {formatting.ratio_text(low)} to {formatting.ratio_text(high)}{note}"
    return Cell(formatting.ratio_text(value), value, note.strip("; "), target=target)


def method_cell(row: Row) -> Cell:
    """Return the cost of a reading against the base start method's."""
    if row["method"] == row["base"]:
        return Cell("base", 1.0 if row["agents"] else None)
    cell = ratio_cell(row, "method_ratio", f"; against {row['base']}")
    is_shown = row["method_ratio_low"] > 1 or row["method_ratio_high"] < 1
    if is_shown or cell.value is None:
        return cell
    why = "no difference shown" if is_known(row["method_ratio_low"]) else "too few agents to tell"
    return cell._replace(text=f"~ {cell.text}", note=f"{why}; {cell.note}")


def target_of(row: Row) -> str:
    """Return the id of the row of a case in the page."""
    return f"case-{row.get('row_key', row['key'])}"


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _used(rows: Sequence[Row]) -> dict[str, set[Any]]:
    """Return the values of each parameter."""
    names = [name for name in rows[0] if name.startswith("param:")]
    return {name: {row[name] for row in rows if not _is_missing(row[name])} for name in names}


def varying_params(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the columns of the parameters that have more than one value."""
    return tuple(name for name, values in _used(rows).items() if len(values) > 1)


def case_text(row: Row, varying: Sequence[str]) -> str:
    """Return a workload with those parameters that tell its cases apart."""
    words = [
        f"{formatting.param_title(name[6:])} {formatting.param_text(name[6:], row[name])}"
        for name in varying
        if not _is_missing(row[name])
    ]
    return ", ".join((str(row["workload"]), *words))


def told_apart(rows: Sequence[Row]) -> tuple[tuple[str, ...], str]:
    """Return the parameters that vary, and the others as words."""
    used = _used(rows)
    varying = varying_params(rows)
    fixed = [
        f"{formatting.param_title(name[6:])} {formatting.param_text(name[6:], next(iter(values)))}"
        for name, values in used.items()
        if len(values) == 1
    ]
    return varying, formatting.join_words(fixed)


def param_cell(name: str, value: Any) -> Cell:
    """Return the value of a parameter."""
    missing = _is_missing(value)
    return Cell(formatting.param_text(name, value), None if missing else value)


def fact_cell(row: Row | None) -> Cell:
    """Return a further reading of a case; a dash where it has none."""
    if row is None or row["agents"] == 0:
        return Cell(DASH, None, "" if row is None else row["reason"])
    digits = formatting.digits_for(row["median"], row["low"], row["high"])
    interval = formatting.interval_text(row["low"], row["high"], row["unit"], digits=3)
    note = f"{row['label']}, 95 % interval {interval}"
    if row["coverage"] < 1:
        note += f"; {formatting.percent_text(row['coverage'])} of the agents had it"
    return number_cell(row["median"], row["unit"], digits=digits, note=note)
