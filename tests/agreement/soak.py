"""
Whether a controller that measures again and again stays as it is.

One long-lived process calls the session as `mpbench run` does, run after run,
each with pools, queues, managers, locks and shared memory under every start
method. After each run it looks at itself: open descriptors, its own memory,
names in /dev/shm, processes below it, folders it left. The exit code is 1
when anything grew.

    MPBENCH_LOCK=/tmp/soak.lock python tests/agreement/soak.py [--minutes 30]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from mpbench.agent.process_tree import descendants, processes, segments
from mpbench.model import Status, Tier
from mpbench.plan import plan_for
from mpbench.session.progress import NullProgress
from mpbench.session.run import run

SELECT = (
    *("process/start-to-join", "pool/apply-round-trip", "queue/round-trip", "lock/contended"),
    *("manager/access", "shared/memory-create", "pipe/round-trip", "condition/event-set-to-wake"),
)
PAGE = os.sysconf("SC_PAGE_SIZE")
# What warms up by itself: imports, caches of compiled patterns, the allocator's arenas.
WARM_RUNS = 3
# Resident memory may wander by this much between the first and the last quarter.
ALLOWED_BYTES = 8 << 20


class Look(NamedTuple):
    """What the controller holds after one run."""

    after_s: float
    descriptors: int
    threads: int
    resident: int
    shared: int
    below: int
    orphans: int
    folders: int
    repetitions: int
    failed: int


def _orphans(home: Path) -> int:
    """Count the processes of agents, wherever they are now: their environment names our folder."""
    found, mark = 0, os.fsencode(home)
    for one in processes():
        try:
            environment = Path(f"/proc/{one.pid}/environ").read_bytes()
        except OSError:
            continue
        found += mark in environment
    return found


def look(began: float, home: Path, repetitions: int, failed: int) -> Look:
    """Sample this process."""
    return Look(
        after_s=time.monotonic() - began,
        descriptors=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        resident=int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
        shared=len(segments(user=os.getuid())),
        below=len(descendants(os.getpid())),
        orphans=_orphans(home),
        folders=len(list(home.iterdir())),
        repetitions=repetitions,
        failed=failed,
    )


def soak(minutes: float, home: Path) -> list[Look]:
    """Measure again and again until the time is over."""
    began, looks = time.monotonic(), []
    plan = plan_for(Tier.QUICK).override(repetitions=1, samples=1, budget_s=20.0)
    for number in range(1_000_000):
        if time.monotonic() - began > minutes * 60:
            break
        with tempfile.TemporaryDirectory() as out:
            chosen = plan.override(seed=number, select=SELECT)
            measured = run(chosen, folder=Path(out), progress=NullProgress())
            done = measured.run.repetitions
            failed = sum(one.status is not Status.OK for one in done)
            count, is_stopped = len(done), measured.interrupted
            del measured, done
        looks.append(look(began, home, count, failed))
        print(f"run {number + 1}: {looks[-1]}", file=sys.stderr, flush=True)
        if is_stopped:
            break
    return looks


def grown(looks: list[Look]) -> list[str]:
    """Return what is more at the end than when everything was warm."""
    steady = looks[WARM_RUNS:]
    if len(steady) < 4:
        return [f"only {len(looks)} runs fit into the time; give it more"]
    quarter = max(1, len(steady) // 4)
    found = [
        f"{name}: {getattr(steady[0], name)} -> {getattr(steady[-1], name)}"
        for name in ("descriptors", "threads", "shared", "below", "orphans", "folders")
        if getattr(steady[-1], name) > getattr(steady[0], name)
    ]
    first = median(one.resident for one in steady[:quarter])
    last = median(one.resident for one in steady[-quarter:])
    if last - first > ALLOWED_BYTES:
        found.append(f"memory: {first / 2**20:.1f} -> {last / 2**20:.1f} MiB")
    return found


def table(looks: list[Look], rows: int = 12) -> str:
    """Return some of the looks, first and last among them, as Markdown."""
    step = max(1, (len(looks) - 1) // (rows - 1))
    shown = [*range(0, len(looks) - 1, step), len(looks) - 1]
    lines = [
        "| run | after | descriptors | threads | RSS | /dev/shm | processes | orphans | folders |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for at in shown:
        one = looks[at]
        lines.append(
            f"| {at + 1} | {one.after_s / 60:.1f} min | {one.descriptors} | {one.threads} "
            f"| {one.resident / 2**20:.1f} MiB | {one.shared} | {one.below} | {one.orphans} "
            f"| {one.folders} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Soak, print the table, and exit with 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        # The sessions' private folders are made here, so that what stays can be counted.
        home = Path(name)
        outside = tempfile.gettempdir()
        tempfile.tempdir = name
        os.environ.setdefault("MPBENCH_LOCK", str(Path(outside) / f"soak-{os.getpid()}.lock"))
        looks = soak(minutes, home)
        tempfile.tempdir = outside
    print(table(looks))
    count = sum(one.repetitions for one in looks)
    failed = sum(one.failed for one in looks)
    print(f"\n{len(looks)} runs, {count:,} repetitions, {failed} of them not ok")
    problems = grown(looks)
    print("\n".join(f"GREW {one}" for one in problems) or "nothing grew")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
