"""
Measure what one call of multiprocessing costs with the profiler's hook, and without it.

    python tests/agreement/event_cost.py [ROUNDS]

Each round starts two fresh interpreters in random order, one of them under
`mpbench profile`, and takes the fastest of 42 series of 400 calls from each:
what is seen when nothing else happens and everything is in the caches.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from pathlib import Path

from profile_slowdown import words

from mpbench.profiling.profile import profile_program
from mpbench.profiling.run_program import RunOptions, run_program

JOB = """
import json, multiprocessing, sys, time
from multiprocessing import pool
def fastest(call, series=42, count=400):
    best = None
    for _ in range(series):
        began = time.perf_counter_ns()
        for _ in range(count):
            call()
        took = (time.perf_counter_ns() - began) / count
        best = took if best is None else min(best, took)
    return best
def nothing(number):
    return number
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    lock, queue = context.Lock(), context.SimpleQueue()
    reader, writer = context.Pipe(duplex=False)
    def through_lock():
        lock.acquire()
        lock.release()
    def through_pipe():
        writer.send(7)
        reader.recv()
    def through_queue():
        queue.put(7)
        queue.get()
    chunk = (nothing, (1,))
    found = {
        "an uncontended lock, taken and given back": fastest(through_lock),
        "a message through a pipe, sent and received": fastest(through_pipe),
        "a message through a SimpleQueue, put and got": fastest(through_queue),
        "one chunk of a map in a worker, beside its function": fastest(lambda: pool.mapstar(chunk)),
    }
    with open(sys.argv[1], "w") as file:
        json.dump(found, file)
"""


def main():
    """Print one line for each operation: microseconds with and without, and their ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    dice = random.Random(0)
    plain, hooked = [], []
    with tempfile.TemporaryDirectory() as name:
        script, said = Path(name) / "job.py", Path(name) / "said"
        script.write_text(JOB)
        command = [sys.executable, str(script), str(said)]
        for _ in range(rounds):
            order = [plain, hooked]
            dice.shuffle(order)
            for found in order:
                if found is hooked:
                    assert profile_program(command, RunOptions(interval_s=60)).ran.exit_code == 0
                else:
                    assert (
                        run_program(command, dict(os.environ), RunOptions(interval_s=60)).exit_code
                        == 0
                    )
                found.append(json.loads(said.read_text()))
    print("| what | plain, us | profiled, us |\n|---|---|---|")
    for what in plain[0]:
        columns = [words([one[what] / 1e3 for one in found], 2) for found in (plain, hooked)]
        print(f"| {what} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
