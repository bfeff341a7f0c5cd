"""
Measure what making the page costs for programs of five sizes.

    python tests/agreement/page_scale.py [--rounds 3] [--tasks 1000,10000,100000,1000000]

A pool of two workers does tasks of nothing with chunk size 1. The figures are those of the
profiler's own process, its sampler included: CPU time and peak memory (RSS), medians over
rounds in which the sizes take turns. `--processes` adds a program with as many short
processes. Standard error has the time from the program's end to the last file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TASKS = """
import multiprocessing, sys
def work(number): return number
if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(work, range(int(sys.argv[1])), chunksize=1)
"""
PROCESSES = """
import multiprocessing, sys
def work(): pass
fork = multiprocessing.get_context("fork")
for _ in range(int(sys.argv[1]) // 10):
    some = [fork.Process(target=work) for _ in range(10)]
    for one in some: one.start()
    for one in some: one.join()
"""
# Runs the command and says what its own process has used at its end, and since the program's.
DRIVER = """
import atexit, json, resource, sys, time
import mpbench.cli.profile as profile
at, place = [], sys.argv.pop(1)
making = profile._making
def _making():
    at.append((time.perf_counter(), time.process_time()))
    making()
profile._making = _making
def say():
    used = resource.getrusage(resource.RUSAGE_SELF)
    wall, cpu = at[0]
    with open(place, "w") as file:
        json.dump({"cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss * 1024,
                   "making_s": time.perf_counter() - wall,
                   "making_cpu": time.process_time() - cpu}, file)
atexit.register(say)
from mpbench.cli import main
sys.exit(main())
"""


def measured(text: str, size: int) -> dict[str, float]:
    """Profile a program of one size, and return what the profiler used."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        (place / "program.py").write_text(text)
        words = ["profile", "-o", str(place / "out"), "--", str(place / "program.py"), str(size)]
        subprocess.run(
            [sys.executable, "-c", DRIVER, str(place / "used"), *words],
            check=True,
            capture_output=True,
        )
        used = json.loads((place / "used").read_text())
        record = json.loads((place / "out" / "profile.json").read_text())
        events = record["overhead"]
        used["events"] = events["events"]
        used["kept"] = events["events"] - events["dropped_events"]
        return used


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", default="1000,10000,100000,400000,1000000")
    parser.add_argument("--processes", default="400")
    given = parser.parse_args()
    sizes = [(TASKS, "tasks", int(one)) for one in given.tasks.split(",") if one]
    sizes += [(PROCESSES, "processes", int(one)) for one in given.processes.split(",") if one]
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(given.rounds):
        for text, word, size in sizes:
            found.setdefault((word, size), []).append(measured(text, size))
    print("| program | events | of them kept | CPU | of it after the program | wall | memory |")
    print("|---|---|---|---|---|---|---|")
    for (word, size), runs in found.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(
            f"| {size:,} {word} | {middle['events']:,.0f} | {middle['kept']:,.0f} "
            f"| {middle['cpu']:.2f} s | {middle['making_cpu']:.2f} s | {middle['making_s']:.2f} s "
            f"| {middle['rss'] / (1 << 20):.0f} MiB |"
        )


if __name__ == "__main__":
    main()
