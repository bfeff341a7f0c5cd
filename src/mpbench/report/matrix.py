"""The matrix: what each start method costs against the base, for each machine and Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mpbench.report import formatting
from mpbench.report.cells import case_text, method_cell, number_cell, target_of, varying_params
from mpbench.report.document import Cell, Column, Table
from mpbench.report.formatting import DASH
from mpbench.report.groups import Groups, ResultGroup

__all__ = ("matrix", "tone_of")

# A matrix of more rows or groups is a wall of numbers; the tables have them all.
_MOST_ROWS = 60
_MOST_GROUPS = 6
# Ratios at which the colour changes; the same on both sides of 1.
_STEPS = (1.1, 1.5, 3.0)


def tone_of(ratio: float) -> int:
    """Return the colour of a ratio: 0 near 1, to 3 for dear and to -3 for cheap."""
    away = ratio if ratio >= 1 else 1 / ratio
    size = sum(away >= step for step in _STEPS)
    return size if ratio >= 1 else -size


def _cell(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell(DASH, None, "not measured")
    if row["agents"] == 0:
        return Cell(row["status"], None, row["reason"], target=target_of(row))
    if row["method"] == row["base"]:
        digits = formatting.digits_for(row["median"], row["low"], row["high"])
        cell = number_cell(row["median"], row["unit"], digits=min(3, digits), note=row["label"])
        return cell._replace(target=target_of(row))
    cell = method_cell(row)
    ratio = row["method_ratio"]
    if not math.isfinite(ratio):
        return cell._replace(target=target_of(row))
    # Without an interval nothing is shown to differ either.
    is_shown = row["method_ratio_low"] > 1 or row["method_ratio_high"] < 1
    own = formatting.quantity_text(row["median"], row["unit"])
    return cell._replace(
        note=f"{own}; {cell.note}", tone=tone_of(ratio) if is_shown else 0, target=target_of(row)
    )


def _first_cases(main: pd.DataFrame) -> pd.DataFrame:
    """Keep the first parameter values of each workload: those that are planned first."""
    firsts = main.drop_duplicates("workload")[["workload", "params"]]
    return main.merge(firsts, on=["workload", "params"])


def _columns(groups: Sequence[ResultGroup], methods: Sequence[str], every: Groups) -> list[Column]:
    columns = [Column("case", "Case")]
    for group in groups:
        label = every.label(group)
        columns += [
            Column(
                f"{label} {method}".strip(),
                f"{method}, {label}" if label else method,
                is_number=True,
            )
            for method in methods
        ]
    return columns


def _caption(
    base: str, groups: Sequence[ResultGroup], every: Groups, *, shortened: bool, has_gaps: bool
) -> str:
    text = (
        f"Costs against {base} on the same machine and Python; {base} itself in its own unit. "
        "Above 1 is slower. A ratio after ~ is one whose 95 % interval holds 1, or has none."
    )
    if shortened:
        text += " Each workload stands with its first parameters; the tables below have them all."
    if has_gaps:
        text += (
            f" {DASH} was not measured here: a quick tier measures some workloads under one start "
            "method only, and not every Python has each."
        )
    if len(groups) < len(every):
        text += f" The first {len(groups)} of {len(every)} are shown."
    return text


def matrix(summaries: pd.DataFrame, every: Groups) -> Table | None:
    """
    Return the matrix of start methods, or None where fewer than two were measured.

    Args:
        summaries: What `summarize` returned, with `row_key`.
        every: The groups of the report.
    """
    main = summaries[(summaries["fact"] == "") & (summaries["method"] != "")]
    methods = sorted(set(main["method"]), key=Groups.method_rank)
    if len(methods) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    shortened = len(main[["workload", "params"]].drop_duplicates()) > _MOST_ROWS
    if shortened:
        main = _first_cases(main)
    groups = every.all[:_MOST_GROUPS]
    found: dict[tuple[str, str, ResultGroup, str], Any] = {
        (row["workload"], row["params"], every.of(row), row["method"]): row
        for row in main.to_dict("records")
    }
    by_workload: dict[str, list[Any]] = {}
    for key, row in found.items():
        by_workload.setdefault(key[0], []).append(row)
    varying = {workload: varying_params(each) for workload, each in by_workload.items()}
    rows = []
    for workload, params in dict.fromkeys((key[0], key[1]) for key in found):
        first = next(row for key, row in found.items() if key[:2] == (workload, params))
        name = case_text(first, varying[workload])
        cells = [_cell(found.get((workload, params, g, m))) for g in groups for m in methods]
        rows.append((Cell(name, name), *cells))
    has_gaps = any(cell.text == DASH for row in rows for cell in row)
    caption = _caption(methods[0], groups, every, shortened=shortened, has_gaps=has_gaps)
    columns = _columns(groups, methods, every)
    return Table("matrix", "Start methods", caption, tuple(columns), tuple(rows))
