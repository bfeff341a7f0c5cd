"""The agent's neutral main module against `python -c`, and main=plain against a guarded script."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fresh_cases import agent
from interleave import interleaved, row

HERE = Path(__file__).parent
COUNT = "15"


# What the agent has imported when it starts its first process.
AGENT = "import mpbench.agent.serve, mpbench.workloads.process.starts; "


def plain(method: str, *, script: bool, imports: str = "") -> Callable[[], float]:
    """Return a function that times starts in an ordinary program."""
    code = "import plain_starts, sys; print(plain_starts.timed(sys.argv[1], int(sys.argv[2])))"
    how = [str(HERE / "plain_starts.py")] if script else ["-c", imports + code]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": ""}

    def read() -> float:
        done = subprocess.run(
            [sys.executable, *how, method, COUNT],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        return float(done.stdout)

    return read


def main() -> None:
    """Print one line for each start method and kind of main module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print("| start method, main module | program | agent | agent / program (95 %) | rounds |")
    print("|---|---|---|---|---|")
    for method in ("fork", "spawn", "forkserver"):
        readings = interleaved(
            {
                "python -c": plain(method, script=False),
                "python -c with the agent's imports": plain(method, script=False, imports=AGENT),
                "script": plain(method, script=True),
                "neutral": agent("process/start-to-ready", method, main="neutral"),
                "plain": agent("process/start-to-ready", method, main="plain"),
            },
            rounds=rounds,
        )
        for ours, theirs in (
            ("neutral", "python -c"),
            ("neutral", "python -c with the agent's imports"),
            ("plain", "script"),
        ):
            what = f"{method}, {ours} against {theirs}"
            print(row(what, readings[theirs], readings[ours]), flush=True)


if __name__ == "__main__":
    main()
