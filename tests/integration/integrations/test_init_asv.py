"""`mpbench init-asv` gives a real project a suite that the real asv runs over its commits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mpbench.integrations.exchange.asv_reader import read_asv
from mpbench.model import StartMethod

Call = Callable[..., subprocess.CompletedProcess[str]]

_PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "small-project"
version = "1"
"""
_WORK = """
def start(context):
    child = context.Process(target=int)
    child.start()
    child.join()
"""


@pytest.fixture
def project(tmp_path: Path, repository: list[str], call: Call) -> Path:
    """Make the test's repository a project; its function exists in the last of four commits."""
    del repository
    for path in [tmp_path / "asv.conf.json", *(tmp_path / "benchmarks").iterdir()]:
        path.unlink()
    (tmp_path / "benchmarks").rmdir()
    package = tmp_path / "src" / "small"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(_PROJECT)
    call("git", "add", "-A")
    call("git", "commit", "-q", "-m", "a package")
    (package / "work.py").write_text(_WORK)
    call("git", "add", "-A")
    call("git", "commit", "-q", "-m", "a function")
    return tmp_path


def test_it_writes_a_suite(project: Path, python: Call) -> None:
    """The configuration names the project and branch; each function is one line."""
    done = python("mpbench", "init-asv", "small.work:start", PYTHONPATH="src")

    assert 0 == done.returncode, done.stderr
    assert "" == done.stderr
    configuration = json.loads((project / "asv.conf.json").read_text())
    assert "small-project" == configuration["project"]
    assert ["main"] == configuration["branches"]
    suite = (project / "benchmarks" / "work.py").read_text()
    assert 'class Start(_function("small.work:start")): ...' in suite


def test_it_overwrites_nothing(project: Path, python: Call) -> None:
    """Where a module is in the way nothing at all is written."""
    (project / "benchmarks").mkdir()
    (project / "benchmarks" / "work.py").write_text("mine")

    done = python("mpbench", "init-asv", "small.work:start")

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert "mine" == (project / "benchmarks" / "work.py").read_text()
    assert not (project / "asv.conf.json").exists()


def test_it_keeps_a_configuration(project: Path, python: Call) -> None:
    """A configuration that is there stays, and the suite goes where it says."""
    (project / "asv.conf.json").write_text('{\n  // mine\n  "benchmark_dir": "perf"\n}\n')

    done = python("mpbench", "init-asv", "small.work:start")

    assert 0 == done.returncode, done.stderr
    assert "// mine" in (project / "asv.conf.json").read_text()
    assert (project / "perf" / "work.py").exists()


def test_another_suite_gets_the_lines(project: Path, python: Call) -> None:
    """A package that does not register the type keeps its lines, and gets ours at the end."""
    (project / "benchmarks").mkdir()
    (project / "benchmarks" / "__init__.py").write_text("MINE = 1\n")

    done = python("mpbench", "init-asv", "small.work:start", PYTHONPATH="src")

    assert 0 == done.returncode, done.stderr
    text = (project / "benchmarks" / "__init__.py").read_text()
    assert text.startswith("MINE = 1\n")
    assert "_register()" in text


def test_a_project_may_be_a_part_of_a_repository(project: Path, call: Call, python: Call) -> None:
    """The configuration names the project's folder, and a branch where HEAD is detached."""
    part = project / "parts" / "one"
    part.mkdir(parents=True)
    (part / "pyproject.toml").write_text(_PROJECT.replace("small-project", "part-one"))
    call("git", "branch", "-m", "master")
    call("git", "checkout", "-q", "--detach")

    done = python("mpbench", "init-asv", "small.work:start", "-o", "parts/one")

    assert 0 == done.returncode, done.stderr
    configuration = json.loads((part / "asv.conf.json").read_text())
    assert ("part-one", "../..", "parts/one", ["master"]) == tuple(
        configuration[key] for key in ("project", "repo", "repo_subdir", "branches")
    )


def test_a_project_that_cannot_be_built_is_refused(project: Path, python: Call) -> None:
    """Without pyproject.toml or setup.py asv could build nothing."""
    (project / "pyproject.toml").unlink()

    done = python("mpbench", "init-asv", "small.work:start")

    assert 2 == done.returncode
    assert "has a pyproject.toml or setup.py" in done.stderr
    assert not (project / "benchmarks").exists()


def test_the_copy_needs_nothing_else(project: Path, python: Call) -> None:
    """The copy beside the suite is all that an environment of asv needs to measure."""
    pytest.importorskip("asv_runner")
    python("mpbench", "init-asv", "small.work:start", PYTHONPATH="src")
    (project / "src" / "small" / "more.py").write_text("def run(n):\n    assert n in (1, 2)\n")
    check = (
        "import sys; sys.path.insert(0, 'src'); import benchmarks, mpbench\n"
        "from mpbench.integrations.asv import function\n"
        "assert '_mpbench' in mpbench.__file__, mpbench.__file__\n"
        "base = function('small.more:run', params={'n': [1, 2]})\n"
        "assert base.param_names == ['method', 'n']\n"
        "found = base().mp_seconds('fork', 2, agents=1)\n"
        "assert found[0] > 0\n"
        "outside = [n for n, m in sys.modules.items() if n.startswith('mpbench')"
        " and '_mpbench' not in (m.__file__ or '')]\n"
        "assert not outside, outside\n"
    )
    (project / "check.py").write_text(check)

    done = python("check", PYTHONDONTWRITEBYTECODE="1")

    assert 0 == done.returncode, done.stderr


@pytest.mark.parametrize(
    "targets", [["small.work"], ["small.work:"], ["a b:c"], ["m:class"], ["m:a_b", "m:AB"]]
)
def test_wrong_names_are_refused(project: Path, python: Call, targets: list[str]) -> None:
    """What is no function, or gives two classes one name, ends with one line."""
    done = python("mpbench", "init-asv", *targets)

    assert 2 == done.returncode, done.stdout
    assert 1 == len(done.stderr.splitlines())
    assert not (project / "benchmarks").exists()


@pytest.mark.parametrize("body", ["async def work(): pass", "def work(): yield"])
def test_what_runs_nothing_is_refused(project: Path, python: Call, body: str) -> None:
    """A call of a coroutine function or a generator would time the making of an object."""
    (project / "src" / "small" / "lazy.py").write_text(body)
    done = python("mpbench", "init-asv", "small.lazy:work", PYTHONPATH="src")

    assert 2 == done.returncode
    assert "asyncio.run" in done.stderr
    assert not (project / "asv.conf.json").exists()


def test_a_missing_function_is_told(project: Path, python: Call) -> None:
    """A name that cannot be imported is a warning, for asv would only show n/a."""
    done = python("mpbench", "init-asv", "small.work:star", PYTHONPATH="src")

    assert (project / "benchmarks" / "work.py").exists()
    assert "small.work:star cannot be imported here" in done.stderr


@pytest.mark.slow
def test_asv_measures_two_commits(project: Path, python: Call) -> None:
    """The project is built and measured where the function exists, and n/a where it does not."""
    python("mpbench", "init-asv", "small.work:start")

    done = python(
        *("asv", "run", "--quick", "--record-samples", "--machine", "box", "HEAD~2..HEAD"),
        PATH=f"{Path(sys.executable).parent}:/usr/bin:/bin",
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    runs = sorted(read_asv(project / ".asv" / "results"), key=lambda run: run.header.started_utc)
    assert 2 == len(runs)
    by_commit = [{one.case.method for one in run.repetitions} for run in runs]
    assert sorted([set(), set(StartMethod)], key=len) == sorted(by_commit, key=len)
