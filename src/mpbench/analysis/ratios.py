"""
Cost ratios, with intervals, of readings from the same run.

A cost is a time, or the inverse of a rate, so that a ratio above 1 is worse
whatever the direction of the metric. The two medians come from different
agents and are independent; the interval of their ratio follows from their
own intervals on the logarithmic scale by the method of variance estimates
recovery (G. Y. Zou and A. Donner, Statistics in Medicine 27, 2008).

These intervals describe one session. They are not corrected for looking at
many of them; `mpbench compare` is what gives verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ("add_floor_ratios", "add_method_ratios", "cost_ratio")

# In this order the first start method that was measured is the base.
_METHODS = ("fork", "spawn", "forkserver")
_INVERTED = ("op/s", "B/s")
# What a ratio means nothing of: it may be 0, or less of it is not cheaper.
_PLAIN = ("count", "share", "fairness", "efficiency")


def _costs(table: pd.DataFrame) -> pd.DataFrame:
    """Return the logarithms of median, low and high as costs, and what the cost is in."""
    inverted = table["unit"].isin(_INVERTED)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = {name: np.log(table[name].astype(float)) for name in ("median", "low", "high")}
    return pd.DataFrame(
        {
            "value": np.where(inverted, -logs["median"], logs["median"]),
            "low": np.where(inverted, -logs["high"], logs["low"]),
            "high": np.where(inverted, -logs["low"], logs["high"]),
            "dimension": table["unit"].replace({"op/s": "s"}),
        },
        index=table.index,
    )


def _ratios(mine: pd.DataFrame, other: pd.DataFrame, prefix: str) -> dict[str, Any]:
    """Return ratio and interval of two sets of costs, row by row."""
    same = mine["dimension"] == other["dimension"]
    centre = (mine["value"] - other["value"]).where(same & np.isfinite(mine["value"]))
    below = np.hypot(mine["value"] - mine["low"], other["high"] - other["value"])
    above = np.hypot(mine["high"] - mine["value"], other["value"] - other["low"])
    return {
        prefix: np.exp(centre),
        f"{prefix}_low": np.exp(centre - below),
        f"{prefix}_high": np.exp(centre + above),
    }


class _Cost(NamedTuple):
    """The logarithms of median, low and high of one row, as costs."""

    value: float
    low: float
    high: float


def _cost(row: Mapping[str, Any]) -> _Cost:
    with np.errstate(divide="ignore", invalid="ignore"):
        value, low, high = (float(np.log(float(row[name]))) for name in ("median", "low", "high"))
    return _Cost(-value, -high, -low) if row["unit"] in _INVERTED else _Cost(value, low, high)


def _dimension(row: Mapping[str, Any]) -> str:
    return "s" if row["unit"] == "op/s" else str(row["unit"])


def cost_ratio(mine: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[float, float, float]:
    """
    Return the cost of one reading as a multiple of another's, with its interval.

    Args:
        mine: A row of `summarize`.
        other: Another one, whose median is independent of the first.

    Returns:
        Ratio, low and high; NaN where the two cannot be compared.
    """
    one, against = _cost(mine), _cost(other)
    if _dimension(mine) != _dimension(other) or not math.isfinite(one.value):
        return math.nan, math.nan, math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        centre = np.subtract(one.value, against.value)
        below = np.hypot(one.value - one.low, against.high - against.value)
        above = np.hypot(one.high - one.value, against.value - against.low)
        found = np.exp([centre, centre - below, centre + above])
    return float(found[0]), float(found[1]), float(found[2])


def add_floor_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Add the cost of each main reading as a multiple of its floor's, from the same run."""
    costs = _costs(table)
    main = (table["fact"] == "") & table["median"].notna()
    keys = ["run", "subject", "arm", "id"]
    floors = costs.assign(**{name: table[name] for name in keys})[main].drop_duplicates(keys)
    wanted = pd.DataFrame({"run": table["run"], "subject": table["subject"]})
    wanted["arm"], wanted["id"] = table["arm"], table["floor"].where(table["fact"] == "", "")
    found = wanted.merge(floors, on=keys, how="left").set_axis(table.index)
    return table.assign(**_ratios(costs, found, "floor_ratio"))


def add_method_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Add the cost of each reading as a multiple of the base start method's."""
    costs = _costs(table)
    keys = ["run", "subject", "arm", "workload", "params", "fact"]
    rank = table["method"].map({name: place for place, name in enumerate(_METHODS)})
    usable = rank.notna() & table["median"].notna() & ~table["metric"].isin(_PLAIN)
    named = costs.assign(base=table["method"], rank=rank, **{name: table[name] for name in keys})
    bases = named[usable].sort_values("rank", kind="stable").drop_duplicates(keys)
    found = table[keys].merge(bases.drop(columns="rank"), on=keys, how="left")
    found = found.set_axis(table.index)
    added = _ratios(costs, found, "method_ratio")
    is_base = usable & (table["method"] == found["base"])
    for name in ("method_ratio_low", "method_ratio_high"):
        added[name] = added[name].mask(is_base, 1.0)
    ratios = {name: column.where(usable, math.nan) for name, column in added.items()}
    return table.assign(base=found["base"].where(usable, "").fillna(""), **ratios)
