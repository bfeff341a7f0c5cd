"""A history keeps medians alone, and says what reading whole runs says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpbench.analysis.history import series_over_commits
from mpbench.integrations.exchange.asv_history import read_asv_history
from mpbench.integrations.exchange.asv_reader import read_asv_folder


def results(folder: Path) -> Path:
    """Write commits of two machines: asv's own timer, and agents of ours with samples."""
    known = {
        "a.time_it": {"name": "a.time_it", "unit": "seconds", "version": "v", "param_names": []},
        "b.it": {"name": "b.it", "unit": "seconds", "version": "b/it:1", "param_names": [],
                 "pretty_name": "b/it"},
    }  # fmt: skip
    folder.mkdir()
    (folder / "benchmarks.json").write_text(json.dumps({**known, "version": 2}))
    for machine in ("one", "two"):
        (folder / machine).mkdir()
        for number in range(4):
            samples = [1e-3 * (1 + number + place / 10) for place in range(7)]
            rows = {
                "a.time_it": [[samples[3]], [], "v", [samples]],
                "b.it": [[samples[3]], [], "b/it:1", [samples]],
            }
            content = {
                "commit_hash": f"{number}" * 40,
                "env_name": "virtualenv-py3.11",
                "date": 1_700_000_000_000 + number // 2 * 1_000,
                "params": {"machine": machine},
                "python": "3.11",
                "result_columns": ["result", "params", "version", "samples"],
                "results": rows,
                "version": 2,
            }
            (folder / machine / f"{number}-x.json").write_text(json.dumps(content))
    return folder


def test_medians_are_those_of_whole_runs(tmp_path: Path) -> None:
    """Values, intervals and commits are equal; the latest runs have every sample."""
    folder = results(tmp_path / "results")
    whole = read_asv_folder(folder, timed=True).runs

    history = read_asv_history(folder, lambda run: run)

    expected, found = series_over_commits(whole), series_over_commits(history.commits)
    assert [one[:4] for one in expected] == [one[:4] for one in found]
    for one, other in zip(expected, found, strict=True):
        for level, same in zip(one.levels, other.levels, strict=True):
            assert level.value == pytest.approx(same.value, rel=1e-9)
            assert (level.low is None) is (same.low is None) is (one.case.workload == "a/time-it")
    assert {"one", "two"} == {run.header.machine for run in history.latest}
    for run in history.latest:
        counts = {one.case.workload: len(one.samples) for one in run.repetitions}
        assert {"a/time-it": 7, "b/it": 1} == counts
        assert "3" * 40 == run.header.plan["commit"]


def test_what_is_not_kept_is_in_no_list(tmp_path: Path) -> None:
    """A machine that is left out has neither commits nor a latest run."""
    folder = results(tmp_path / "results")

    history = read_asv_history(folder, lambda run: run if run.header.machine == "one" else None)

    assert {"one"} == {one.machine for one in history.commits}
    assert {"one"} == {run.header.machine for run in history.latest}
