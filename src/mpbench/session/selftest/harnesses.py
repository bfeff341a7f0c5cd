"""Trial of each harness with its own program, defaults and decision."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import EnvironmentUnfitError
from mpbench.model import StartMethod
from mpbench.plan import Plan
from mpbench.session.comparing.arms import Arm
from mpbench.session.comparing.compare import ComparePlan, compare
from mpbench.session.machine_lock import machine_lock
from mpbench.session.progress import NullProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ("HARNESSES", "HarnessDecision", "Trial", "asv_change")

_TIMEOUT_S = 900


class Trial(NamedTuple):
    """What is compared: `base` with `same` or with `slow`."""

    folder: Path
    work: Path
    operation: str
    side: str
    seed: int
    # What mpbench took for the same trial, so that others can be given the same.
    seconds: float | None = None


class HarnessDecision(NamedTuple):
    """What a harness concluded: 1 slower, -1 faster, 0 nothing; by rule where it has several."""

    decisions: Mapping[str, int]
    seconds: float
    ratio: float | None


def _run(command: Sequence[str], trial: Trial, *, accepted: tuple[int, ...] = (0,)) -> str:
    """
    Run a harness and return what it printed.

    Raises:
        EnvironmentUnfitError: It failed.
    """
    # HOME: asv keeps its description of the machine there, which is the user's business.
    environment = {**os.environ, "PYTHONPATH": str(trial.folder), "HOME": str(trial.work)}
    # asv looks interpreters up by version; shims in front of them would fail.
    environment["PATH"] = os.pathsep.join((str(Path(sys.base_prefix) / "bin"), os.environ["PATH"]))
    with machine_lock(wait_s=_TIMEOUT_S):
        done = subprocess.run(
            list(command),
            cwd=trial.work,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    if done.returncode not in accepted:
        last = ((done.stderr + done.stdout).strip().splitlines() or ["no output"])[-1]
        raise EnvironmentUnfitError(
            f"{' '.join(command[:4])} ended with exit code {done.returncode}: {last}"
        )
    return done.stdout


def _mpbench(trial: Trial) -> HarnessDecision:
    arms = tuple(
        Arm(
            text=f"call=subject_{side}:{trial.operation},method=fork",
            call=f"subject_{side}:{trial.operation}",
            method=StartMethod.FORK,
        )
        for side in ("base", trial.side)
    )
    compared = compare(
        ComparePlan(plan=Plan(seed=trial.seed), arms=arms, paths=(trial.folder,)),
        folder=trial.work / "mpbench",
        progress=NullProgress(),
        wait_s=_TIMEOUT_S,
    )
    (judgement,) = compared.outcome.judgements
    says = {"slower": 1, "faster": -1}.get(judgement.verdict.value, 0)
    ratio = None if judgement.ratio is None else judgement.ratio.estimate
    return HarnessDecision({"verdict": says}, compared.outcome.seconds["main"], ratio)


def _pyperf(trial: Trial) -> HarnessDecision:
    started = time.perf_counter()
    files: list[str] = []
    for number, side in enumerate(("base", trial.side)):
        files.append(str(trial.work / f"pyperf-{number}.json"))
        _run(
            [
                *(sys.executable, "-m", "pyperf", "timeit", "--quiet", "-o", files[-1]),
                *("--inherit-environ", "PYTHONPATH,PATH", "--name", "bench"),
                *("-s", f"from subject_{side} import {trial.operation} as call; call()", "call()"),
            ],
            trial,
        )
    output = _run([sys.executable, "-m", "pyperf", "compare_to", *files], trial)
    seconds = time.perf_counter() - started
    match = re.search(r"([\d.]+)x (slower|faster)", output)
    if match is None or "not significant" in output.lower():
        return HarnessDecision({"compare_to": 0}, seconds, None)
    slower = match[2] == "slower"
    factor = float(match[1])
    return HarnessDecision(
        {"compare_to": 1 if slower else -1}, seconds, factor if slower else 1 / factor
    )


# The first call of an operation may start its partner; it is made before any clock.
_PYTEST = """
from subject_base import {operation} as first
from subject_{side} import {operation} as second

def test_base(benchmark):
    first()
    benchmark(first)

def test_new(benchmark):
    second()
    benchmark(second)
