"""JSON of pyperf and pyperformance, read into a run."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mpbench.integrations.exchange.imported import (
    ImportedBenchmark,
    Origin,
    imported_run,
    metric_of,
    noted_metric,
    reading,
    values_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mpbench.model import Run

__all__ = ("read_pyperf_json",)

_EXPECTED = "a JSON file of pyperf or pyperformance"
_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def _processes(benchmark: Mapping[str, Any]) -> list[list[float]]:
    """Return the values of each worker process; those of calibration have none."""
    runs = (run.get("values") or [] for run in benchmark["runs"])
    return [[float(value) for value in values] for values in runs if values]


def _metadata(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the file says of all its benchmarks: of the suite, or of the first one."""
    first = content["benchmarks"][0]
    run: dict[str, Any] = next((run for run in first["runs"] if run.get("metadata")), {})
    return {
        **(content.get("metadata") or {}),
        **(first.get("metadata") or {}),
        **(run.get("metadata") or {}),
    }


def _ours(facts: Mapping[str, Any], processes: list[list[float]]) -> ImportedBenchmark | None:
    """Return the case that our export noted; a file of anyone else has none."""
    try:
        case = json.loads(facts["mpbench_case"])
        method, params = case["method"], dict(case["params"])
        name, revision = str(facts["mpbench_workload"]), int(facts["mpbench_revision"])
    except (KeyError, TypeError, ValueError):
        return None
    metric = noted_metric(facts.get("mpbench_metric"))
    values = [values_in(metric, seconds) for seconds in processes]
    return ImportedBenchmark(name, method, params, (), revision, metric=metric, processes=values)


def _benchmarks(content: Mapping[str, Any]) -> Iterator[ImportedBenchmark]:
    common = content.get("metadata") or {}
    for number, benchmark in enumerate(content["benchmarks"]):
        facts = {**common, **(benchmark.get("metadata") or {})}
        processes = _processes(benchmark)
        ours = _ours(facts, processes)
        if ours is not None:
            yield ours
            continue
        yield ImportedBenchmark(
            f"pyperf/{facts.get('name') or f'benchmark {number}'}",
            None,
            {},
            (),
            metric=metric_of(facts.get("unit", "second")),
            processes=processes,
            doc=str(facts.get("description") or ""),
        )


def _started(text: object) -> str:
    """Return a date of pyperf, which has no time zone, as UTC."""
    moment = datetime.fromisoformat(str(text))
    return moment.replace(tzinfo=moment.tzinfo or UTC).isoformat()


def _commit(facts: Mapping[str, Any]) -> dict[str, str]:
    commit = facts.get("commit_id") or facts.get("commit_hash")
    return {"commit": str(commit)} if commit else {}


def read_pyperf_json(path: Path) -> Run:
    """
    Read a JSON file of pyperf, plain or compressed by gzip.

    Each of its runs is a fresh process, and becomes a repetition; the calibration and the
    warm-ups are left out.

    Raises:
        RecordError: It is no such file.
    """
    with reading(path, _EXPECTED):
        text = path.read_bytes()
        content = json.loads(gzip.decompress(text) if path.suffix == ".gz" else text)
        facts = _metadata(content)
        # `3.11.7 (64-bit) revision ...`
        python = (str(facts.get("python_version", "")).split() or ["unknown"])[0].rstrip(",")
        implementation = str(facts.get("python_implementation", "cpython"))
        cpu = {"model": facts.get("cpu_model_name"), "logical": facts.get("cpu_count")}
        environment: dict[str, Any] = {}
        if any(cpu.values()):
            environment["cpu"] = {key: value for key, value in cpu.items() if value}
        commit = _commit(facts)
        origin = Origin(
            "pyperf",
            str(facts.get("hostname", "unknown")),
            python,
            _started(facts["date"]),
            _IMPLEMENTATIONS.get(implementation.lower(), implementation),
            "" if implementation.lower() == "cpython" else f"{implementation}-{python}",
            hashlib.sha256(text).hexdigest(),
            commit,
            {**environment, **({"source": commit} if commit else {})},
        )
        return imported_run(str(path), list(_benchmarks(content)), origin)
