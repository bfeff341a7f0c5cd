"""The same case through mpbench run, asv and pytest-benchmark, in interleaved rounds."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from fresh_cases import agent
from interleave import interleaved, row

ROOT = Path(__file__).parent.parent.parent
WORKLOAD = "process/start-to-join"

_TEST = """
def test_case(mp_benchmark):
    mp_benchmark.workload("process/start-to-join")
"""


def by_asv(method: str) -> Callable[[], float]:
    """Return a function that has asv measure the case once in the running interpreter."""
    bench = f"process.ProcessStartToJoin.mp_seconds\\('{method}'\\)"

    def read() -> float:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "asv", "run", "--quick", "--dry-run", "--show-stderr"),
                *("--python", "same", "--bench", bench, "--verbose"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        return _seconds_in(done.stdout, method)

    return read


def _seconds_in(text: str, method: str) -> float:
    """Read the figure that asv prints for a start method."""
    units = {"s": 1.0, "ms": 1e-3, "μs": 1e-6, "us": 1e-6, "ns": 1e-9}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[-2] == method:
            number, _, rest = words[-1].partition("±")
            unit = rest.lstrip("0123456789.e-")
            return float(number) * units[unit]
    raise ValueError(f"asv printed no figure for {method}: {text[-500:]}")


def by_pytest(method: str) -> Callable[[], float]:
    """Return a function that has pytest-benchmark measure the case once."""

    def read() -> float:
        with tempfile.TemporaryDirectory() as folder:
            test = Path(folder) / "test_case.py"
            test.write_text(_TEST)
            result = Path(folder) / "result.json"
            subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", str(test), "-q", "-k", f"[{method}]"),
                    *("--benchmark-enable", "--mpbench-agents", "1", "-p", "no:cacheprovider"),
                    f"--benchmark-json={result}",
                ],
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTEST_ADDOPTS": ""},
            )
            found = json.loads(result.read_text())
        return statistics.median(one["stats"]["median"] for one in found["benchmarks"])

    return read


def main() -> None:
    """Print two lines for each start method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    print("| start method, front end | mpbench run | front end | front end / run (95 %) | rounds |")
    print("|---|---|---|---|---|")
    for method in ("fork", "spawn", "forkserver"):
        readings = interleaved(
            {
                "run": agent(WORKLOAD, method),
                "asv": by_asv(method),
                "pytest-benchmark": by_pytest(method),
            },
            rounds=rounds,
        )
        for other in ("asv", "pytest-benchmark"):
            print(row(f"{method}, {other}", readings["run"], readings[other]), flush=True)


if __name__ == "__main__":
    main()
