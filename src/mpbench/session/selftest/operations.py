"""Operations of the harness trials, as they are and slowed down by 5 %."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

from mpbench.errors import EnvironmentUnfitError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ("OPERATIONS", "SIDES", "prepare")

OPERATIONS = ("fork_join", "pipe_trip")

# Modules of equal length: `same` is `base` again, `slow` waits 5 % longer.
SIDES = ("base", "same", "slow")

_SOURCE = '''"""Two operations; this is the side {side!r}."""

import multiprocessing

_LOOPS = {loops!r}
_CONTEXT = multiprocessing.get_context("fork")
_KEPT = []


def _spin(loops):
    for _ in range(loops):
        pass


def _nothing():
    pass


def _echo(connection):
    while True:
        connection.send_bytes(connection.recv_bytes())


def fork_join():
    process = _CONTEXT.Process(target=_nothing)
    process.start()
    _spin(_LOOPS["fork_join"])
    process.join()


def pipe_trip():
    if not _KEPT:
        here, there = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_echo, args=(there,), daemon=True)
        process.start()
        _KEPT.extend((here, there, process))
    _KEPT[0].send_bytes(b"x" * 64)
    _spin(_LOOPS["pipe_trip"])
    _KEPT[0].recv_bytes()
'''

# Times both operations in an interpreter of its own, and how fast it spins.
_CALIBRATE = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import subject_base as subject
from statistics import median
def per_call(call, count, rounds=15):
    found = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        for _ in range(count):
            call()
        found.append((time.perf_counter_ns() - started) / count)
    return median(found)
print(json.dumps({
    "fork_join": per_call(subject.fork_join, 20),
    "pipe_trip": per_call(subject.pipe_trip, 1000),
    "spin": per_call(lambda: subject._spin(100000), 1) / 100000,
}))
"""


def source(side: str, loops: Mapping[str, int]) -> str:
    """Return the module of a side."""
    return _SOURCE.format(side=side, loops=dict(loops))


def _calibrate(folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", _CALIBRATE, str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise EnvironmentUnfitError(f"the operations of the selftest do not run here: {last}")
    nanoseconds: dict[str, float] = json.loads(done.stdout)
    return nanoseconds


def prepare(folder: Path, share: float) -> dict[str, Any]:
    """
    Write the three sides; how long the slowdown is was calibrated once and is kept.

    Args:
        folder: Of the campaign.
        share: The slowdown.

    Returns:
        Passes of the busy wait by operation.
    """
    kept = folder / "loops.json"
    nothing = dict.fromkeys(OPERATIONS, 0)
    folder.mkdir(parents=True, exist_ok=True)
    for side in SIDES[:2]:
        (folder / f"subject_{side}.py").write_text(source(side, nothing))
    if not kept.is_file():
        readings = [_calibrate(folder) for _ in range(5)]
        middle = {name: median(reading[name] for reading in readings) for name in readings[0]}
        loops = {name: round(share * middle[name] / middle["spin"]) for name in OPERATIONS}
        kept.write_text(json.dumps({"nanoseconds": middle, "loops": loops}, indent=2) + "\n")
    passes: dict[str, Any] = json.loads(kept.read_text())["loops"]
    (folder / "subject_slow.py").write_text(source("slow", passes))
    return passes
