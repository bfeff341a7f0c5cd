"""asv's results directory, written for `asv compare` and `asv publish`."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.analysis.stats import median_interval, quantiles
from mpbench.errors import RecordError
from mpbench.integrations.exchange.medians import facts_of, readings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mpbench.integrations.exchange.medians import Readings
    from mpbench.model import Run

__all__ = ("write_asv",)

_COLUMNS = (
    *("result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"),
    *("stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples"),
)
_CI = 0.99
# Below the smallest number of values with an order-statistic interval asv has infinity.
_ENDLESS = math.inf
_METHOD = "method"


class _Benchmark(NamedTuple):
    """One workload as asv has it: a name, and lists over every combination of parameters."""

    name: str
    pretty: str
    version: str
    doc: str
    metric: str
    names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    readings: Mapping[tuple[str, ...], Readings]


def _given(readings: Readings) -> dict[str, str]:
    """Return the parameters of a case as asv writes them, the start method first."""
    case = readings.record.case
    method = {} if case.method is None else {_METHOD: repr(case.method.value)}
    return method | {name: repr(value) for name, value in case.params}


def _grouped(every: Sequence[Readings]) -> Iterator[_Benchmark]:
    """Put the cases of a workload together, so that asv shows start methods side by side."""
    groups: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], Readings]] = defaultdict(dict)
    for entry in every:
        given = _given(entry)
        groups[entry.record.case.workload, tuple(given)][tuple(given.values())] = entry
    for (workload, names), readings in groups.items():
        record = next(iter(readings.values())).record
        columns = zip(*readings, strict=True)
        yield _Benchmark(
            workload.replace("/", ".", 1).replace("-", "_"),
            workload,
            f"{workload}:{record.revision}",
            record.doc,
            record.metric.key,
            names,
            tuple(tuple(dict.fromkeys(column)) for column in columns),
            readings,
        )


def _row(benchmark: _Benchmark, started_ms: int) -> list[Any]:
    """Return asv's row; combinations that were not measured are n/a."""
    columns: list[list[Any]] = [[] for _ in range(8)]
    for chosen in itertools.product(*benchmark.values):
        for column, value in zip(columns, _columns(benchmark.readings.get(chosen)), strict=True):
            column.append(value)
    result, *stats, samples = columns
    values = [list(given) for given in benchmark.values]
    return [result, values, benchmark.version, started_ms, 0.0, *stats, samples]


def _columns(readings: Readings | None) -> tuple[Any, ...]:
    if readings is None:
        return (math.nan, *(None,) * 7)
    low_quartile, median, high_quartile = quantiles(readings.seconds, (0.25, 0.5, 0.75))
    interval = median_interval(readings.seconds, _CI)
    low, high = (-_ENDLESS, _ENDLESS) if interval is None else (interval.low, interval.high)
    count = len(readings.seconds)
    return median, low, high, low_quartile, high_quartile, 1, count, list(readings.seconds)


def _definition(benchmark: _Benchmark) -> dict[str, Any]:
    return {
        "code": benchmark.doc,
        "name": benchmark.name,
        "param_names": list(benchmark.names),
        "params": [list(given) for given in benchmark.values],
        "pretty_name": benchmark.pretty,
        "rounds": 1,
        "timeout": 180.0,
        "type": "time",
        "unit": "seconds",
        "version": benchmark.version,
        # Of ours: seconds of one operation may be a throughput.
        "mpbench_metric": benchmark.metric,
    }


def _machine(run: Run) -> dict[str, str]:
    cpu, kernel = facts_of(run.header, "cpu"), facts_of(run.header, "kernel")
    memory = facts_of(run.header, "memory").get("total_bytes")
    return {
        "arch": str(cpu.get("architecture", "")),
        "cpu": str(cpu.get("model", "")),
        "machine": run.header.machine,
        "num_cpu": str(cpu.get("logical", "")),
        "os": str(kernel.get("system", "")),
        "ram": str(memory // 1_024 if isinstance(memory, int) else 0),
    }


def _safe(name: str) -> str:
    """Return a name that cannot lead to another folder."""
    return re.sub(r"[^\w.-]+", "_", name).strip(".") or "unknown"


def _known(path: Path) -> dict[str, Any]:
    """
    Return what a file of asv holds already, nothing where there is no file.

    Raises:
        RecordError: It is no file of asv.
    """
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise RecordError(str(path), 0, "a JSON file of asv", str(error)) from error
    if not isinstance(found, dict):
        raise RecordError(str(path), 0, "a JSON object of asv", type(found).__name__)
    return found


def _milliseconds(moment: str) -> int:
    started = datetime.fromisoformat(moment)
    return round(started.replace(tzinfo=started.tzinfo or UTC).timestamp() * 1_000)


def write_asv(
    runs: Sequence[Run], folder: Path, *, commit: str, date_ms: int | None = None
) -> tuple[Path, ...]:
    """
    Write runs as results of a commit that `asv compare` and `asv publish` read.

    Each machine and interpreter has a file of its own. What the directory
    holds already stays, other than older results of the same workloads.

    Args:
        runs: Runs of one commit.
        folder: The results directory, `.asv/results` as a rule.
        commit: The full hash that the results belong to.
        date_ms: When the commit was made, in ms since 1970, by which asv puts
            commits in order; the start of a run where it is not known.

    Returns:
        The files that were written.

    Raises:
        UsageError: Nothing is timed, or two runs hold the same case.
        RecordError: The directory holds something else.
    """
    files: dict[Path, dict[str, Any]] = {}

    def content(path: Path) -> dict[str, Any]:
        return files.setdefault(path, _known(path))

    definitions = content(folder / "benchmarks.json")
    for run in runs:
        machine, started_ms = _machine(run), _milliseconds(run.header.started_utc)
        place = folder / _safe(run.header.machine)
        if not content(place / "machine.json"):
            files[place / "machine.json"] |= {**machine, "version": 1}
        for subject in run.header.subjects:
            only = run._replace(cases=tuple(case for case in run.cases if case.subject == subject))
            environment = f"mpbench-py{_safe(subject)}"
            made = content(place / f"{commit[:8]}-{environment}.json")
            earlier = made.get("results", {})
            made |= {
                "commit_hash": commit,
                "env_name": environment,
                "date": started_ms if date_ms is None else date_ms,
                "params": {**machine, "python": subject},
                "python": subject,
                "requirements": {},
                "env_vars": {},
                "result_columns": list(_COLUMNS),
                "durations": {},
                "version": 2,
            }
            every = tuple(_grouped(readings_of((only,))))
            made["results"] = earlier | {entry.name: _row(entry, started_ms) for entry in every}
            definitions |= {entry.name: _definition(entry) for entry in every}
    definitions["version"] = 2
    for path, what in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(what, indent=1) + "\n")
    return tuple(files)
