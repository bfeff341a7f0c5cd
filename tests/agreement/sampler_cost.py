"""
Measure what the sampler costs: its own CPU time with a number of live processes.

    python tests/agreement/sampler_cost.py [SECONDS]

The last column is the CPU time of the whole sampling process, which does
nothing else: an independent reading of what the sampler says about itself.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time

from mpbench.sampling.psutil_reader import PsutilReader, reader_for
from mpbench.sampling.sampler import Sampler


def sample(make, children, seconds, interval):
    """Sample waiting processes for a while and return one line."""
    context = multiprocessing.get_context("fork")
    started = [context.Process(target=time.sleep, args=(seconds + 60,)) for _ in range(children)]
    for one in started:
        one.start()
    before, began = time.process_time(), time.perf_counter()
    with Sampler(os.getpid(), interval_s=interval, reader=make(os.getpid())) as sampler:
        time.sleep(seconds)
    whole = (time.process_time() - before) / (time.perf_counter() - began)
    for one in started:
        one.kill()
        one.join()
    seen = sampler.seen()
    return (
        f"{make.__name__:14} {children:9} {interval * 1000:6.0f}ms {seen.ticks:6} "
        f"{seen.late_ticks:5} {seen.own_share:8.2%} {whole:8.2%}"
    )


def main():
    """Print one line for each reader, number of processes and interval."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    print("reader          children interval  looks  late      own  process")
    for make in (reader_for, PsutilReader):
        for children in (1, 8, 64):
            for interval in (0.1, 0.05):
                print(sample(make, children, seconds, interval), flush=True)


if __name__ == "__main__":
    main()
