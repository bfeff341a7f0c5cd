"""
Summary table: one row for each reading of each case of each run.

The unit of analysis is the agent: samples of one agent share its memory
layout, its hash seed and its place in time, so that only their median counts.

The columns of `summarize`, beside those of the key (run, machine, subject,
python, family, workload, method, params, param:NAME) and of the case (id,
label, timing, revision, doc, no_floor):

==================  ====================================================================
case                the number of the case, as in `store.frame.cases`
key                 eight hexadecimal digits that stay the same from run to run
arm                 the arm of a comparison, empty outside one
fact                which reading: empty for the main one
metric, unit        what it means, and its base unit: s, op/s, B/s, B or 1
status, reason      `ok` when there is something to judge, and otherwise why not
attempts, failed    repetitions that were tried, and those of them that did not end well
failure             why the first of these did not, or empty
agents, samples     repetitions and samples behind the median
coverage            the share of the successful repetitions that had this reading
median, low, high   median over the agents and its 95 % interval (NaN below six agents)
smallest, largest   the extreme agents
spread              the middle half of the agents' values, as a share of the median
p50 p90 p99 p999    quantiles of single operations, where enough of them were seen
observed            how many single operations were seen
bandwidth           payload over time in B/s, where a main reading has both
floor               the case id of the floor measured in the same run, or empty
floor_ratio (and    the cost as a multiple of the floor's; 1 means that nothing is
_low, _high)        added to what the kernel and the interpreter take
base                the start method that this one is compared with
method_ratio (and   the cost as a multiple of the base's; above 1 is worse,
_low, _high)        whatever the direction of the metric
==================  ====================================================================
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mpbench.analysis import stats
from mpbench.analysis.ratios import add_floor_ratios, add_method_ratios
from mpbench.model import Run
from mpbench.store import frame as frames

__all__ = ("agent_medians", "bounds", "summarize")

Floats = npt.NDArray[np.float64]

_READING = ["case", "arm", "fact", "metric", "unit"]
_AGENT = [*_READING, "episode", "repetition"]
# A quantile is given when at least so many operations lie beyond it.
_BEYOND = 5
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}


def _positions(counts: Sequence[int]) -> dict[int, float]:
    """
    Return for each number of agents where the lower bound stands among the ordered values.

    The bound is a mixture of two neighbouring order statistics, so that the
    interval of 0, 1, 2, ... names its own place; NaN where there is none.
    """
    places: dict[int, float] = {}
    for count in counts:
        interval = stats.median_interval(range(count))
        places[count] = math.nan if interval is None else interval.low
    return places


def bounds(values: Floats, groups: npt.NDArray[np.int64]) -> pd.DataFrame:
    """
    Return median, interval and extremes of many groups at once.

    Args:
        values: One finite number for each agent.
        groups: The group of each value, from 0 without gaps.
    """
    order = np.lexsort((values, groups))
    ordered = values[order]
    counts: npt.NDArray[np.int64] = np.bincount(groups)
    starts = np.cumsum(counts) - counts
    places = _positions([int(one) for one in np.unique(counts)])
    place: Floats = np.array([places[int(count)] for count in counts])
    last: Floats = (counts - 1).astype(np.float64)

    def at(position: Floats) -> Floats:
        below = np.floor(np.nan_to_num(position)).astype(np.int64)
        above = np.minimum(below + 1, counts - 1)
        share = position - below
        found: Floats = ordered[starts + below] * (1 - share) + ordered[starts + above] * share
        return found

    median = at(last / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.subtract(at(last * 0.75), at(last * 0.25)) / np.abs(median)
    return pd.DataFrame(
        {
            "agents": counts,
            "median": median,
            "low": at(place),
            "high": at(last - place),
            "smallest": at(np.zeros_like(last)),
            "largest": at(last),
            "spread": spread,
        }
    )


def agent_medians(samples: pd.DataFrame) -> pd.DataFrame:
    """
    Return the median of each reading in each agent, and the number of its samples.

    Args:
        samples: What `store.frame.frame` returned.

    Returns:
        One row for each case, arm, fact and repetition: the values that count,
        in the column `median`; their numbers of samples in `size`.
    """
    known = samples.dropna(subset="value")
    agents = known.groupby(_AGENT, observed=True, sort=False)["value"].agg(["median", "size"])
    return agents.reset_index()


def _readings(agents: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each reading, from the medians of its agents."""
    by_reading = agents.groupby(_READING, observed=True, sort=False)
    table = by_reading["size"].sum().rename("samples").reset_index()
    groups = by_reading.ngroup().to_numpy().astype(np.int64)
    if not len(table):
        return table.assign(**dict.fromkeys(bounds_columns(), math.nan))
    return pd.concat([table, bounds(agents["median"].to_numpy(dtype=float), groups)], axis=1)


def bounds_columns() -> tuple[str, ...]:
    """Return the names of what `bounds` computes."""
    return ("agents", "median", "low", "high", "smallest", "largest", "spread")


def _attempts(repetitions: pd.DataFrame) -> pd.DataFrame:
    """Return for each case and arm how many repetitions there were, and how they ended."""
    bad = repetitions["status"] != "ok"
    keys = [repetitions["case"], repetitions["arm"]]
    table = pd.DataFrame(
        {
            "attempts": repetitions.groupby(["case", "arm"])["status"].size(),
            "failed": bad.groupby(keys).sum(),
        }
    )
    worst = repetitions[bad].groupby(["case", "arm"])[["status", "reason"]].first()
    return table.join(worst.rename(columns={"status": "bad_status", "reason": "bad_reason"}))


