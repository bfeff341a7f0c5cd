"""Results as objects: frames, errors, files, and what importing the package costs."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path

import fakes
import pytest

import mpbench
from mpbench.api.results import Results
from mpbench.errors import RecordError, UsageError

_ROOT = Path(__file__).parents[3]
_SAMPLE = _ROOT / "reports" / "sample" / "two-cores"


def test_importing_the_package_imports_nothing_else() -> None:
    """A spawned child that imports it pays for a version string alone."""
    look = "import sys; before = set(sys.modules); import mpbench; print(set(sys.modules) - before)"
    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60
    )

    assert {"mpbench"} == eval(done.stdout)  # noqa: S307 - a set of names that we printed


def test_the_api_is_loaded_without_what_draws_or_tabulates() -> None:
    """The first use of a name imports neither pandas nor matplotlib."""
    look = "import sys, mpbench; mpbench.read; print({'pandas', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60
    )

    assert "set()" == done.stdout.strip()


def test_every_public_name_is_there_and_others_are_not() -> None:
    """`dir` lists them for completion; a wrong one is an AttributeError as anywhere."""
    assert set(mpbench.__all__) == set(dir(mpbench))
    assert all(getattr(mpbench, name) for name in mpbench.__all__)
    with pytest.raises(AttributeError, match="no attribute 'benchmark'"):
        mpbench.benchmark  # noqa: B018 - its absence is the test


def test_the_documented_examples_are_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of docs/API.md that has a prompt gives what stands below it."""
    monkeypatch.chdir(_ROOT)
    failed, tried = doctest.testfile(
        str(_ROOT / "docs" / "API.md"), module_relative=False, optionflags=doctest.ELLIPSIS
    )

    assert tried > 10
    assert 0 == failed


def test_frames_have_one_row_for_each_observation() -> None:
    """Samples are the main readings; the readings have all of them, and units."""
    results = Results((fakes.run(),))
    samples, readings, summary = results.samples(), results.readings(), results.summary()

    assert len(samples) == (readings["fact"] == "").sum()
    assert len(summary) == len(fakes.run().cases)
    assert set(samples.attrs["units"]) == set(map(str, samples["metric"].unique()))
    assert "category" == str(samples["workload"].dtype)
    assert 1 == len(results.machines())
    assert "fact" in results.data.samples.columns


@pytest.mark.parametrize("pattern", ["two-cores", "two-*", "two-cores/results.jsonl"])
def test_files_folders_and_patterns_are_read(pattern: str) -> None:
    """They mean the same run."""
    (run,) = mpbench.read(_SAMPLE.parent / pattern).runs

    assert _SAMPLE / "results.jsonl" == Path(run.path)


def test_a_folder_of_runs_gives_the_oldest_first() -> None:
    """Whatever the folders are called."""
    runs = mpbench.read(_SAMPLE.parent).runs
    times = [run.header.started_utc for run in runs]

    assert len(runs) > 2
    assert sorted(times) == times


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """No path, nothing there, no results: each in one line, with the path."""
    (tmp_path / "other.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(UsageError, match="name result files"):
        mpbench.read()
    with pytest.raises(UsageError, match="nothing matches"):
        mpbench.read(str(tmp_path / "x*"))
    with pytest.raises(RecordError, match="no file of that name"):
        mpbench.read(tmp_path / "missing")
    with pytest.raises((UsageError, RecordError), match=r"other\.json"):
        mpbench.read(tmp_path / "other.json")
    (tmp_path / "other.json").unlink()
    with pytest.raises((UsageError, RecordError)):
        mpbench.read(tmp_path)


def test_a_notebook_gets_a_table_that_is_escaped() -> None:
    """Names come from files of others."""
    run = fakes.run()
    hostile = run._replace(header=run.header._replace(machine="<script>x</script>"))
    html = Results((hostile,))._repr_html_()

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.startswith("<table>")


def test_a_report_and_parquet_are_written(tmp_path: Path) -> None:
    """The paths of what was written come back."""
    pytest.importorskip("pyarrow")
    results = Results((fakes.run(),))
    path = results.to_parquet(tmp_path / "all.parquet")

    assert path.stat().st_size > 0
    assert "report.html" in {file.name for file in results.report(tmp_path)}
