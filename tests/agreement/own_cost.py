"""What mpbench itself costs: the loop of a body, and the commands that only print."""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from fresh_cases import agent
from interleave import interleaved, row

_LOOP = """
import time
def bare(iterations):
    for _ in range(iterations):
        pass
bare(10_000)
found = []
for _ in range(5):
    started = time.perf_counter()
    bare(1_000_000)
    found.append((time.perf_counter() - started) / 1_000_000)
print(sorted(found)[2])
"""


def bare_loop() -> float:
    """Return seconds for one pass of an empty loop in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", _LOOP], capture_output=True, text=True, check=True)
    return float(done.stdout)


def command(*words: str) -> Callable[[], float]:
    """Return a function that times a command from start to exit."""

    def read() -> float:
        started = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    return read


def main() -> None:
    """Print the cost of the loop and of the light commands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    mpbench = shutil.which("mpbench") or "mpbench"
    readings = interleaved(
        {
            "loop": bare_loop,
            "empty": agent("floor/empty-call", None),
            "pass": command(sys.executable, "-c", "pass"),
            "help": command(mpbench, "--help"),
            "list": command(mpbench, "list"),
        },
        rounds=rounds,
    )
    added = [empty - loop for empty, loop in zip(readings["empty"], readings["loop"], strict=True)]
    print(f"floor/empty-call above a bare loop: {statistics.median(added) * 1e9:.1f} ns")
    print("| what | base | command | ratio (95 %) | rounds |")
    print("|---|---|---|---|---|")
    for name in ("help", "list"):
        print(row(f"mpbench {name} against python -c pass", readings["pass"], readings[name]))


if __name__ == "__main__":
    main()
