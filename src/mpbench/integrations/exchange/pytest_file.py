"""JSON of pytest-benchmark, written and read."""

from __future__ import annotations

import hashlib
import json
import statistics
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mpbench.integrations.exchange.imported import (
    ImportedBenchmark,
    Origin,
    imported_run,
    noted_metric,
    reading,
    values_in,
)
from mpbench.integrations.exchange.medians import facts_of, readings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mpbench.integrations.exchange.medians import Readings
    from mpbench.model import Run

__all__ = ("pytest_json", "read_pytest_json")

_EXPECTED = "a pytest-benchmark file (of --benchmark-json, -save or -autosave)"
_LARGEST = 2**63 - 1
_NO_COMMIT = (None, "unknown", "unversioned")

# What says that a round is an agent: the names in our exports, and the clock of our plugin.
_EXPORTED, _CLOCK = "mpbench::", "mpbench_agent_clock"


def _stats(values: Sequence[float]) -> dict[str, Any]:
    """Return the statistics that pytest-benchmark's tables and comparison read."""
    low, middle, high = (float(found) for found in np.quantile(values, (0.25, 0.5, 0.75)))
    mean, spread = statistics.fmean(values), high - low
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    inside = [value for value in values if low - 1.5 * spread <= value <= high + 1.5 * spread]
    near = [value for value in values if abs(value - mean) <= deviation]
    far, distant = len(values) - len(near), len(values) - len(inside)
    return {
        "min": min(values),
        "max": max(values),
        "mean": mean,
        "stddev": deviation,
        "rounds": len(values),
        "median": middle,
        "iqr": spread,
        "q1": low,
        "q3": high,
        "iqr_outliers": distant,
        "stddev_outliers": far,
        "outliers": f"{far};{distant}",
        "ld15iqr": min(inside),
        "hd15iqr": max(inside),
        "ops": 1.0 / mean,
        "total": sum(values),
        "data": list(values),
        "iterations": 1,
    }


def _benchmark(readings: Readings) -> dict[str, Any]:
    case = readings.record.case
    params = dict(case.params)
    if case.method is not None:
        params["method"] = case.method.value
    return {
        "group": case.workload,
        "name": readings.name,
        "fullname": f"{_EXPORTED}{readings.name}",
        "params": params or None,
        "param": "-".join(str(value) for value in params.values()) or None,
        "extra_info": {
            "workload": case.workload,
            "start_method": None if case.method is None else case.method.value,
            "case_params": dict(case.params),
            "revision": readings.record.revision,
            "subject": readings.record.subject,
            "metric": readings.record.metric.key,
        },
        "options": {
            "disable_gc": True,
            "timer": "perf_counter_ns",
            "min_rounds": len(readings.seconds),
            "max_time": 0.0,
            "min_time": 0.0,
            "precision": None,
            "confidence": None,
            "warmup": True,
        },
        "stats": _stats(readings.seconds),
    }


def pytest_json(runs: Sequence[Run]) -> str:
    """
    Return the text of a file that `pytest-benchmark compare` reads.

    Raises:
        UsageError: Nothing in the runs is timed.
    """
    header = runs[0].header
    cpu, kernel = facts_of(header, "cpu"), facts_of(header, "kernel")
    content = {
        "machine_info": {
            "node": header.machine,
            "machine": cpu.get("architecture"),
            "system": kernel.get("system"),
            "release": kernel.get("release"),
            "python_implementation": "CPython",
            "python_version": ", ".join(header.subjects),
            "cpu": {"brand_raw": cpu.get("model"), "count": cpu.get("logical")},
        },
        "commit_info": {
            "id": str(facts_of(header, "source").get("commit") or "unknown"),
            "time": header.started_utc,
            "author_time": header.started_utc,
            "dirty": False,
            "project": "mpbench",
            "branch": "(unknown)",
        },
        "benchmarks": [_benchmark(readings) for readings in readings_of(runs)],
        "datetime": header.started_utc,
        "version": "5.2.3",
    }
    return json.dumps(content, allow_nan=False, indent=1) + "\n"


