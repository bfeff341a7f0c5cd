"""
How the time, the memory and the size of a report grow with the number of samples.

    python tests/agreement/report_scale.py [SAMPLES ...]

Makes result files of 100 machines that were never measured (numbers follow
from a seed), runs `mpbench report` on them in a process of its own, and
prints what it took. Without arguments it goes from 1,000 to 1,000,000 samples;
the last is 10,000 cases of 10 agents with 10 samples each.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import fakes

from mpbench.model import Metric, Run, RunEnd, Sample, StartMethod, Status
from mpbench.store import Writer

_AGENTS, _SAMPLES, _MACHINES = 10, 10, 100
_FAMILIES = ("process", "pipe", "queue", "lock", "pool", "manager", "shared")


def machine(number: int, cases: int) -> Run:
    """Return the run of one made-up machine with a number of cases."""
    dice = random.Random(number)
    slower = dice.lognormvariate(0, 0.3)
    records, repetitions = [], []
    methods = tuple(StartMethod)
    for place in range(cases):
        family = _FAMILIES[place // 3 % len(_FAMILIES)]
        name = f"{family}/behaviour-{place // 21}"
        case = fakes.case(name, methods[place % 3].value, payload_bytes=64 << place % 5)
        doc = "Do something.\n\nTimed: all of it.\n\nReads as: what it costs."
        record = fakes.case_record(case, metric=Metric.TIME, doc=doc)
        if record in records:
            continue
        records.append(record)
        typical = slower * 1e-6 * 10 ** (place % 4)
        for agent in range(_AGENTS):
            values = [typical * dice.lognormvariate(0, 0.05) for _ in range(_SAMPLES)]
            samples = tuple(Sample(round(value * 1e12), 1_000) for value in values)
            repetitions.append(fakes.repetition(case, agent, samples=samples))
    return fakes.run(f"machine-{number:03}", agents=0)._replace(
        cases=tuple(records),
        repetitions=tuple(repetitions),
        events=(),
        end=RunEnd(1, Status.OK, None),
    )


def write(run: Run, folder: Path) -> Path:
    """Write a run as its result file."""
    with Writer(folder) as writer:
        writer.write_run(run)
    return folder


def measure(samples: int, folder: Path) -> str:
    """Return one line about a report of so many samples."""
    cases = max(1, samples // (_AGENTS * _SAMPLES * _MACHINES))
    machines = min(_MACHINES, max(1, samples // (cases * _AGENTS * _SAMPLES)))
    folders = [write(machine(n, cases), folder / f"m{n}") for n in range(machines)]
    size = sum((one / "results.jsonl").stat().st_size for one in folders)
    out = folder / "report"
    command = [sys.executable, "-m", "mpbench", "report", *map(str, folders), "-o", str(out)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    assert status == 0
    page = (out / "report.html").stat().st_size
    return (
        f"{machines * cases * _AGENTS * _SAMPLES:>9,} samples  {machines * cases:>6,} cases  "
        f"{machines:>3} machines  {size / 1e6:7.1f} MB read  {elapsed:6.1f} s  "
        f"CPU {used.ru_utime + used.ru_stime:6.1f} s  {used.ru_maxrss / 1024:6.0f} MiB  "
        f"page {page / 1e6:5.2f} MB"
    )


def main() -> None:
    """Measure each size."""
    wanted = [int(text) for text in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000]
    for samples in wanted:
        with tempfile.TemporaryDirectory() as folder:
            print(measure(samples, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
