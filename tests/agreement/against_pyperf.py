"""Three operations as mpbench and as pyperf time them, in interleaved rounds."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyperf
from fresh_cases import agent
from interleave import interleaved, row

SCRIPT = Path(__file__).with_name("pyperf_operations.py")
BARE = SCRIPT.with_name("operations.py")


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


def bare(operation: str) -> Callable[[], float]:
    """Return a function that times the same loop in an interpreter with nothing else in it."""

    def read() -> float:
        done = subprocess.run(
            [sys.executable, str(BARE), operation], capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    return read


def main() -> None:
    """Print one line for each operation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--cpu",
        type=int,
        help="keep everything on one CPU: where a woken process runs is then no matter of luck",
    )
    parser.add_argument("--only", choices=["lock", "pipe", "process"], help="one of them")
    given = parser.parse_args()
    rounds = given.rounds
    if given.cpu is not None:
        os.sched_setaffinity(0, {given.cpu})
    cases = {
        "lock": agent("lock/uncontended", None, kind="Lock"),
        "pipe": agent("pipe/round-trip", "fork", payload_bytes=64),
        "process": agent("process/start-to-join", "fork"),
    }
    print("| operation | other | other's | mpbench's | mpbench / other (95 %) | rounds |")
    print("|---|---|---|---|---|---|")
    for name, ours in cases.items():
        if given.only not in {None, name}:
            continue
        ways = {"pyperf": by_pyperf(name), "bare loop": bare(name), "mpbench": ours}
        readings = interleaved(ways, rounds=rounds)
        for other in ("pyperf", "bare loop"):
            what = f"{name} | {other}"
            print(row(what, readings[other], readings["mpbench"]), flush=True)


if __name__ == "__main__":
    main()