def _is_agents(entry: Mapping[str, Any]) -> bool:
    """Tell whether our plugin or an export of ours wrote a benchmark, one round for each agent."""
    timer = (entry.get("options") or {}).get("timer")
    return timer == _CLOCK or str(entry.get("fullname")).startswith(_EXPORTED)


def _ours(noted: object, seconds: tuple[float, ...]) -> ImportedBenchmark | None:
    """Return what mpbench noted beside a benchmark; a test may note anything else there."""
    if not isinstance(noted, dict):
        return None
    name, params = noted.get("workload"), noted.get("case_params")
    method, revision = noted.get("start_method"), noted.get("revision", 1)
    if not (isinstance(name, str) and isinstance(params, dict)):
        return None
    if not (isinstance(revision, int) and 0 <= revision <= _LARGEST):
        return None
    metric = noted_metric(noted.get("metric"))
    return ImportedBenchmark(
        name,
        None if method is None else str(method),
        params,
        values_in(metric, seconds),
        int(revision),
        metric=metric,
    )


def _foreign(entry: Mapping[str, Any]) -> ImportedBenchmark:
    """Return one benchmark; what mpbench wrote or measured says itself which case it is."""
    stats = entry["stats"]
    has_data = "data" in stats
    # Without --benchmark-save-data a file has the statistics alone.
    seconds = tuple(float(value) for value in (stats["data"] if has_data else [stats["median"]]))
    doc = "" if has_data else f"The median of {stats.get('rounds')} rounds, saved without its data."
    params, ours = entry.get("params") or {}, _ours(entry.get("extra_info"), seconds)
    if ours is not None:
        return ours._replace(is_agents=has_data and _is_agents(entry), doc=doc)
    given = {name: value for name, value in params.items() if isinstance(value, (str, int, float))}
    method = given.pop("method", None)
    name = f"{entry.get('group') or 'pytest'}/{entry['name']}"
    method = None if method is None else str(method)
    return ImportedBenchmark(name, method, given, seconds, doc=doc)


def _dictionary(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _machine_facts(machine: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of the machine as docs/FORMAT.md has them; what is missing stays so."""
    cpu = _dictionary(machine.get("cpu"))
    facts = {
        "cpu": {
            "architecture": machine.get("machine"),
            "model": cpu.get("brand_raw") or cpu.get("brand"),
            "logical": cpu.get("count"),
        },
        "kernel": {"system": machine.get("system"), "release": machine.get("release")},
    }
    return {
        name: {key: value for key, value in fact.items() if value}
        for name, fact in facts.items()
        if any(fact.values())
    }


def _origin(content: Mapping[str, Any], digest: str) -> Origin:
    machine = content["machine_info"]
    commit = _dictionary(content.get("commit_info"))
    implementation = str(machine.get("python_implementation") or "CPython")
    python = str(machine.get("python_version", "unknown"))
    version = str(machine.get("python_implementation_version") or python)
    is_cpython = implementation == "CPython"
    plan = {} if commit.get("id") in _NO_COMMIT else {"commit": str(commit["id"])}
    if commit.get("time"):
        plan["commit_date"] = str(commit["time"])
    moment = datetime.fromisoformat(content["datetime"])
    return Origin(
        "pytest-benchmark",
        str(machine.get("node", "unknown")),
        python if is_cpython else version,
        moment.replace(tzinfo=moment.tzinfo or UTC).isoformat(),
        implementation,
        "" if is_cpython else f"{implementation}-{version}",
        digest,
        plan,
        {**_machine_facts(machine), "source": {"commit": plan.get("commit")}},
    )


def read_pytest_json(path: Path) -> Run:
    """
    Read a JSON file of pytest-benchmark as a run.

    The rounds of a test become the samples of one repetition, for one process
    made them all; without them there is the median alone. Only in what our plugin
    or an export of ours wrote is each round a repetition: there it is the median of a
    fresh agent.

    Raises:
        RecordError: It is no such file.
    """
    with reading(path, _EXPECTED):
        text = path.read_bytes()
        content = json.loads(text)
        return imported_run(
            str(path),
            [_foreign(benchmark) for benchmark in content["benchmarks"]],
            _origin(content, hashlib.sha256(text).hexdigest()),
        )
