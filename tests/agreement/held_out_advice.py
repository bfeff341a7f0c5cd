"""
Compare what `mpbench advise` says with the best of a brute-force search, for jobs it never saw.

Each job is run as users run it: start a pool, map, close, join; the time is
that of all of it. The advice knows only the results file, the time of one task
alone, the number of tasks, the size of an argument, and what a task does where a
user could say so in a word. The search tries every
start method, worker count and chunk size, and no pool at all. All settings of
a job take turns, so that drift meets all of them.

The best of sixty settings is partly the luckiest. So the advised setting and
the best one found meet again, in fresh runs and in random order, and the ratio
in the table is that of these runs: its median with a 95 % interval.

    python tests/agreement/held_out_advice.py reports/standard --minutes 12
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import time
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mpbench.analysis.measurements import Measurement

_BUFFER = bytearray(8 << 20)
# Turns that every setting gets which the first ones have not ruled out.
_SURE = 3
# Fresh runs of the advised and the best setting; six are the least for an interval.
_MEETINGS = 25
# How far the advised setting may be from the best to count as right.
_CLOSE = 1.10


def compute(loops: int) -> int:
    """Keep a CPU busy."""
    for _ in range(loops):
        pass
    return loops


def mix(loops: int) -> int:
    """Compute, build a dictionary, and sort."""
    compute(loops // 2)
    return len(sorted({str(number): number for number in range(loops // 40)}))


def check(payload: bytes) -> int:
    """Look at every byte of a large argument, several times."""
    return sum(zlib.crc32(payload) for _ in range(4))


def move(size: int) -> int:
    """Copy memory inside a buffer."""
    half = len(_BUFFER) // 2
    for _ in range(4):
        _BUFFER[:size] = _BUFFER[half : half + size]
    return size


class Job(NamedTuple):
    """A realistic job: what is mapped over what."""

    name: str
    work: Callable[[Any], int]
    arguments: list[Any]
    payload_bytes: int | None = None
    kind: str | None = None


class Setting(NamedTuple):
    """How a job is run; no pool where the method is empty."""

    method: str
    workers: int
    chunk_size: int


def jobs() -> list[Job]:
    """Return six jobs; none of them is a workload of the catalogue."""
    drawn = random.Random(7)
    uneven = [int(20_000 * drawn.paretovariate(1.4)) for _ in range(160)]
    return [
        Job("CPU-bound, 64 tasks", compute, [200_000] * 64, kind="cpu"),
        Job("mixed, 400 tasks", mix, [20_000] * 400),
        Job(
            "payload-heavy, 64 x 512 KiB",
            check,
            [bytes([n]) * (512 << 10) for n in range(64)],
            512 << 10,
        ),
        Job("many tiny tasks, 20,000", compute, [20] * 20_000),
        Job("uneven, 160 tasks", compute, uneven),
        Job("memory-bound, 64 tasks", move, [4 << 20] * 64, kind="memory"),
    ]


def timed(job: Job, setting: Setting) -> float:
    """Run a job in a setting, from nothing to the last result."""
    started = time.perf_counter()
    if not setting.method:
        done = list(map(job.work, job.arguments))
    else:
        pool = multiprocessing.get_context(setting.method).Pool(setting.workers)
        done = pool.map(job.work, job.arguments, setting.chunk_size)
        pool.close()
        pool.join()
    took = time.perf_counter() - started
    if len(done) != len(job.arguments):
        raise RuntimeError(f"{job.name}: {len(done)} results")
    return took


def grid(job: Job, cpus: int) -> list[Setting]:
    """Return every setting of the search."""
    count = len(job.arguments)
    sizes = {1, 2, 8, 32, 128, -(-count // (4 * cpus)), -(-count // cpus)}
    found = [Setting("", 1, 1)]
    for method in multiprocessing.get_all_start_methods():
        for workers in sorted({1, cpus, 2 * cpus}):
            found += [Setting(method, workers, size) for size in sorted(sizes) if size <= count]
    return found


def known(results: Sequence[str]) -> tuple[Measurement, ...]:
    """Return what was measured at the first place of some results."""
    from mpbench.analysis.measurements import platforms_of, readings_of
    from mpbench.analysis.summarize import agent_medians, summarize
    from mpbench.store import read
    from mpbench.store.frame import frame

    runs = [read(path) for path in results]
    agents = agent_medians(frame(runs))
    summaries = summarize(runs, agents)
    return readings_of(summaries, agents, platforms_of(summaries)[0])


def advised(job: Job, readings: Sequence[Measurement], cpus: int) -> Setting:
    """Ask for advice, with what a user would know."""
    from mpbench.analysis.advise import JobDescription, settings

    sample = job.arguments[:: max(1, len(job.arguments) // 50)]
    started = time.perf_counter()
    for argument in sample:
        job.work(argument)
    task_s = (time.perf_counter() - started) / len(sample)
    wishes = JobDescription(task_s, job.payload_bytes, len(job.arguments), work=job.kind)
    found = settings(readings, wishes, cpus)
    if not found:
        raise SystemExit("the results lack pool/construct-to-ready or pool/task-overhead")
    return Setting(found[0].method, found[0].workers, found[0].chunk_size)


def search(job: Job, chosen: Setting, cpus: int, rounds: int, share_s: float) -> Setting:
    """
    Return the fastest setting, by the median of turns.

    Args:
        job: What is run.
        chosen: The advised setting, tried among the others.
        cpus: Usable CPUs.
        rounds: How many turns each setting gets at most.
        share_s: Seconds after which no further turn begins, once each had three.
    """
    tried = list(dict.fromkeys([chosen, *grid(job, cpus)]))
    times: dict[Setting, list[float]] = {one: [] for one in tried}
    until = time.monotonic() + share_s
    for turn in range(rounds):
        random.Random(turn).shuffle(tried)
        for one in tried:
            times[one].append(timed(job, one))
        # Only what can still be the best is worth more turns.
        medians = {one: statistics.median(times[one]) for one in tried}
        best = min(medians.values())
        tried = [one for one in tried if medians[one] < (1.5 if turn < _SURE else 1.25) * best]
        if turn + 1 >= _SURE and time.monotonic() > until:
            break
    return min(tried, key=lambda one: medians[one])


class Meeting(NamedTuple):
    """Fresh runs of the advised setting against the best found: seconds, and their ratio."""

    advised_s: float
    best_s: float
    ratio: float
    low: float
    high: float


def meet(job: Job, chosen: Setting, best: Setting) -> Meeting:
    """Run both settings in turns, in random order."""
    from mpbench.analysis.stats import median_interval

    both: dict[Setting, list[float]] = {chosen: [], best: []}
    for turn in range(_MEETINGS):
        pair = [chosen, best] if chosen != best else [chosen]
        random.Random(turn).shuffle(pair)
        for one in pair:
            both[one].append(timed(job, one))
    ratios = [mine / other for mine, other in zip(both[chosen], both[best], strict=True)]
    interval = median_interval(ratios)
    low, high = (interval.low, interval.high) if interval else (min(ratios), max(ratios))
    mine, other = (statistics.median(both[one]) for one in (chosen, best))
    return Meeting(mine, other, statistics.median(ratios), low, high)


def words(setting: Setting) -> str:
    """Write a setting."""
    if not setting.method:
        return "no pool"
    return f"{setting.method}, {setting.workers} workers, chunks of {setting.chunk_size}"


def row(job: Job, chosen: Setting, best: Setting, met: Meeting) -> str:
    """Write a row of the table."""
    cells = (
        job.name,
        words(chosen),
        f"{met.advised_s * 1e3:.1f} ms",
        words(best),
        f"{met.best_s * 1e3:.1f} ms",
        f"{met.ratio:.2f} ({met.low:.2f} to {met.high:.2f})",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a Markdown table with a row for each job, and below it what the advice gets wrong."""
    from mpbench.environment import usable_cpus

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("results", nargs="+", help="of this machine, with the pool workloads")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each setting at most")
    parser.add_argument("--minutes", type=float, default=12.0, help="about how long it may take")
    parser.add_argument("--only", default="", help="jobs whose name contains this")
    given = parser.parse_args()
    cpus, readings = usable_cpus(), known(given.results)
    kept = [job for job in jobs() if given.only in job.name]
    share_s = 0.85 * 60 * given.minutes / max(1, len(kept))
    wrong = []
    print("| job | advised | time | best found | time | advised / best (95 % interval) |")
    print("|---|---|---:|---|---:|---:|")
    for job in kept:
        chosen = advised(job, readings, cpus)
        best = search(job, chosen, cpus, given.rounds, share_s)
        met = meet(job, chosen, best)
        print(row(job, chosen, best, met), flush=True)
        if met.ratio > _CLOSE:
            more = f"{100 * (met.ratio - 1):.0f} %"
            wrong.append(f"{job.name}: {words(chosen)} takes {more} longer than {words(best)}")
    print(f"\nWithin 10 % of the best: {len(kept) - len(wrong)} of {len(kept)} jobs.")
    print("".join(f"What it gets wrong: {one}.\n" for one in wrong), end="")


if __name__ == "__main__":
    main()
