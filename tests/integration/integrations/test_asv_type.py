"""The benchmark type under the real asv: options, samples, failures and what is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("asv")
pytestmark = pytest.mark.slow

Call = Callable[..., subprocess.CompletedProcess[str]]

_INIT = "from mpbench.integrations.asv import register as _register\n\n_register()\n"
_SUITE = """
from mpbench.integrations.asv import case as _case, function as _function


class Start(_case("process/start-to-join")): ...


class Gone(_case("process/from-another-time")): ...


class Fine(_function("victim:fine")): ...


class Absent(_function("victim:absent")): ...


class Dies(_function("victim:dies")): ...


class Hangs(_function("victim:hangs")):
    timeout = 6


class Reads(_function("victim:reads")): ...


class Raises(_function("victim:raises")): ...
"""
_VICTIM = """
import os
import time


def fine(context):
    child = context.Process(target=int)
    child.start()
    child.join()


def dies():
    os._exit(3)


def reads():
    assert os.environ["JOB_N"] == "5", "the variable is missing"


def raises(context):
    child = context.Process(target=dies_late)
    child.start()
    child.join()


def dies_late():
    raise ValueError("no luck")


def hangs(context):
    child = context.Process(target=time.sleep, args=(7_531,))
    child.start()
    child.join()
"""


@pytest.fixture
def asv(tmp_path: Path, repository: list[str], python: Call) -> Callable[..., dict[str, Any]]:
    """Run asv on the last commit in this interpreter, and return its rows as dictionaries."""
    (tmp_path / "benchmarks" / "__init__.py").write_text(_INIT)
    (tmp_path / "benchmarks" / "suite.py").write_text(_SUITE)
    (tmp_path / "victim.py").write_text(_VICTIM)

    def run(bench: str, *options: str, **variables: str) -> dict[str, Any]:
        done = python(
            *("asv", "run", "-E", f"existing:{sys.executable}", "--machine", "box"),
            *("--set-commit-hash", repository[-1], "--bench", bench, *options),
            ASV_PYTHONPATH=str(tmp_path),
            **variables,
        )
        (file,) = (tmp_path / ".asv" / "results" / "box").glob(f"{repository[-1][:8]}-*.json")
        content = json.loads(file.read_text())
        names = content["result_columns"]
        rows = {
            name: dict(zip(names, values, strict=False))
            for name, values in content["results"].items()
        }
        return {"rows": rows, "code": done.returncode, "said": done.stdout + done.stderr}

    return run


def test_quick_takes_one_agent(asv: Callable[..., dict[str, Any]]) -> None:
    """`--quick` measures one round of one agent, and its sample is stored when asked for."""
    found = asv("suite.Start", "--quick", "--record-samples")

    row = found["rows"]["suite.Start.mp_seconds"]
    assert 0 == found["code"], found["said"]
    assert ["'fork'", "'spawn'", "'forkserver'"] == row["params"][0]
    assert [1, 1, 1] == [len(samples) for samples in row["samples"]]
    assert "process/start-to-join:" in row["version"]


def test_repeat_and_rounds_multiply(asv: Callable[..., dict[str, Any]]) -> None:
    """`-a repeat=3 -a rounds=2` gives the medians of six agents, and asv's statistics of them."""
    pattern = r"suite.Fine.mp_seconds\('fork'\)"

    found = asv(pattern, "-a", "repeat=3", "-a", "rounds=2", "--record-samples")

    row = found["rows"]["suite.Fine.mp_seconds"]
    assert 0 == found["code"], found["said"]
    assert "samples" in row, found["said"]
    assert 6 == len(row["samples"][0])
    assert sorted(row["samples"][0])[2] <= row["result"][0] <= sorted(row["samples"][0])[3]


def test_append_samples_adds(asv: Callable[..., dict[str, Any]]) -> None:
    """`--append-samples` adds to what is stored."""
    options = (r"suite.Fine.mp_seconds\('fork'\)", "--quick")
    asv(*options, "--record-samples")

    found = asv(*options, "--append-samples")

    assert 2 == len(found["rows"]["suite.Fine.mp_seconds"]["samples"][0]), found["said"]


def test_what_a_commit_lacks_is_not_available(asv: Callable[..., dict[str, Any]]) -> None:
    """A workload or a function that a commit lacks is n/a, which is NaN, and no failure."""
    found = asv("suite.Gone|suite.Absent", "--quick")

    assert 0 == found["code"], found["said"]
    values = [row["result"] for row in found["rows"].values()]
    assert values
    assert all(value != value for row in values for value in row)  # noqa: PLR0124 - NaN


def test_the_environment_reaches_a_function(asv: Callable[..., dict[str, Any]]) -> None:
    """What asv has in its environment, such as a matrix's variables, the function has too."""
    found = asv(r"suite.Reads.mp_seconds\('fork'\)", "--quick", JOB_N="5")

    assert 0 == found["code"], found["said"]


def test_a_failed_child_is_named(asv: Callable[..., dict[str, Any]]) -> None:
    """The child's traceback is shown, without what asv's process was doing."""
    found = asv(r"suite.Raises.mp_seconds\('spawn'\)", "--quick", "--show-stderr")

    assert 2 == found["code"], found["said"]
    assert "its child SpawnProcess-1 ended with exit code 1" in found["said"]
    assert "in dies_late" in found["said"]
    assert "asv_runner" not in found["said"]


@pytest.mark.parametrize("name", ["Dies", "Hangs"])
def test_a_fault_is_recorded_and_leaves_nothing(
    asv: Callable[..., dict[str, Any]], tmp_path: Path, name: str
) -> None:
    """A function that dies or hangs is a failure in asv, and none of its processes stays."""
    private = tmp_path / "private"
    private.mkdir()
    found = asv(rf"suite.{name}.mp_seconds\('spawn'\)", "--quick", TMPDIR=str(private))

    assert [] == list(private.glob("mpb-*"))
    assert 2 == found["code"], found["said"]
    assert [None] == [
        value
        for value in found["rows"][f"suite.{name}.mp_seconds"]["result"]
        if value is None or value == value  # noqa: PLR0124 - what was not chosen is NaN
    ]
    assert [] == processes_of(tmp_path)


def processes_of(folder: Path) -> list[str]:
    """Return the processes that run in a folder or were told of it."""
    found = []
    for one in psutil.process_iter():
        try:
            told = str(folder) in one.environ().get("PYTHONPATH", "")
            if told or "7_531" in " ".join(one.cmdline()):
                found.append(" ".join(one.cmdline()))
        except psutil.Error:
            continue
    return found
