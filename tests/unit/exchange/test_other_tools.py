"""What other tools know of their results stays known: units, environments, commits, failures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import fakes
import pytest

from mpbench.errors import RecordError
from mpbench.integrations.exchange.asv_files import write_asv
from mpbench.integrations.exchange.asv_reader import read_asv_folder
from mpbench.integrations.exchange.detect import read_other_tool
from mpbench.integrations.exchange.pyperf_file import pyperf_json
from mpbench.integrations.exchange.pytest_file import pytest_json
from mpbench.model import Case, Metric, Run, Status
from mpbench.store import read
from mpbench.store.writer import Writer

_COMMIT = "c" * 40
_MACHINE = {"machine": "box", "arch": "x86_64", "cpu": "A CPU", "num_cpu": "8", "os": "Linux"}


def values_of(run: Run) -> dict[Case, list[float]]:
    """Return every value in its own unit, by case."""
    metrics = {record.case: record.metric for record in run.cases}
    found: dict[Case, list[float]] = {case: [] for case in metrics}
    for one in run.repetitions:
        found[one.case] += one.values(metrics[one.case])
    return found


def asv_folder(
    folder: Path, results: dict[str, Any], definitions: dict[str, Any], **changes: Any
) -> Path:
    """Write a results directory of asv with one file."""
    (folder / "box").mkdir(exist_ok=True)
    content = {
        "commit_hash": _COMMIT,
        "env_name": "virtualenv-py3.11",
        "date": 1_700_000_000_000,
        "params": _MACHINE,
        "python": "3.11",
        "requirements": {"numpy": "2.1"},
        "result_columns": ["result", "params", "version", "samples"],
        "results": results,
        "version": 2,
    }
    content |= changes
    name = f"{content['commit_hash'][:8]}-{content['env_name']}.json"
    (folder / "benchmarks.json").write_text(json.dumps({**definitions, "version": 2}))
    (folder / "box" / name).write_text(json.dumps(content))
    return folder


def definition(name: str, unit: str = "seconds", **changes: Any) -> dict[str, Any]:
    """Return what benchmarks.json has of a benchmark."""
    return {name: {"name": name, "unit": unit, "version": "v", "param_names": [], **changes}}


def test_environments_of_one_python_are_told_apart(tmp_path: Path) -> None:
    """The name of asv's environment is a part of the interpreter's key; machine facts stay."""
    for env in ("virtualenv-py3.11", "virtualenv-py3.11-numpy2.1"):
        rows = {"a.time_it": [[1e-3], [], "v"]}
        asv_folder(tmp_path, rows, definition("a.time_it"), env_name=env)

    runs = read_asv_folder(tmp_path).runs

    assert {"3.11", "3.11-numpy2.1"} == {key for run in runs for key in run.header.subjects}
    header = runs[0].header
    assert "2023-11-14T22:13:20+00:00" == header.started_utc
    assert (_COMMIT, {"numpy": "2.1"}) == (header.plan["commit"], header.plan["requirements"])
    assert {"model": "A CPU", "architecture": "x86_64", "logical": 8} == header.environment["cpu"]


def test_units_and_failures_of_asv_stay(tmp_path: Path) -> None:
    """Bytes are memory, a rate is no time, null has failed and NaN is n/a."""
    rows = {
        "a.track_bytes": [[4_096], [], "v"],
        "a.track_rate": [[12.5], [], "v"],
        "a.track_speed": [[80], [], "v"],
        "a.time_bad": [None, [], "v"],
        "a.time_skipped": [[float("nan")], [], "v"],
    }
    known = {
        **definition("a.track_bytes", "bytes"),
        **definition("a.track_rate", "op/s"),
        **definition("a.track_speed", "km/h"),
        **definition("a.time_bad"),
        **definition("a.time_skipped"),
    }

    (run,) = read_asv_folder(asv_folder(tmp_path, rows, known)).runs

    records = {record.case.workload: record for record in run.cases}
    assert Metric.MEMORY is records["a/track-bytes"].metric
    assert Metric.THROUGHPUT is records["a/track-rate"].metric
    assert Status.SKIPPED is records["a/time-skipped"].status
    values = {case.workload: found for case, found in values_of(run).items()}
    assert [4_096.0] == values["a/track-bytes"]
    assert pytest.approx([12.5], rel=1e-9) == values["a/track-rate"]
    assert [80.0] == values["a/track-speed"]
    assert "km/h" in records["a/track-speed"].doc
    (bad,) = [one for one in run.repetitions if one.case.workload == "a/time-bad"]
    assert Status.FAILED is bad.status
    with Writer(tmp_path / "out") as writer:
        writer.write_run(run)
    assert values_of(run) == values_of(read(tmp_path / "out"))


def test_rows_that_are_left_out_are_counted(tmp_path: Path) -> None:
    """Each reason stands in a note with its number."""
    rows = {"a.time_old": [[1.0], [], "older"], "a.time_gone": [[1.0], [], "v"]}
    rows |= {"a.time_it": [[1.0], [], "v"]}
    known = definition("a.time_old") | definition("a.time_it")

    notes = read_asv_folder(asv_folder(tmp_path, rows, known)).notes

    assert {
        "1 row left out: of an older version of the benchmark",
        "1 row left out: benchmarks.json does not have the benchmark",
    } == set(notes)


def test_api_version_1_is_read(tmp_path: Path) -> None:
    """Old files have a value, or a dictionary of lists, and the versions beside."""
    rows: dict[str, Any] = {
        "a.time_it": 2e-3,
        "a.time_more": {"result": [1e-3, None], "params": [["1", "2"]], "samples": [[1e-3], None]},
    }
    known = definition("a.time_it") | definition("a.time_more", param_names=["n"])
    folder = asv_folder(
        tmp_path, rows, known, result_columns=None, version=1, benchmark_version={"a.time_it": "v"}
    )

    (run,) = read_asv_folder(folder).runs

    assert [[2e-3], [1e-3], []] == [
        pytest.approx(found, rel=1e-9) for found in values_of(run).values()
    ]


def test_names_that_differ_in_capitals_stay_apart(tmp_path: Path) -> None:
    """Each keeps the same name in every file, whichever of them the file has."""
    known = definition("hash.Dict.time_get") | definition("hash.dict.time_get")
    both = {name: [[1.0], [], "v"] for name in known}
    asv_folder(tmp_path, both, known)
    asv_folder(tmp_path, {"hash.dict.time_get": both["hash.dict.time_get"]}, known, python="3.12",
               commit_hash="d" * 40)  # fmt: skip

    first, second = read_asv_folder(tmp_path).runs

    names = [record.case.workload for record in first.cases]
    assert 2 == len(set(names))
    assert second.cases[0].case.workload in names


@pytest.mark.parametrize("form", ["asv", "pyperf", "pytest-benchmark"])
def test_a_throughput_comes_back_as_one(tmp_path: Path, form: str) -> None:
    """Formats that know seconds alone give the exported cases back with their units and values."""
    run = fakes.run()
    assert any(record.metric.unit == "op/s" for record in run.cases)
    if form == "asv":
        write_asv([run], tmp_path, commit=_COMMIT)
        source = tmp_path
    else:
        source = tmp_path / "a.json"
        source.write_text((pyperf_json if form == "pyperf" else pytest_json)([run]))

    (found,) = read_other_tool(source).runs

    metrics = {record.case: record.metric for record in run.cases}
    for record in found.cases:
        assert metrics[record.case].unit == record.metric.unit


def pyperf_content(**metadata: Any) -> dict[str, Any]:
    """Return what pyperf writes of one benchmark: a calibration and two worker processes."""
    facts = {"date": "2026-01-02 03:04:05.678", "hostname": "box", "cpu_model_name": "A CPU",
             "python_version": "3.11.7 (64-bit)", "python_implementation": "cpython"}  # fmt: skip
    return {
        "version": "1.0",
        "metadata": {**facts, "name": "sum list", "unit": "second", **metadata},
        "benchmarks": [
            {"runs": [{"warmups": [[1, 1e-3]]}, {"values": [1e-8, 2e-8]}, {"values": [3e-8]}]}
        ],
    }


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_processes_of_pyperf_are_repetitions(tmp_path: Path, ending: str) -> None:
    """Each worker process is one, with values equal to 1e-9; calibrations are none."""
    text = json.dumps(pyperf_content(python_implementation="pypy")).encode()
    path = tmp_path / f"a.{ending}"
    path.write_bytes(gzip.compress(text) if ending == "json.gz" else text)

    (run,) = read_other_tool(path).runs

    assert [2, 1] == [len(one.samples) for one in run.repetitions]
    assert {"agent"} == {one.extra["imported"] for one in run.repetitions}
    assert pytest.approx([1e-8, 2e-8, 3e-8], rel=1e-9) == next(iter(values_of(run).values()))
    assert "pyperf/sum-list" == run.cases[0].case.workload
    (interpreter,) = run.header.subjects.values()
    assert {"implementation": "PyPy", "version": "3.11.7"} == interpreter
    assert "2026-01-02T03:04:05.678000+00:00" == run.header.started_utc


def test_a_copy_is_the_same_run(tmp_path: Path) -> None:
    """The run is known by what the file holds, not by where it lies."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(pyperf_content()))

    first, second = read_other_tool(tmp_path).runs

    assert first.header.run == second.header.run


