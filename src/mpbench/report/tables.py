"""
The tables of a report, as records that any format can show.

A cell has the text that people read and the value behind it, so that the
terminal, the page, Markdown and CSV say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from mpbench.report import formatting
from mpbench.report.cells import (
    Row,
    case_text,
    fact_cell,
    interval_cell,
    is_known,
    median_cell,
    method_cell,
    number_cell,
    param_cell,
    ratio_cell,
    target_of,
    told_apart,
    varying_params,
)
from mpbench.report.document import Cell, Column, Table
from mpbench.report.formatting import DASH, TIMES
from mpbench.report.groups import Groups
from mpbench.report.spread_plots import spread_plots

__all__ = ("failures", "terminal", "workload_table")


_METHOD = Column("start_method", "Start method")
_MEDIAN = Column(
    "median",
    "Median",
    "Over the agents, of each agent's median sample; a sample is the mean of its operations.",
    is_number=True,
)
_INTERVAL = Column(
    "interval", "95 % interval", "For the median, from the spread between agents.", is_number=True
)
_SPREAD = Column(
    "spread", "Agents", "Each dot is one agent, the line their median, the band its interval."
)
_FLOOR = Column(
    "floor_ratio",
    f"{TIMES} floor",
    "How many times the cheapest thing that uses the same kernel mechanism.",
    is_number=True,
)
_RATIO = Column(
    "method_ratio",
    f"{TIMES} base",
    "The cost against that of fork, or of the first start method measured; above 1 is worse.",
    is_number=True,
)
_P99 = Column("p99", "p99", "99 of 100 single operations were faster.", is_number=True)
_P999 = Column("p999", "p99.9", "999 of 1,000 single operations were faster.", is_number=True)
_BANDWIDTH = Column("bandwidth", "Bandwidth", "Payload over time.", is_number=True)


def _ordered(rows: Iterable[Row], groups: Groups) -> list[Row]:
    """Put equal parameters together, then what one machine measured, then start methods."""
    known = list(rows)
    machines = {group: place for place, group in enumerate(groups.all)}
    places = {
        params: place for place, params in enumerate(dict.fromkeys(r["params"] for r in known))
    }

    def place(row: Row) -> tuple[int, int, int]:
        method = groups.method_rank(row["method"])
        return places[row["params"]], machines[groups.of(row)], method

    return sorted(known, key=place)


class _WorkloadTable:
    """The columns that one workload's table needs, and its rows."""

    def __init__(self, rows: Sequence[Row], facts: Mapping[Any, Mapping[str, Row]]) -> None:
        self.rows = rows
        self.facts = facts
        self.varying, self.fixed = told_apart(rows)
        names = [name for row in rows for name in facts.get((row["case"], row["arm"]), {})]
        self.fact_names = tuple(dict.fromkeys(names))
        self.has = {
            name: any(is_known(row[name]) for row in rows)
            for name in ("floor_ratio", "method_ratio", "p99", "p999", "bandwidth")
        }
        self.has_methods = any(row["method"] for row in rows)

    def columns(self, groups: Groups) -> tuple[Column, ...]:
        """Return the columns, without those that would be empty or the same in every row."""
        columns = [Column(name, groups.title(name)) for name in groups.columns]
        columns += [
            Column(
                name[6:],
                formatting.param_title(name[6:]).capitalize(),
                is_number=all(isinstance(row[name], float) for row in self.rows),
            )
            for name in self.varying
        ]
        if self.has_methods:
            columns.append(_METHOD)
        columns += [_MEDIAN, _INTERVAL, _SPREAD]
        columns += [column for column in (_FLOOR, _RATIO) if self.has[column.key]]
        optional = {"p99": _P99, "p999": _P999, "bandwidth": _BANDWIDTH}
        columns += [column for name, column in optional.items() if self.has[name]]
        columns += [
            Column(name, name.replace("_", " "), "Median of a further reading.", is_number=True)
            for name in self.fact_names
        ]
        return tuple(columns)

    def cells(self, row: Row, groups: Groups, targets: Mapping[Any, str]) -> tuple[Cell, ...]:
        """Return one row, without the strip of its agents."""
        group = groups.of(row)
        cells = [
            Cell(groups.value(name, group), groups.value(name, group)) for name in groups.columns
        ]
        cells += [param_cell(name[6:], row[name]) for name in self.varying]
        if self.has_methods:
            cells.append(Cell(row["method"] or DASH, row["method"] or None))
        cells += [median_cell(row), interval_cell(row), Cell("")]
        if self.has["floor_ratio"]:
            target = targets.get((row["run"], row["subject"], row["floor"]), "")
            cells.append(ratio_cell(row, "floor_ratio", f"; floor: {row['floor']}", target))
        if self.has["method_ratio"]:
            cells.append(method_cell(row))
        cells += [number_cell(row[name], "s") for name in ("p99", "p999") if self.has[name]]
        if self.has["bandwidth"]:
            cells.append(number_cell(row["bandwidth"], "B/s"))
        own = self.facts.get((row["case"], row["arm"]), {})
        cells += [fact_cell(own.get(name)) for name in self.fact_names]
        return tuple(cells)


