"""
Measure how much slower a program runs under `mpbench profile`.

    python tests/agreement/profile_slowdown.py [--one-cpu] [ROUNDS [MICROSECONDS ...]]

The same pool's map with chunk size 1 and tasks of a known CPU time, plain and
profiled by turns in random order, timed by the program itself. Printed are the
median ratios of the tasks' wall-clock time and of the CPU time of parent and workers, and
their order-statistic intervals of at least 95 %. The CPU time hardly depends
on what else the machine does, and has the price of starting in it. The tasks' time
begins when both workers have answered; the last column says how much later
that was in the profiled program, in milliseconds.

With --one-cpu everything runs on one CPU, drawn anew for each round: the profiler's
own sampler has to share it, and whatever anybody computes more is time that the
program waits. CPUs that differ for a tenth of a second do not come in between.
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

from mpbench.profiling.profile import profile_program

JOB = """
import multiprocessing, os, resource, sys, time
def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()
def used():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)
if __name__ == "__main__":
    method, seconds, count, said = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    before, born = used(), time.perf_counter()
    with multiprocessing.get_context(method).Pool(2) as pool:
        # A spawned worker may still be importing when the other one has done all of these.
        seen = set()
        while len(seen) < 2:
            seen.update(pool.map(spin, [0.001] * 4, chunksize=1))
        pool.map(spin, [seconds] * 20, chunksize=1)
        began = time.perf_counter()
        pool.map(spin, [seconds] * count, chunksize=1)
        took = time.perf_counter() - began
        pool.close()
        pool.join()
    with open(said, "w") as file:
        file.write(f"{took} {used() - before} {began - born}")
"""

TASKS_US = (10_000, 1_000, 100, 0)


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


def once(script, said, job, *, profiled):
    """Run the job once; return the seconds its tasks, its CPU use and its start took."""
    command = [sys.executable, str(script), *map(str, job), str(said)]
    if profiled:
        ran = profile_program(command).ran
        assert ran.exit_code == 0
    else:
        subprocess.run(command, check=True, env=dict(os.environ))
    return tuple(map(float, said.read_text().split()))


def words(values, digits=3):
    """Write a median with its interval."""
    low, high = interval_of(values)
    return f"{statistics.median(values):6.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main():
    """Print one line for each start method and length of task."""
    words_given = sys.argv[1:]
    one_cpu = "--one-cpu" in words_given
    numbers = [int(word) for word in words_given if word != "--one-cpu"]
    rounds = numbers[0] if numbers else 15
    tasks = numbers[1:] or TASKS_US
    dice = random.Random(0)
    cpus = sorted(os.sched_getaffinity(0))
    print("method     task      wall-clock time          CPU time                 start, ms")
    with tempfile.TemporaryDirectory() as name:
        script, said = Path(name) / "job.py", Path(name) / "said"
        script.write_text(JOB)
        for method in ("fork", "spawn"):
            for micro in tasks:
                # A second of work, or as many tasks as take about that long to hand over.
                seconds, count = micro / 1e6, min(5_000, 1_000_000 // max(1, micro))
                wall, cpu, later = [], [], []
                for _ in range(rounds):
                    if one_cpu:
                        os.sched_setaffinity(0, {dice.choice(cpus)})
                    order = [True, False]
                    dice.shuffle(order)
                    job = (method, seconds, count)
                    found = {one: once(script, said, job, profiled=one) for one in order}
                    wall.append(found[True][0] / found[False][0])
                    cpu.append(found[True][1] / found[False][1])
                    later.append((found[True][2] - found[False][2]) * 1e3)
                columns = (words(wall), words(cpu), words(later, 1))
                print(f"{method:6} {micro:6}us  {'   '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
