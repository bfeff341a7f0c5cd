"""
Files that released versions of other tools wrote; `tests/agreement/tool_files.py` makes them.

`expected.json` has their values as the same version of the tool reads them back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from mpbench.integrations.exchange.asv_reader import read_asv_folder
from mpbench.integrations.exchange.detect import read_other_tool
from mpbench.model import Metric, Run, Status
from mpbench.store import read
from mpbench.store.frame import frame
from mpbench.store.writer import Writer

_MADE = Path(__file__).parent / "made"
_EXPECTED: dict[str, dict[str, dict[str, Any]]] = json.loads((_MADE / "expected.json").read_text())
_FILES = [(tool, file) for tool, files in _EXPECTED.items() for file in files]
# Of asv's suite: what its units become.
_METRICS = {
    "lists/lists-time-build": Metric.TIME,
    "lists/lists-track-length": Metric.COUNT,
    "lists/mem-list": Metric.MEMORY,
    "lists/peakmem-list": Metric.MEMORY,
    "lists/time-fails": Metric.TIME,
    "lists/time-sum": Metric.TIME,
    "lists/track-rate": Metric.THROUGHPUT,
}


def imported(tool: str, file: str) -> Run:
    """Return the run of one file, written and read again, as `mpbench import` leaves it."""
    if not tool.startswith("asv"):
        (run,) = read_other_tool(_MADE / tool / file).runs
        return run
    runs = read_asv_folder(_MADE / tool).runs
    return next(run for run in runs if run.path.endswith(file))


def values_of(run: Run) -> list[list[float]]:
    """Return the values of each case in its own unit, sorted."""
    metrics = {record.case: record.metric for record in run.cases}
    found: dict[Any, list[float]] = {case: [] for case in metrics}
    for one in run.repetitions:
        found[one.case] += one.values(metrics[one.case])
    return sorted(sorted(values) for values in found.values())


def expected_of(tool: str, file: str) -> list[list[float]]:
    """Return the values that the tool itself reads, sorted likewise."""
    rows = _EXPECTED[tool][file].values()
    if tool.startswith("asv"):
        # A list for each combination of parameters.
        return sorted(sorted(values) for row in rows for values in row)
    return sorted(sorted(row) for row in rows)


@pytest.mark.parametrize(("tool", "file"), _FILES)
def test_values_are_those_that_the_tool_reads(tool: str, file: str, tmp_path: Path) -> None:
    """Every value is equal to 1e-9, before and after it was written to a result file."""
    run = imported(tool, file)
    with Writer(tmp_path) as writer:
        writer.write_run(run)

    wanted = expected_of(tool, file)
    for found in (values_of(run), values_of(read(tmp_path))):
        assert len(wanted) == len(found)
        for some, others in zip(wanted, found, strict=True):
            assert others == pytest.approx(some, rel=1e-9)


@pytest.mark.parametrize("tool", [tool for tool in _EXPECTED if tool.startswith("asv")])
def test_units_commits_and_failures_of_asv_are_known(tool: str) -> None:
    """Bytes, rates and items stay; two commits have their dates; n/a is no failure."""
    runs = read_asv_folder(_MADE / tool).runs

    assert 2 == len({run.header.plan["commit"] for run in runs})
    for run in runs:
        assert "box" == run.header.machine
        assert run.header.started_utc.startswith("20")
        found = defaultdict(set)
        for record in run.cases:
            found[record.case.workload].add(record.metric)
        assert {name: {metric} for name, metric in _METRICS.items()} == found
        skipped = [one.case for one in run.cases if one.status is Status.SKIPPED]
        failed = [one.case for one in run.repetitions if one.status is Status.FAILED]
        assert ["lists/time-fails"] == [case.workload for case in failed]
        assert {(("kind", "tuple"), ("n", 10))} == {case.params for case in skipped}


def test_processes_of_pyperf_stay_apart() -> None:
    """Three worker processes of two values each are three repetitions."""
    for tool in (name for name in _EXPECTED if name.startswith("pyperf")):
        run = imported(tool, "suite.json")
        table = frame([run])
        assert {3} == set(table.groupby("case")["repetition"].nunique())
        assert {2} == set(table.groupby(["case", "repetition"]).size())
        memory = imported(tool, "memory.json.gz")
        assert [Metric.MEMORY] == [record.metric for record in memory.cases]