"""


def _beyond(ratio: float, share: float) -> int:
    return 1 if ratio > 1 + share else -1 if ratio < 1 / (1 + share) else 0


def _pytest_benchmark(trial: Trial) -> HarnessDecision:
    test = trial.work / "test_sides.py"
    test.write_text(_PYTEST.format(operation=trial.operation, side=trial.side))
    out = trial.work / "pytest.json"
    # Half of what mpbench needed for each side: both harnesses get the same seconds.
    each = max(1.0, (trial.seconds or 10.0) / 2)
    started = time.perf_counter()
    _run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:mpbench"),
            *("-c", os.devnull, "--rootdir", str(trial.work), f"--benchmark-json={out}"),
            *(f"--benchmark-max-time={each:.1f}", str(test)),
        ],
        trial,
    )
    seconds = time.perf_counter() - started
    stats = {
        benchmark["name"]: benchmark["stats"]
        for benchmark in json.loads(out.read_text())["benchmarks"]
    }
    ratios = {
        name: stats["test_new"][name] / stats["test_base"][name]
        for name in ("min", "mean", "median")
    }
    decisions = {f"{name}:5%": _beyond(ratio, 0.05) for name, ratio in ratios.items()}
    decisions["median:2%"] = _beyond(ratios["median"], 0.02)
    return HarnessDecision(decisions, seconds, ratios["median"])


_ASV = {
    "version": 1,
    "project": "subject",
    "repo": "repository",
    "branches": ["main"],
    "environment_type": "virtualenv",
    "launch_method": "spawn",
    "benchmark_dir": "benchmarks",
    "build_command": [
        "python -m pip wheel --no-deps --no-build-isolation -w {build_cache_dir} {build_dir}"
    ],
    "install_command": ["in-dir={env_dir} python -m pip install --force-reinstall {wheel_file}"],
    "uninstall_command": ["return-code=any python -m pip uninstall -y {project}"],
    "env_dir": "env",
    "results_dir": "results",
    "html_dir": "html",
}
_ASV_PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "subject"
version = "1"

[tool.setuptools]
py-modules = ["subject"]
"""
_ASV_BENCHMARKS = """
from subject import fork_join as _fork_join, pipe_trip as _pipe_trip


def time_fork_join():
    _fork_join()


def time_pipe_trip():
    _pipe_trip()
"""


_ASV_FACTOR = "1.05"


def _asv_folder(folder: Path) -> Path:
    """Make, once, a project of three commits: `base`, `same` (a comment more) and `slow`."""
    place = folder / "asv"
    if (place / "ready").is_file():
        return place
    shutil.rmtree(place, ignore_errors=True)
    repository = place / "repository"
    (place / "benchmarks").mkdir(parents=True)
    repository.mkdir()
    (place / "benchmarks" / "__init__.py").write_text("")
    (place / "benchmarks" / "operations.py").write_text(_ASV_BENCHMARKS)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    settings = {**_ASV, "pythons": [version], "matrix": {"req": {"pip+asv_runner": ["0.3.2"]}}}
    (place / "asv.conf.json").write_text(json.dumps(settings, indent=2))
    git = shutil.which("git")
    if git is None:
        raise EnvironmentUnfitError("asv needs git, and there is none on this machine")
    identity = ("-c", "user.name=mpbench", "-c", "user.email=mpbench@localhost")

    def call(*words: str) -> None:
        subprocess.run([git, *identity, *words], cwd=repository, check=True, capture_output=True)

    call("init", "-q", "-b", "main")
    (repository / "pyproject.toml").write_text(_ASV_PROJECT)
    for side in ("base", "same", "slow"):
        text = (folder / f"subject_{side}.py").read_text()
        (repository / "subject.py").write_text(text)
        call("add", "-A")
        call("commit", "-q", "-m", side)
        call("tag", side)
    (place / "ready").write_text("")
    return place


def asv_change(output: str, name: str) -> tuple[int, float | None]:
    """Return what a table of `asv compare` says of a benchmark: its mark, and the ratio."""
    match = re.search(
        rf"^\|\s*([+-]?)\s*\|.*\|\s*~?([\d.]+)\s*\|\s*\w+\.{name}\s*\|", output, re.MULTILINE
    )
    if match is None:
        return 0, None
    return {"+": 1, "-": -1}.get(match[1], 0), float(match[2])


def _asv(trial: Trial) -> HarnessDecision:
    place = _asv_folder(trial.folder)
    here = trial._replace(work=place)
    name = f"time_{trial.operation}"
    command = [sys.executable, "-m", "asv", "continuous", "base", trial.side, "--bench", name]
    if not (place / "env").is_dir():
        # Making the environment is not measuring: it is done before the clock starts.
        _run([sys.executable, "-m", "asv", "machine", "--yes"], here)
        _run([*command, "--quick"], here, accepted=(0, 1))
    started = time.perf_counter()
    # Exit code 1 stands for a slowdown as well as for trouble; the words tell them apart.
    output = _run(command, here, accepted=(0, 1))
    seconds = time.perf_counter() - started
    if "BENCHMARKS" not in output:
        last = (output.strip().splitlines() or ["no output"])[-1]
        raise EnvironmentUnfitError(f"asv continuous compared nothing: {last}")
    says = (
        1 if "PERFORMANCE DECREASED" in output else -1 if "PERFORMANCE INCREASED" in output else 0
    )
    # Its own factor of 1.1 cannot see what is injected; the same results with one that can.
    sharper = [sys.executable, "-m", "asv", "compare", "--factor", _ASV_FACTOR, "base", trial.side]
    change, ratio = asv_change(_run(sharper, here), name)
    return HarnessDecision(
        {"continuous": says, f"compare --factor {_ASV_FACTOR}": change}, seconds, ratio
    )


# mpbench comes first: pytest-benchmark is given the seconds that it took.
HARNESSES: dict[str, Callable[[Trial], HarnessDecision]] = {
    "mpbench": _mpbench,
    "pyperf": _pyperf,
    "pytest-benchmark": _pytest_benchmark,
    "asv": _asv,
}
