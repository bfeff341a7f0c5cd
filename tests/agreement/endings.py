"""
What remains of `mpbench run`, however and whenever it is ended.

Real runs are ended at random moments, under every start method: one Ctrl-C,
two, SIGTERM, `kill -9` of the controller, and `kill -9` of every process at
once, which is what a power cut looks like. After each the leftovers are
counted, before and after `mpbench clean`; every record that was in the file
at that moment must be readable. The exit code is 1 when anything remains.

With a /dev/shm of its own nobody else's names are counted:

    unshare -m sh -c 'mount -t tmpfs tmpfs /dev/shm; python tests/agreement/endings.py'
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mpbench.agent.process_tree import descendants, processes, segments
from mpbench.errors import RecordError
from mpbench.model import StartMethod
from mpbench.store.writer import read

SELECT = (
    *("pool/construct-to-ready", "queue/round-trip", "lock/contended"),
    *("shared/*", "manager/*", "process/*"),
)
WAYS = ("ctrl-c", "ctrl-c twice", "sigterm", "kill controller", "kill everything")
# From the first import to the middle of the second agent's work.
LATEST_S = 6.0
# The kill ladder's own limits are 8 s.
PATIENCE_S = 40.0


class Ended(NamedTuple):
    """What one run left: processes, names in /dev/shm, folders, before and after cleaning."""

    method: StartMethod
    way: str
    code: int
    left: tuple[int, int, int]
    cleaned: tuple[int, int, int]
    acknowledged: int
    lost: int


def ours(home: Path) -> list[int]:
    """Return the processes whose environment names our temporary folder."""
    found, mark = [], os.fsencode(home)
    for one in processes():
        try:
            environment = Path(f"/proc/{one.pid}/environ").read_bytes()
        except OSError:
            continue
        if mark in environment and one.state != "Z" and one.pid != os.getpid():
            found.append(one.pid)
    return found


def remains(home: Path, before: set[str]) -> tuple[int, int, int]:
    """Count what is left now."""
    names = segments(user=os.getuid()) - before
    return len(ours(home)), len(names), len(list(home.iterdir()))


def settled(home: Path, before: set[str]) -> tuple[int, int, int]:
    """Count what is left when agents and trackers have had time to notice."""
    limit = time.monotonic() + PATIENCE_S
    while time.monotonic() < limit and any(remains(home, before)[:2]):
        time.sleep(0.1)
    return remains(home, before)


def strike(way: str, process: subprocess.Popen[bytes], chance: random.Random) -> None:
    """End a run."""
    if way == "kill everything":
        everything = [process.pid, *(one.pid for one in descendants(process.pid))]
        for pid in everything:
            # All are stopped first, so that none sees another one die.
            _send(pid, signal.SIGSTOP)
        for pid in everything:
            _send(pid, signal.SIGKILL)
        return
    numbers = {
        "ctrl-c": [signal.SIGINT],
        "ctrl-c twice": [signal.SIGINT, signal.SIGINT],
        "sigterm": [signal.SIGTERM],
        "kill controller": [signal.SIGKILL],
    }[way]
    for number in numbers:
        _send(process.pid, number)
        time.sleep(chance.uniform(0.0, 0.5))


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def trial(method: StartMethod, way: str, chance: random.Random) -> Ended:
    """Start a run, end it at a random moment, and count."""
    with tempfile.TemporaryDirectory(prefix="ending-") as name:
        home, out = Path(name, "t"), Path(name, "out")
        home.mkdir()
        before = segments(user=os.getuid())
        environment = {
            **os.environ,
            "TMPDIR": str(home),
            "MPBENCH_LOCK": str(Path(name, "lock")),
        }
        selected = [word for one in SELECT for word in ("--select", one)]
        mpbench = [sys.executable, "-m", "mpbench"]
        with Path(name, "said").open("wb") as said:
            process = subprocess.Popen(
                [*mpbench, "run", *selected, "--start-method", method.value, "-o", str(out)],
                env=environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        time.sleep(chance.uniform(0.1, LATEST_S))
        file = out / "results.jsonl"
        acknowledged = file.read_bytes().count(b'"record":"repetition"') if file.exists() else 0
        strike(way, process, chance)
        code = process.wait(120)
        left = settled(home, before)
        subprocess.run(
            [*mpbench, "clean", "--yes"], env=environment, capture_output=True, check=True
        )
        return Ended(
            *(method, way, code, left, remains(home, before), acknowledged),
            acknowledged - _readable(file, acknowledged),
        )


def _readable(file: Path, acknowledged: int) -> int:
    """Return how many of the records that were there are still there."""
    if not acknowledged:
        return 0
    try:
        return min(acknowledged, len(read(file).repetitions))
    except RecordError as error:
        print(f"NOT READABLE {error}", file=sys.stderr)
        return 0


def row(name: str, mine: list[Ended]) -> str:
    """Return one line of the table."""
    counted = Counter(one.code for one in mine)
    codes = ", ".join(f"{code}: {count}" for code, count in sorted(counted.items()))
    sums = [sum(one.left[at] for one in mine) for at in range(3)]
    after = [sum(one.cleaned[at] for one in mine) for at in range(3)]
    records = f"{sum(one.acknowledged for one in mine):,} | {sum(one.lost for one in mine)}"
    left = " | ".join(f"{at} / {then}" for at, then in zip(sums, after, strict=True))
    return f"| {name} | {len(mine)} | {codes} | {left} | {records} |"


def main() -> None:
    """Try, print the table, and exit with 1 when something remained."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--each", type=int, default=4, help="trials of each way and start method")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    # A shell starts what is in the background with SIGINT ignored, and runs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = []
    for _ in range(given.each):
        for method in StartMethod:
            for way in WAYS:
                done.append(trial(method, way, chance))
                print(done[-1], file=sys.stderr, flush=True)
    print(f"seed {given.seed}; left: before / after `mpbench clean`")
    print("| ended by | runs | exit codes | processes | /dev/shm | folders | records | lost |")
    print("|---|---|---|---|---|---|---|---|")
    for way in WAYS:
        for method in StartMethod:
            mine = [one for one in done if (one.way, one.method) == (way, method)]
            print(row(f"{way}, {method.value}", mine))
    killed = {"kill controller", "kill everything"}
    is_bad = any(
        any(one.cleaned) or one.lost or any(one.left if one.way not in killed else ())
        for one in done
    )
    sys.exit(is_bad)


if __name__ == "__main__":
    main()
