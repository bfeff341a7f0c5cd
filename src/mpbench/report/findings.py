"""
Conclusions at the top of a report, from measured medians only.

A rule names what it compares. Where a run has not measured that, or where
intervals leave the order open, the rule stays silent or says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from mpbench.analysis.ratios import cost_ratio
from mpbench.report import formatting
from mpbench.report.document import Conclusion
from mpbench.report.groups import Groups
from mpbench.units import format_bytes

__all__ = ("findings",)

Row = Mapping[str, Any]


class _Compared(NamedTuple):
    """Some readings that answer one question: the first is what the others are held against."""

    subject: str
    what: str
    rows: tuple[tuple[str, Row], ...]


# A rule takes the main readings of one group and finds what it compares.
_Rule = Callable[[Sequence[Row]], _Compared | None]


def _having(rows: Sequence[Row], *workloads: str, **values: Any) -> list[Row]:
    """Return the readings of the first of the workloads that has any with these values."""
    for workload in workloads:
        found = [
            row
            for row in rows
            if row["workload"] == workload
            and all(row.get(f"param:{name}", row.get(name)) == v for name, v in values.items())
        ]
        if found:
            return found
    return []


def _base_method(rows: Sequence[Row]) -> list[Row]:
    """Keep one start method: fork, or the first there is."""
    methods = sorted({row["method"] for row in rows}, key=Groups.method_rank)
    return [row for row in rows if row["method"] == methods[0]] if methods else []


def _start(rows: Sequence[Row]) -> _Compared | None:
    found = _having(rows, "process/start-to-join")
    found = [row for row in found if row["params"] == found[0]["params"]]
    found.sort(key=lambda row: float(row["median"]))
    named = tuple((f"with {row['method']}", row) for row in found)
    subject = "{last} against {first}: to start and join a process"
    return _Compared(subject, "Starting and joining a process", named) if named else None


def _sizes(rows: Sequence[Row]) -> set[float]:
    sizes = {row.get("param:payload_bytes") for row in rows}
    return {size for size in sizes if isinstance(size, float) and not math.isnan(size)}


def _channel(rows: Sequence[Row]) -> _Compared | None:
    every = _base_method(_having(rows, "pipe/round-trip"))
    queues = _base_method(_having(rows, "queue/round-trip"))
    queues = [row for row in queues if row.get("param:kind") == "Queue"] or queues
    # A queue carries objects: a pipe with objects is its like, where that was measured.
    objects = [row for row in every if row.get("param:form") == "object"]
    pipes = objects if _sizes(objects) & _sizes(queues) else every
    known = sorted(_sizes(pipes) & _sizes(queues))
    if not known:
        return None
    size = known[0]
    pipe = next(row for row in pipes if row["param:payload_bytes"] == size)
    queue = next(row for row in queues if row["param:payload_bytes"] == size)
    text, kind = format_bytes(int(size)), queue.get("param:kind")
    name = kind if isinstance(kind, str) and kind else "Queue"
    is_plain = pipe.get("param:form") in {"bytes", "into"}
    against, way = (
        ("Pipe with bytes", "as bytes through a Pipe") if is_plain else ("Pipe", "through a Pipe")
    )
    return _Compared(
        f"{name} against {against}: {text} there and back",
        f"Sending {text} to another process and back",
        ((way, pipe), (f"through a {name}", queue)),
    )


def _chunks(rows: Sequence[Row]) -> _Compared | None:
    found = _base_method(_having(rows, "pool/task-overhead", call="map"))
    known = [row for row in found if isinstance(row.get("param:chunk_size"), float)]
    if len({row["param:chunk_size"] for row in known}) < 2:  # noqa: PLR2004 - nothing to compare
        return None
    known.sort(key=lambda row: float(row["param:chunk_size"]))
    named = tuple(
        (f"in chunks of {row['param:chunk_size']:g}", row) for row in (known[-1], known[0])
    )
    return _Compared(
        f"{named[1][0]} against {known[-1]['param:chunk_size']:g}: a task of Pool.map",
        "Handing one empty task to Pool.map",
        named,
    )


def _sharing(rows: Sequence[Row]) -> _Compared | None:
    value = _base_method(_having(rows, "shared/access", kind="Value", operation="read"))
    manager = _base_method(_having(rows, "manager/access", kind="Value"))
    if not value or not manager:
        return None
    return _Compared(
        "Manager against Value: to read one number",
        "Reading one shared number",
        (("from a Value", value[0]), ("through a Manager", manager[0])),
    )


def _lock(rows: Sequence[Row]) -> _Compared | None:
    found = _having(rows, "lock/uncontended", kind="Lock") or _having(rows, "lock/uncontended")
    found = _base_method(found)
    if not found:
        return None
    return _Compared(
        "to take and release a free Lock", "Taking and releasing a free Lock", (("", found[0]),)
    )


_RULES: tuple[_Rule, ...] = (_start, _channel, _sharing, _chunks, _lock)


def _number(row: Row) -> str:
    """Return a cost as a time, also where the reading is a rate."""
    digits = formatting.digits_for(row["median"], row["low"], row["high"])
    if row["unit"] == "op/s":
        return formatting.quantity_text(1 / row["median"], "s", digits=digits)
    return formatting.quantity_text(row["median"], row["unit"], digits=digits)


def _of_one_group(found: _Compared) -> Conclusion:
    label, base = found.rows[0]
    text = f"{found.what} takes {_number(base)} {label}".rstrip()
    figure, ratio = _number(base), math.nan
    for name, row in found.rows[1:]:
        ratio, low, high = cost_ratio(row, base)
        # Also where there is no interval.
        is_open = not (low > 1 or high < 1)
        is_known = math.isfinite(low)
        open_words = "no difference shown" if is_known else "too few agents to tell"
        against = open_words if is_open else f"{formatting.ratio_text(ratio)} as much"
        text += f", {_number(row)} {name} ({against})"
        figure = f"~ {formatting.ratio_text(ratio)}" if is_open else formatting.ratio_text(ratio)
    if len(found.rows) == 1 and math.isfinite(base["floor_ratio"]):
        is_open = base["floor_ratio_low"] <= 1 <= base["floor_ratio_high"]
        floor = "no more than" if is_open else formatting.ratio_text(base["floor_ratio"])
        text += f", {floor} its floor"
    ends = {"first": label.removeprefix("with "), "last": found.rows[-1][0].removeprefix("with ")}
    subject = found.subject.format(**ends)
    return Conclusion(
        figure,
        subject[:1].upper() + subject[1:],
        f"{text}.",
        f"case-{found.rows[-1][1]['row_key']}",
    )


def _of_groups(every: Sequence[_Compared], where: str) -> Conclusion:
    """Say over which range a ratio or a cost lies on several machines or interpreters."""
    first = every[0]
    label, last = first.rows[0][0], first.rows[-1][0]
    target = f"case-{first.rows[-1][1]['row_key']}"
    ends = {"first": label.removeprefix("with "), "last": last.removeprefix("with ")}
    subject = first.subject.format(**ends)
    subject = subject[:1].upper() + subject[1:]
    if len(first.rows) == 1:
        ordered = sorted(
            (entry.rows[0][1] for entry in every), key=lambda row: float(row["median"])
        )
        low, high = _number(ordered[0]), _number(ordered[-1])
        return Conclusion(
            f"{low} to {high}", subject, f"{first.what} takes {low} to {high} {where}.", target
        )
    ratios = sorted(cost_ratio(dict(entry.rows)[last], dict(entry.rows)[label]) for entry in every)
    low, high = formatting.ratio_text(ratios[0][0]), formatting.ratio_text(ratios[-1][0])
    span = low if low == high else f"{low} to {high}"
    text = f"{first.what} takes {span} as much {last} as {label} {where}"
    few = sum(not math.isfinite(lower) for _, lower, _ in ratios)
    if few == len(ratios):
        return Conclusion(f"~ {span}", subject, f"{text} (too few agents to tell).", target)
    unsure = sum(not (lower > 1 or upper < 1) for _, lower, upper in ratios)
    if unsure == len(ratios):
        return Conclusion(f"~ {span}", subject, f"{text} (no difference shown).", target)
    said = f"{text} (no difference shown in {unsure} of {len(ratios)})." if unsure else f"{text}."
    return Conclusion(span, subject, said, target)


def _where(groups: Groups, count: int) -> str:
    """Say what a range is over."""
    if groups.columns == ("machine",):
        return f"on {count} machines"
    if groups.columns == ("python",):
        return f"with {count} Pythons"
    return f"in {count} environments"


def _by_group(main: pd.DataFrame, groups: Groups) -> Iterator[list[Row]]:
    found: dict[Any, list[Row]] = {group: [] for group in groups.all}
    for row in main.to_dict("records"):
        found[groups.of(row)].append({str(name): value for name, value in row.items()})
    yield from found.values()


def findings(summaries: pd.DataFrame, groups: Groups) -> tuple[Conclusion, ...]:
    """
    Return the conclusions, the most important first.

    Args:
        summaries: What `summarize` returned, with `row_key`.
        groups: The groups of the report.
    """
    main = summaries[(summaries["fact"] == "") & (summaries["agents"] > 0)]
    rows = list(_by_group(main, groups))
    made = []
    for rule in _RULES:
        found = [one for one in (rule(each) for each in rows) if one is not None]
        names = {tuple(sorted(name for name, _ in entry.rows)) for entry in found}
        if len(found) == 1:
            made.append(_of_one_group(found[0]))
        elif found and len(names) == 1:
            made.append(_of_groups(_aligned(found), _where(groups, len(found))))
    return tuple(made)


def _aligned(found: Sequence[_Compared]) -> list[_Compared]:
    """Put the readings of every group in the order of the first group's."""
    order = [name for name, _ in found[0].rows]
    return [
        entry._replace(rows=tuple((name, dict(entry.rows)[name]) for name in order))
        for entry in found
    ]
