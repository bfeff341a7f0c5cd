"""Three operations as mpbench and as pyperf time them, in interleaved rounds."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyperf
from fresh_cases import agent
from interleave import interleaved, row

SCRIPT = Path(__file__).with_name("pyperf_operations.py")


def by_pyperf(operation: str) -> Callable[[], float]:
    """Return a function that has pyperf time an operation in one fresh worker process."""

    def read() -> float:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.json"
            subprocess.run(
                [
                    *(sys.executable, str(SCRIPT), "--quiet", "--processes", "1"),
                    *("--values", "3", "--warmups", "1", "-o", str(path), operation),
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            return float(pyperf.Benchmark.load(str(path)).median())

    return read


def main() -> None:
    """Print one line for each operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    cases = {
        "lock": agent("lock/uncontended", None, kind="Lock"),
        "pipe": agent("pipe/round-trip", "fork", payload_bytes=64),
        "process": agent("process/start-to-join", "fork"),
    }
    print("| operation | pyperf | mpbench | mpbench / pyperf (95 %) | rounds |")
    print("|---|---|---|---|---|")
    for name, ours in cases.items():
        readings = interleaved({"pyperf": by_pyperf(name), "mpbench": ours}, rounds=rounds)
        print(row(name, readings["pyperf"], readings["mpbench"]), flush=True)


if __name__ == "__main__":
    main()
