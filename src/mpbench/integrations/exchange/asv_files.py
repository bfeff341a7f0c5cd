"""asv's results directory (api version 2): written for `asv compare`, and read into runs."""

from __future__ import annotations

import itertools
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mpbench.errors import RecordError
from mpbench.integrations.exchange.foreign import Foreign, foreign_run
from mpbench.integrations.exchange.medians import readings_of
from mpbench.stats import median_interval, quantiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mpbench.integrations.exchange.medians import Readings
    from mpbench.model import Run

__all__ = ("read_asv", "write_asv")

_COLUMNS = (
    *("result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"),
    *("stats_q_25", "stats_q_75", "stats_number", "stats_repeat", "samples"),
)
_CI = 0.99
# The smallest number of values with an order-statistic interval is used; below it asv has infinity.
_ENDLESS = math.inf


def _row(readings: Readings, started_ms: int) -> list[Any]:
    low_quartile, median, high_quartile = quantiles(readings.seconds, (0.25, 0.5, 0.75))
    interval = median_interval(readings.seconds, _CI)
    low, high = (-_ENDLESS, _ENDLESS) if interval is None else (interval.low, interval.high)
    version = f"{readings.record.case.workload}:{readings.record.revision}"
    return [
        [median],
        [],
        version,
        started_ms,
        0.0,
        *([low], [high], [low_quartile], [high_quartile]),
        *([1], [len(readings.seconds)], [list(readings.seconds)]),
    ]


def _definition(readings: Readings) -> dict[str, Any]:
    case = readings.record.case
    return {
        "code": readings.record.doc,
        "name": readings.name,
        "param_names": [],
        "params": [],
        "pretty_name": readings.name,
        "rounds": 1,
        "timeout": 180.0,
        "type": "time",
        "unit": "seconds",
        "version": f"{case.workload}:{readings.record.revision}",
    }


def write_asv(runs: Sequence[Run], folder: Path, *, commit: str) -> tuple[Path, ...]:
    """
    Write one run as results of a commit that `asv compare` and `asv publish` read.

    Args:
        runs: Runs of one machine and one interpreter.
        folder: The results directory, `.asv/results` as a rule.
        commit: The full hash that the results belong to.

    Returns:
        The files that were written.
    """
    header = runs[0].header
    python = next(iter(header.subjects))
    short = ".".join(python.split(".")[:2])
    cpu = header.environment.get("cpu", {})
    memory = header.environment.get("memory", {})
    machine = {
        "arch": str(cpu.get("architecture", "")),
        "cpu": str(cpu.get("model", "")),
        "machine": header.machine,
        "num_cpu": str(cpu.get("logical", "")),
        "os": str(header.environment.get("kernel", {}).get("system", "")),
        "ram": str((memory.get("total_bytes") or 0) // 1024),
    }
    started = datetime.fromisoformat(header.started_utc)
    started_ms = round(started.replace(tzinfo=started.tzinfo or UTC).timestamp() * 1_000)
    every = readings_of(runs)
    environment = f"mpbench-py{short}"
    results = {
        "commit_hash": commit,
        "env_name": environment,
        "date": started_ms,
        "params": {**machine, "python": short},
        "python": short,
        "requirements": {},
        "env_vars": {},
        "result_columns": list(_COLUMNS),
        "results": {one.name: _row(one, started_ms) for one in every},
        "durations": {},
        "version": 2,
    }
    definitions = folder / "benchmarks.json"
    known = json.loads(definitions.read_text()) if definitions.exists() else {"version": 2}
    known |= {one.name: _definition(one) for one in every}
    place = folder / header.machine
    place.mkdir(parents=True, exist_ok=True)
    files: dict[Path, Mapping[str, Any]] = {
        definitions: known,
        place / "machine.json": {**machine, "version": 1},
        place / f"{commit[:8]}-{environment}.json": results,
    }
    for path, content in files.items():
        path.write_text(json.dumps(content, indent=1) + "\n")
    return tuple(files)


def _combinations(params: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return list(itertools.product(*params)) or [()]


def _plain(value: str) -> str | int | float:
    text = value.strip("'\"")
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _values(row: Mapping[str, Any], place: int) -> list[float]:
    samples = row.get("samples")
    if samples and samples[place]:
        return [float(value) for value in samples[place]]
    result = row["result"][place] if row.get("result") else None
    return [] if result is None else [float(result)]


def _benchmarks(content: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Foreign]:
    found = []
    for name, values in content["results"].items():
        row = dict(zip(content["result_columns"], values, strict=False))
        definition = definitions.get(name, {})
        if definition.get("unit", "seconds") != "seconds":
            continue
        names = definition.get("param_names", [])
        for place, chosen in enumerate(_combinations(row.get("params") or [])):
            given = dict(zip(names, (_plain(value) for value in chosen), strict=False))
            method = given.pop("method", None)
            pretty = definition.get("pretty_name") or name.replace(".", "/", 1)
            found.append(
                Foreign(pretty, None if method is None else str(method), given, _values(row, place))
            )
    return found


def read_asv(folder: Path) -> tuple[Run, ...]:
    """
    Read a results directory of asv: one run for each commit, machine and environment.

    The commit stands in the run's plan. Samples are there when asv was told
    to record them; else a run has one value for each case.

    Raises:
        RecordError: It is no such directory.
    """
    try:
        definitions = json.loads((folder / "benchmarks.json").read_text())
        runs = []
        for path in sorted(folder.glob("*/*.json")):
            if path.name == "machine.json":
                continue
            content = json.loads(path.read_text())
            run = foreign_run(
                str(path),
                _benchmarks(content, definitions),
                source="asv",
                machine=str(content["params"].get("machine", path.parent.name)),
                python=str(content["python"]),
                started_utc=datetime.fromtimestamp(content["date"] / 1_000, UTC).isoformat(),
            )
            plan = {**run.header.plan, "commit": content["commit_hash"]}
            runs.append(run._replace(header=run.header._replace(plan=plan)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise RecordError(
            str(folder),
            0,
            "a results directory of asv (api version 2) with its benchmarks.json",
            f"{type(error).__name__}: {error}",
        ) from error
    return tuple(runs)