def pytest_content(**stats: Any) -> dict[str, Any]:
    """Return what `--benchmark-autosave` writes of a test under PyPy, without the data."""
    machine = {"node": "box", "python_version": "3.10.14", "python_implementation": "PyPy",
               "python_implementation_version": "7.3.17", "cpu": {"brand_raw": "A CPU", "count": 2},
               "machine": "x86_64", "system": "Linux"}  # fmt: skip
    return {
        "machine_info": machine,
        "commit_info": {"id": _COMMIT, "time": "2026-01-01T00:00:00+00:00"},
        "benchmarks": [{"name": "test_it", "group": None, "params": None, "extra_info": {},
                        "stats": {"median": 2e-3, "rounds": 9, **stats}}],
        "datetime": "2026-01-02T00:00:00",
    }  # fmt: skip


def test_saves_without_data_have_the_median(tmp_path: Path) -> None:
    """A folder of saves is read; without data a test has one value, and PyPy stays PyPy."""
    storage = tmp_path / ".benchmarks" / "Linux-PyPy-3.10-64bit"
    storage.mkdir(parents=True)
    (storage / "0001_a.json").write_text(json.dumps(pytest_content()))
    (storage / "0002_b.json").write_text(json.dumps(pytest_content())[:-30])

    (run,), (note,) = read_other_tool(tmp_path / ".benchmarks")

    assert [[2e-3]] == [pytest.approx(found) for found in values_of(run).values()]
    assert {"PyPy-7.3.17"} == set(run.header.subjects)
    assert _COMMIT == run.header.plan["commit"]
    assert "saved without its data" in run.cases[0].doc
    assert "0002_b.json" in note


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"commit_hash": "a"}', '{"benchmarks": [1]}'])
def test_a_file_of_no_known_tool_is_named(tmp_path: Path, text: str) -> None:
    """The error has the file and the tools that are known."""
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(RecordError, match=r"a\.json: expected a JSON file of pyperf"):
        read_other_tool(path)
