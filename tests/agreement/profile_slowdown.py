"""
Measure how much slower a program runs under `mpbench profile`.

    python tests/agreement/profile_slowdown.py [ROUNDS]

The same pool's map with chunk size 1 and tasks of a known CPU time, plain and
profiled by turns in random order, timed by the program itself. Printed are the
median ratio and its order-statistic interval of at least 95 %.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
from math import comb
from pathlib import Path

from mpbench.observe.profile import profile_program

JOB = """
import multiprocessing, sys, time
def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
if __name__ == "__main__":
    method, seconds, count, said = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with multiprocessing.get_context(method).Pool(2) as pool:
        pool.map(spin, [seconds] * 20, chunksize=1)
        began = time.perf_counter()
        pool.map(spin, [seconds] * count, chunksize=1)
        took = time.perf_counter() - began
    with open(said, "w") as file:
        file.write(str(took))
"""

TASKS = ((0.01, 100), (0.001, 1_000), (0.0001, 5_000), (0.0, 5_000))


def interval_of(values):
    """Return the narrowest order-statistic interval of the median with 95 % confidence."""
    ordered, size = sorted(values), len(values)
    outside = 0.0
    rank = 0
    while rank < size // 2:
        outside += 2 * comb(size, rank) / 2**size
        if outside > 0.05:
            break
        rank += 1
    low = max(0, rank - 1)
    return ordered[low], ordered[size - 1 - low]


def took(script, said, job, *, profiled):
    """Run the job once and return the seconds that it says it took."""
    command = [sys.executable, str(script), *map(str, job), str(said)]
    if profiled:
        ran = profile_program(command).ran
        assert ran.exit_code == 0
    else:
        subprocess.run(command, check=True, env=dict(os.environ))
    return float(said.read_text())


def main():
    """Print one line for each start method and length of task."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    dice = random.Random(0)
    print("method      task       ratio   95 % interval")
    with tempfile.TemporaryDirectory() as name:
        script, said = Path(name) / "job.py", Path(name) / "said"
        script.write_text(JOB)
        for method in ("fork", "spawn"):
            for seconds, count in TASKS:
                ratios = []
                for _ in range(rounds):
                    order = [True, False]
                    dice.shuffle(order)
                    found = {
                        one: took(script, said, (method, seconds, count), profiled=one)
                        for one in order
                    }
                    ratios.append(found[True] / found[False])
                low, high = interval_of(ratios)
                print(
                    f"{method:10} {seconds * 1e6:6.0f}us {statistics.median(ratios):9.3f}   "
                    f"{low:.3f} to {high:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
