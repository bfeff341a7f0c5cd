"""Files that no tool wrote: one error that names the file, or a result file that can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mpbench.errors import RecordError
from mpbench.integrations.exchange.asv_reader import read_asv, read_asv_folder
from mpbench.integrations.exchange.pytest_file import read_pytest_json
from mpbench.model import Run
from mpbench.store import read
from mpbench.store.writer import Writer

DEEP = "[" * 100_000
NOTED = {"workload": "a/b", "case_params": {"x": 1}, "start_method": "fork", "revision": 1}


def content(**changes: Any) -> dict[str, Any]:
    """Return what pytest-benchmark saves; *changes* replace fields of it or of its benchmark."""
    benchmark = {
        "group": None,
        "name": "test_it",
        "params": None,
        "extra_info": NOTED,
        "stats": {"data": [1e-3, 2e-3]},
    }
    whole = {
        "machine_info": {"node": "box", "python_version": "3.11.7"},
        "datetime": "2026-01-01T00:00:00+00:00",
    }
    inside = {name: value for name, value in changes.items() if name in benchmark}
    outside = {name: value for name, value in changes.items() if name not in benchmark}
    return whole | {"benchmarks": [benchmark | inside]} | outside


def written(folder: Path, run: Run) -> Run:
    """Return a run as it is read from the result file that an import writes."""
    with Writer(folder / "run") as writer:
        writer.write_run(run)
    return read(folder / "run")


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        json.dumps(content(machine_info=None)),
        json.dumps(content(machine_info=[])),
        json.dumps(content(datetime=None)),
        json.dumps(content(datetime="yesterday")),
        json.dumps({name: value for name, value in content().items() if name != "datetime"}),
        json.dumps(content(stats={"data": [[1]]})),
        json.dumps(content(stats={"data": [10**400]})),
        json.dumps(content(stats=None)),
        json.dumps(content(benchmarks=3)),
        json.dumps(content())[:-40],
    ],
)
def test_a_file_of_nobody_is_named(tmp_path: Path, text: str) -> None:
    """Whatever is wrong, the error has the file and what it should be."""
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(RecordError, match=r"a\.json: expected a pytest-benchmark file"):
        read_pytest_json(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"extra_info": None},
        {"extra_info": []},
        {"extra_info": NOTED | {"workload": None}},
        {"extra_info": NOTED | {"workload": ["a"]}},
        {"extra_info": NOTED | {"workload": ""}},
        {"extra_info": NOTED | {"workload": "a" * 3_000}},
        {"extra_info": NOTED | {"case_params": None}},
        {"extra_info": NOTED | {"case_params": [1]}},
        {"extra_info": NOTED | {"case_params": {"x": None, "y": [1], "z": {}, "": 1}}},
        {"extra_info": NOTED | {"case_params": {"x": float("inf"), "y": float("nan")}}},
        {"extra_info": NOTED | {"case_params": {"x": 2**70, "y": "\ud800", "z": "z" * 3_000}}},
        {"extra_info": NOTED | {"start_method": ["fork"]}},
        {"extra_info": NOTED | {"start_method": 3}},
        {"extra_info": NOTED | {"revision": None}},
        {"extra_info": NOTED | {"revision": float("inf")}},
        {"extra_info": NOTED | {"revision": -1}},
        {"extra_info": NOTED | {"revision": 2**70}},
        {"extra_info": None, "params": {"x": float("inf"), "method": "\ud800"}},
        {"extra_info": None, "name": "\ud800" * 2_000},
        {"machine_info": {"node": "", "python_version": "\ud800"}},
        {"machine_info": {"node": None, "python_version": ["3"]}},
        {"stats": {"data": [float("inf"), float("nan"), -1, 0, 1e300, 1e-300, 1e9, 9_999]}},
        {"stats": {"data": []}},
    ],
)
def test_odd_values_make_a_file_that_can_be_read(tmp_path: Path, changes: dict[str, Any]) -> None:
    """What a result file cannot hold becomes text, or is left out."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content(**changes)))

    run = read_pytest_json(path)

    assert run.repetitions == written(tmp_path, run).repetitions


def asv_folder(folder: Path, name: str, text: str) -> Path:
    """Write a results directory of asv, and other text over one of its files."""
    (folder / "box").mkdir()
    (folder / "benchmarks.json").write_text(json.dumps({"work.time_it": DEFINITION}))
    for file in ("a.json", "b.json"):
        (folder / "box" / file).write_text(json.dumps(RESULT))
    (folder / name).write_text(text)
    return folder


DEFINITION = {"unit": "seconds", "version": "1", "param_names": ["x"]}
RESULT = {
    "commit_hash": "0" * 40,
    "env_name": "existing",
    "date": 0,
    "params": {"machine": "box"},
    "python": "3.11",
    "result_columns": ["result", "params", "version", "samples"],
    "results": {"work.time_it": [[1e-3], [["1"]], "1", [[1e-3]]]},
}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RESULT)[:-20],
        DEEP,
        "[]",
        "null",
        json.dumps(RESULT | {"date": float("inf")}),
        json.dumps(RESULT | {"date": 1e300}),
        json.dumps(RESULT | {"date": None}),
        json.dumps(RESULT | {"params": None}),
        json.dumps(RESULT | {"results": {"work.time_it": [[], [["1"]], "1", [[None]]]}}),
    ],
)
def test_a_broken_result_of_asv_is_named(tmp_path: Path, text: str) -> None:
    """One broken file of many is left out with a note that names it; alone it is an error."""
    folder = asv_folder(tmp_path, "box/b.json", text)

    (run,), (note,) = read_asv_folder(folder)

    assert run.path.endswith("a.json")
    assert "box/b.json: expected a result file of asv" in note
    (folder / "box" / "a.json").unlink()
    with pytest.raises(RecordError, match=r"box/b\.json: expected a result file of asv"):
        read_asv(folder)


@pytest.mark.parametrize("text", [DEEP, "[]", "null", "{"])
def test_broken_definitions_of_asv_are_named(tmp_path: Path, text: str) -> None:
    """The error names the file of the definitions, and not the first result."""
    folder = asv_folder(tmp_path, "benchmarks.json", text)

    with pytest.raises(RecordError, match=r"benchmarks\.json: expected a results directory"):
        read_asv(folder)


@pytest.mark.parametrize("value", [DEEP, "1e999", None, [1], "\ud800", 2**70, "'" + "x" * 3_000])
def test_odd_parameters_of_asv_can_be_read(tmp_path: Path, value: object) -> None:
    """A parameter that is no literal becomes text."""
    row = [[1e-3], [[value]], "1", [[1e-3]]]
    odd = json.dumps(RESULT | {"results": {"work.time_it": row}, "commit_hash": "\ud800"})

    run = read_asv(asv_folder(tmp_path, "box/b.json", odd))[1]

    assert run.repetitions == written(tmp_path, run).repetitions
