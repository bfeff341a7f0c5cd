"""What an import makes of other tools' values: agents only where each value is one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import fakes
import numpy as np
import pytest

from mpbench.analysis.summarize import summarize
from mpbench.integrations.exchange.asv_files import write_asv
from mpbench.integrations.exchange.asv_reader import read_asv
from mpbench.integrations.exchange.imported import _kept
from mpbench.integrations.exchange.pytest_file import pytest_json, read_pytest_json
from mpbench.model import Run
from mpbench.store import read
from mpbench.store.writer import Writer

COLUMNS = ["result", "params", "version", "samples"]
OURS = {"workload": "call/function", "case_params": {"target": "m:f"}, "revision": 3}
HASH = "1bbd1ec8ff4cf8bd3284b8201f9dff7bed97a7d06c8a0faf82e8c450363993fc"


def rounds(count: int = 400) -> list[float]:
    """Return the rounds of one process, each a little different."""
    return [1e-3 * (1 + number / 10_000) for number in range(count)]


def pytest_file(folder: Path, count: int = 400, **changes: Any) -> Path:
    """Write what pytest-benchmark saves of one test; *changes* replace fields."""
    benchmark = {
        "group": None,
        "name": "test_it",
        "fullname": "test_it.py::test_it",
        "params": None,
        "extra_info": {},
        "options": {"timer": "perf_counter"},
        "stats": {"data": rounds(count)},
    }
    content = {
        "machine_info": {"node": "box", "python_version": "3.11.7"},
        "benchmarks": [benchmark | changes],
        "datetime": "2026-01-01T00:00:00+00:00",
    }
    path = folder / "out.json"
    path.write_text(json.dumps(content))
    return path


def asv_folder(
    folder: Path, version: str, pretty: str | None, samples: list[float] | None = None
) -> Path:
    """Write what asv keeps of one benchmark."""
    (folder / "box").mkdir()
    named = {} if pretty is None else {"pretty_name": pretty}
    definition = {"unit": "seconds", "version": version, "param_names": []} | named
    row = [[1e-3], [], version, None if samples is None else [samples]]
    result = {
        "commit_hash": "0" * 40,
        "env_name": "existing",
        "date": 0,
        "params": {"machine": "box"},
        "python": "3.11",
        "result_columns": COLUMNS,
        "results": {"work.time_it": row},
    }
    (folder / "benchmarks.json").write_text(json.dumps({"work.time_it": definition}))
    (folder / "box" / "a.json").write_text(json.dumps(result))
    return folder


def counts(run: Run) -> tuple[int, int, bool]:
    """Return the agents and samples of a run's only case, and whether it has an interval."""
    (row,) = summarize([run]).to_dict("records")
    return int(row["agents"]), int(row["samples"]), not math.isnan(row["low"])


def told(run: Run) -> set[str]:
    """Return what the repetitions of an import say that they are."""
    return {str(one.extra.get("imported")) for one in run.repetitions}


def test_rounds_of_one_process_are_one_repetition(tmp_path: Path) -> None:
    """400 rounds of a test of pytest-benchmark are one process, of which no interval follows."""
    run = read_pytest_json(pytest_file(tmp_path))

    assert (1, 400, False) == counts(run)
    assert {"process"} == told(run)
    assert 0 == run.repetitions[0].agent
    assert pytest.approx(rounds()) == [one.seconds for one in run.repetitions[0].samples]


def test_what_a_test_notes_is_no_mark(tmp_path: Path) -> None:
    """A test that notes a workload of ours is measured by pytest-benchmark all the same."""
    run = read_pytest_json(pytest_file(tmp_path, extra_info=OURS))

    assert (1, 400, False) == counts(run)
    assert ["call/function"] == [one.case.workload for one in run.cases]