def workload_table(
    rows: Sequence[Row],
    facts: Mapping[Any, Mapping[str, Row]],
    groups: Groups,
    targets: Mapping[Any, str],
    agents: Mapping[Any, tuple[float, ...]],
) -> Table:
    """
    Return the table of one workload: a row for each case.

    Args:
        rows: The main readings, rows of `summarize` as mappings with `row_key`.
        facts: The further readings by (case, arm) and name.
        groups: The groups of the report.
        targets: The row keys of main readings by (run, subject, case id).
        agents: The medians of each agent by (case, arm); empty to draw none.
    """
    rows = _ordered(rows, groups)
    plan = _WorkloadTable(rows, facts)
    columns = plan.columns(groups)
    place = [column.key for column in columns].index("spread")
    drawn = spread_plots(rows, agents)
    made = []
    for row, strip in zip(rows, drawn, strict=True):
        cells = list(plan.cells(row, groups, targets))
        # One value has no spread.
        has_spread = strip is not None and row["agents"] > 1
        text = formatting.percent_text(float(row["spread"])) if has_spread else ""
        cells[place] = Cell(text, float(row["spread"]) if has_spread else None, strip=strip)
        made.append(tuple(cells))
    name = str(rows[0]["workload"])
    caption = f"{name}: {rows[0]['label']}"
    caption += f"; {plan.fixed} in every case" if plan.fixed else ""
    return Table(
        f"table-{formatting.slug(name)}",
        name,
        caption,
        columns,
        tuple(made),
        tuple(row["row_key"] for row in rows),
    )


def failures(summaries: pd.DataFrame, groups: Groups) -> Table | None:
    """Return every case that gave nothing, or not in every repetition, with its reason."""
    main = summaries[(summaries["fact"] == "")]
    bad = main[(main["status"] != "ok") | (main["failed"] > 0)]
    # A further reading that a case cannot have is neither failed nor skipped: it is n/a.
    is_lost = (summaries["fact"] != "") & (summaries["agents"] == 0)
    lacking = summaries[is_lost & (summaries["status"] != "skipped")]
    every: list[Any] = pd.concat([bad, lacking]).to_dict("records")
    rows = [
        (
            *(Cell(groups.value(name, groups.of(row))) for name in groups.columns),
            Cell(
                f"{row['id']}, {row['fact']}" if row["fact"] else row["id"], target=target_of(row)
            ),
            Cell(row["status"] if row["status"] != "ok" else "failed in part"),
            Cell(f"{row['failed']} of {row['attempts']}"),
            Cell(row["reason"] or row["failure"]),
        )
        for row in every
    ]
    if not rows:
        return None
    columns = [Column(name, groups.title(name)) for name in groups.columns]
    columns += [Column("case", "Case"), Column("status", "Status")]
    columns += [Column("failed", "Repetitions"), Column("reason", "Reason")]
    return Table(
        "failures",
        "Failed and skipped",
        "What was not measured, and why",
        tuple(columns),
        tuple(rows),
    )


def terminal(summaries: pd.DataFrame) -> tuple[Table, ...]:
    """Return one table for each family, narrow enough for a terminal."""
    groups = Groups(summaries)
    tables = []
    main = summaries[summaries["fact"] == ""]
    for family, part in main.groupby("family", sort=False):
        rows = part.to_dict("records")
        columns = [Column(name, groups.title(name)) for name in groups.columns]
        columns += [Column("case", "Case"), _METHOD, _MEDIAN, _INTERVAL, _FLOOR, _RATIO]
        made = [
            _terminal_row(row, groups, varying_params(one))
            for one in _by_workload(rows)
            for row in _ordered(one, groups)
        ]
        title = formatting.family_title(str(family))
        caption = formatting.family_text(str(family))
        tables.append(
            Table(
                f"family-{formatting.slug(str(family))}",
                title,
                caption,
                tuple(columns),
                tuple(made),
            )
        )
    return tuple(tables)


def _by_workload(rows: Sequence[Any]) -> list[list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["workload"], []).append(row)
    return list(found.values())


def _terminal_row(row: Row, groups: Groups, varying: Sequence[str]) -> tuple[Cell, ...]:
    group = groups.of(row)
    name = case_text(row, varying)
    return (
        *(Cell(groups.value(column, group)) for column in groups.columns),
        Cell(name, name),
        Cell(row["method"] or DASH, row["method"] or None),
        median_cell(row),
        interval_cell(row),
        ratio_cell(row, "floor_ratio"),
        method_cell(row) if row["method"] else Cell(DASH),
    )
