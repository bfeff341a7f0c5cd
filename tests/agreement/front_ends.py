"""The same case through mpbench run, asv and pytest-benchmark, in interleaved rounds."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from interleave import interleaved, row

from mpbench.integrations.exchange.asv_reader import read_asv
from mpbench.integrations.exchange.medians import readings_of
from mpbench.integrations.exchange.pytest_file import read_pytest_json
from mpbench.model import Run, StartMethod
from mpbench.store import read

ROOT = Path(__file__).parent.parent.parent
WORKLOAD = "process/start-to-join"
BENCHMARK = "process.ProcessStartToJoin"
# Of fewer rounds no signed-rank interval of 95 % exists.
_LEAST = 6
MACHINE = {"arch": "x", "cpu": "x", "machine": "here", "num_cpu": "2", "os": "Linux", "ram": "1"}

_TEST = f"""
def test_case(mp_benchmark):
    mp_benchmark.workload({WORKLOAD!r})
"""

# One round of a front end: seconds per operation for each start method.
Reading = dict[StartMethod, float]
FrontEnd = Callable[[], Reading]


def reading_of(run: Run) -> Reading:
    """Return the median of the agents' medians for each start method."""
    return {
        one.record.case.method: statistics.median(one.seconds)
        for one in readings_of([run])
        if one.record.case.workload == WORKLOAD and one.record.case.method is not None
    }


def _in_folder(measure: Callable[[Path], Run]) -> FrontEnd:
    """Return a front end that has an empty folder in each round."""

    def once() -> Reading:
        with tempfile.TemporaryDirectory() as folder:
            return reading_of(measure(Path(folder)))

    return once


def _call(folder: Path, *command: str, **more: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTEST_ADDOPTS": "", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")


def by_run(agents: int) -> FrontEnd:
    """Measure with `mpbench run`, report and all."""

    def measure(folder: Path) -> Run:
        chosen = ("--select", WORKLOAD, "--reps", str(agents))
        _call(folder, sys.executable, "-m", "mpbench", "run", *chosen, "-o", "out")
        return read(folder / "out")

    return _in_folder(measure)


def by_asv(agents: int) -> FrontEnd:
    """Measure with `asv run` in the running interpreter; its files have every digit."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607 - the user's own git
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    paths = {"repo": str(ROOT), "benchmark_dir": str(ROOT / "benchmarks")}

    def measure(folder: Path) -> Run:
        configuration = json.loads((ROOT / "asv.conf.json").read_text()) | paths
        (folder / "asv.conf.json").write_text(json.dumps(configuration))
        (folder / ".asv-machine.json").write_text(json.dumps({"here": MACHINE, "version": 1}))
        _call(
            folder,
            *(sys.executable, "-m", "asv", "run", "-E", f"existing:{sys.executable}"),
            *("--set-commit-hash", commit, "--machine", "here", "--record-samples"),
            *("-a", "rounds=1", "-a", f"repeat={agents}", "--bench", BENCHMARK),
            HOME=str(folder),
        )
        (run,) = read_asv(folder / ".asv" / "results")
        return run

    return _in_folder(measure)


def by_pytest(agents: int) -> FrontEnd:
    """Measure with the `pytest` script, whose own main module spawned children would import."""
    script = shutil.which("pytest", path=str(Path(sys.executable).parent)) or "pytest"

    def measure(folder: Path) -> Run:
        (folder / "test_case.py").write_text(_TEST)
        _call(
            folder,
            *(script, "-q", "-p", "no:cacheprovider", "--benchmark-enable"),
            *("--mpbench-agents", str(agents), "--benchmark-json=out.json", "test_case.py"),
        )
        return read_pytest_json(folder / "out.json")

    return _in_folder(measure)


def _told(name: str, front_end: FrontEnd) -> FrontEnd:
    """Return the same front end, which says on standard error how long it took."""

    def once() -> Reading:
        started = time.monotonic()
        found = front_end()
        print(f"{name}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)
        return found

    return once


def _table(
    base: str, others: Sequence[str], readings: dict[str, dict[StartMethod, list[float]]]
) -> None:
    """Print one line for each start method and front end."""
    print(
        f"\n| start method, front end | {base} | front end | front end / {base} (95 %) | rounds |"
    )
    print("|---|---|---|---|---|")
    for method in StartMethod:
        for other in others:
            values = (readings[base][method], readings[other][method])
            print(row(f"{method.value}, {other}", *values), flush=True)


def main() -> None:
    """Print both tables: each front end against `mpbench run`, and the two against each other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--agents", type=int, default=2, help="fresh agents in each round")
    given = parser.parse_args()
    if given.rounds < _LEAST:
        parser.error(f"an interval of 95 % needs at least {_LEAST} rounds")
    ways = {
        "mpbench run": by_run(given.agents),
        "asv": by_asv(given.agents),
        "pytest-benchmark": by_pytest(given.agents),
    }
    rounds = interleaved(
        {name: _told(name, way) for name, way in ways.items()}, rounds=given.rounds
    )
    readings: dict[str, dict[StartMethod, list[float]]] = {}
    for name, found in rounds.items():
        readings[name] = defaultdict(list)
        for one in found:
            for method, seconds in one.items():
                readings[name][method].append(seconds)
    _table("mpbench run", ("asv", "pytest-benchmark"), readings)
    _table("pytest-benchmark", ("asv",), readings)


if __name__ == "__main__":
    main()