@pytest.mark.parametrize(
    "mark",
    [{"options": {"timer": "mpbench_agent_clock"}}, {"fullname": "mpbench::call/function[fork]"}],
)
def test_rounds_of_ours_are_agents(tmp_path: Path, mark: dict[str, Any]) -> None:
    """What the plugin or an export wrote has a round for each fresh agent."""
    run = read_pytest_json(pytest_file(tmp_path, 8, extra_info=OURS, **mark))

    assert (8, 8, True) == counts(run)
    assert {"agent"} == told(run)
    assert 3 == run.cases[0].revision


def test_a_mark_without_the_case_is_none(tmp_path: Path) -> None:
    """A test file may be called as our exports call theirs."""
    run = read_pytest_json(pytest_file(tmp_path, fullname="mpbench::test_it"))

    assert (1, 400, False) == counts(run)


def test_samples_of_asv_are_one_repetition(tmp_path: Path) -> None:
    """Samples count once, for asv does not keep which process each of them is of."""
    (run,) = read_asv(asv_folder(tmp_path, HASH, None, rounds(20)))

    assert (1, 20, False) == counts(run)
    assert {"process"} == told(run)


@pytest.mark.parametrize("version", ["1", "work/it", "other/it:1", "work/it:", "work/it:1.0"])
def test_versions_of_others_are_no_mark(tmp_path: Path, version: str) -> None:
    """Only the version that our type writes says that a sample is an agent."""
    (run,) = read_asv(asv_folder(tmp_path, version, "work/it", rounds(20)))

    assert (1, 20, False) == counts(run)
    assert 1 == run.cases[0].revision


@pytest.mark.parametrize("name", ["work/it", "small.work:start"])
def test_samples_of_our_type_are_agents(tmp_path: Path, name: str) -> None:
    """A workload or a function that our benchmark type measured has a sample for each agent."""
    (run,) = read_asv(asv_folder(tmp_path, f"{name}:2", name, rounds(8)))

    assert (8, 8, True) == counts(run)
    assert {"agent"} == told(run)
    assert 2 == run.cases[0].revision


def test_a_median_of_asv_is_no_agent(tmp_path: Path) -> None:
    """Without --record-samples there is one figure, of nobody knows how many agents."""
    (run,) = read_asv(asv_folder(tmp_path, "work/it:1", "work/it"))

    assert (1, 1, False) == counts(run)
    assert {"process"} == told(run)


@pytest.mark.parametrize("form", ["asv", "pytest-benchmark"])
def test_there_and_back_agents_stay_agents(tmp_path: Path, form: str) -> None:
    """An export that is imported again has the agents and the intervals that were measured."""
    run = fakes.run(agents=8)
    if form == "asv":
        write_asv([run], tmp_path, commit="0" * 40)
        (found,) = read_asv(tmp_path)
    else:
        (tmp_path / "a.json").write_text(pytest_json([run]))
        found = read_pytest_json(tmp_path / "a.json")

    table, before = summarize([found]).set_index("id"), summarize([run])
    before = before[(before["fact"] == "") & (before["unit"] == "s") & (before["agents"] > 0)]
    before = before.set_index("id")
    assert {"agent"} == told(found)
    assert set(before.index) <= set(table.index)
    for name in ("agents", "median", "low", "high"):
        np.testing.assert_allclose(table.loc[before.index, name], before[name], rtol=1e-6)


def test_a_result_file_keeps_what_values_are(tmp_path: Path) -> None:
    """What was imported reads from its result file as it was."""
    run = read_pytest_json(pytest_file(tmp_path, 5))
    with Writer(tmp_path / "run") as writer:
        writer.write_run(run)

    assert run.repetitions == read(tmp_path / "run").repetitions


@pytest.mark.parametrize(
    ("count", "values"), [(0, []), (4, [1, 2, 3, 4]), (5, [1, 3, 5]), (9, [1, 4, 7])]
)
def test_more_rounds_than_a_line_can_hold_are_thinned(count: int, values: list[int]) -> None:
    """Of more rounds than there is room for, every second or third is kept."""
    assert values == _kept(range(1, count + 1), most=4)