def _declared(catalogue: pd.DataFrame, runs: Sequence[Run]) -> pd.DataFrame:
    """Return every reading that each case declares, so that a missing one has a row."""
    rows = []
    records = (record for run in runs for record in run.cases)
    for number, record in zip(catalogue.index, records, strict=True):
        rows.append((number, "", record.metric.key, record.metric.unit))
        rows += [(number, name, fact.key, fact.unit) for name, fact in record.facts.items()]
    return pd.DataFrame(rows, columns=["case", "fact", "metric", "unit"])


def _joined(declared: pd.DataFrame, readings: pd.DataFrame, attempts: pd.DataFrame) -> pd.DataFrame:
    """Put readings beside what was declared and tried."""
    text = {name: readings[name].astype(object) for name in ("arm", "fact", "metric", "unit")}
    tried = attempts.reset_index()
    table = declared.merge(tried, on="case", how="left")
    table["arm"] = table["arm"].fillna("")
    on = ["case", "arm", "fact"]
    table = table.merge(readings.assign(**text).drop(columns=["metric", "unit"]), on=on, how="left")
    for name in ("agents", "samples", "attempts", "failed"):
        table[name] = table[name].fillna(0).astype(int)
    # Facts of a case that gave nothing at all would only repeat its failure.
    return table[(table["fact"] == "") | (table["attempts"] > table["failed"])]


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """Add coverage, and the status and reason of each row."""
    good = table["attempts"] - table["failed"]
    table["coverage"] = np.where(good > 0, table["agents"] / good.where(good > 0, 1), 0.0)
    planned = table["status"] != "ok"
    failed = ~planned & (good == 0) & (table["failed"] > 0)
    silent = ~planned & ~failed & (table["agents"] == 0)
    table.loc[failed, "status"] = table.loc[failed, "bad_status"]
    table.loc[failed, "reason"] = table.loc[failed, "bad_reason"]
    table.loc[silent & (good > 0), "reason"] = "no sample had this reading"
    table.loc[silent & (good == 0), "reason"] = "the run ended before it was measured"
    table.loc[silent, "status"] = "interrupted"
    # A fact may have nothing to tell (no consumer ever waited); the case itself may not.
    table.loc[silent & (good > 0), "status"] = np.where(
        table.loc[silent & (good > 0), "fact"] == "", "failed", "skipped"
    )
    table["failure"] = table["bad_reason"].fillna("")
    return table.drop(columns=["bad_status", "bad_reason"])


def _quantiles(runs: Sequence[Run]) -> pd.DataFrame:
    """Return quantiles of single operations for each case and arm."""
    rows = []
    for case, arm, values in frames.single_operations(runs):
        count = len(values)
        found = np.quantile(values, list(_QUANTILES.values()))
        row: dict[str, Any] = {"case": case, "arm": arm, "fact": "", "observed": count}
        for (name, level), value in zip(_QUANTILES.items(), found, strict=True):
            row[name] = value if count * (1 - level) >= _BEYOND else math.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=["case", "arm", "fact", "observed", *_QUANTILES])


def _key(row: tuple[str, str, str]) -> str:
    """Return a short name for a case on an interpreter, equal in every run."""
    return hashlib.sha256("\0".join(row).encode()).hexdigest()[:8]


def _bandwidth(table: pd.DataFrame) -> pd.Series[Any]:
    """Return payload over time; a round trip carries the payload twice."""
    if "param:payload_bytes" not in table or table["param:payload_bytes"].dtype != float:
        return pd.Series(math.nan, index=table.index)
    payload = table["param:payload_bytes"].where(table["fact"] == "")
    times = table["metric"].map({"round-trip": 2.0, "latency": 1.0, "time": 1.0})
    by_time = payload * times / table["median"]
    by_rate = (payload * table["median"]).where(table["unit"] == "op/s")
    return by_time.fillna(by_rate).where(payload > 0)


def summarize(
    runs: Sequence[Run],
    agents: pd.DataFrame | None = None,
    repetitions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """
    Return one row for each reading of each case of each run.

    Args:
        runs: What was read.
        agents: What `agent_medians` returned for them, if it is known already.
        repetitions: What `store.frame.repetitions` returned, likewise.

    The rows stand in the order in which the cases were planned, the main
    reading of a case before its facts. The module's docstring has the columns.
    """
    catalogue = frames.cases(runs)
    if repetitions is None:
        repetitions = frames.repetitions(runs)
    if agents is None:
        agents = agent_medians(frames.frame(runs))
    table = _joined(_declared(catalogue, runs), _readings(agents), _attempts(repetitions))
    own = catalogue.drop(columns=["metric", "unit"])
    table = _judged(table.merge(own, left_on="case", right_index=True))
    quantiles = _quantiles(runs).astype({"arm": object})
    table = table.merge(quantiles, on=["case", "arm", "fact"], how="left")
    table["observed"] = table["observed"].fillna(0).astype(int)
    table["bandwidth"] = _bandwidth(table)
    names = zip(table["machine"], table["subject"], table["id"], strict=True)
    table["key"] = [_key(row) for row in names]
    table = add_method_ratios(add_floor_ratios(table))
    return table.sort_values("case", kind="stable", ignore_index=True)
