"""Whole programs against themselves and against a known slowdown, beside hyperfine."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

_SPIN = """
import sys, time
def spin():
    end = time.perf_counter() + float(sys.argv[1]) / 1e3
    while time.perf_counter() < end: pass
"""
# Programs that take about 50 ms on an idle machine.
_PROGRAMS = {
    "loop": "print(sum(one * one for one in range(400_000)))\nspin()\n",
    "pool": """import multiprocessing
def work(count): return sum(one * one for one in range(count))
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool: print(sum(pool.map(work, [3000] * 60)))
    spin()
""",
    "memory": """block = bytearray(16 << 20)
print(sum(len(bytes(block)) for _ in range(6)))
spin()
""",
    "starts": """import multiprocessing
if __name__ == "__main__":
    for _ in range(6):
        process = multiprocessing.Process(target=abs, args=(1,))
        process.start()
        process.join()
    spin()
""",
}


class Trial(NamedTuple):
    """One comparison by both: what mpbench says of time and CPU time, what hyperfine says."""

    program: str
    injected: bool
    time: str
    cpu_time: str
    seconds: float
    rival: str
    rival_seconds: float


def _output(words: list[str], folder: Path) -> str:
    # The exit code says which verdict it was.
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False).stdout


def _ours(folder: Path, name: str, extra_ms: float) -> tuple[dict[str | None, str], float]:
    arms = [f"program={name}.py 0", f"program={name}.py {extra_ms:g}"]
    began = time.perf_counter()
    shutil.rmtree(folder / "out", ignore_errors=True)
    words = ["mpbench", "compare", "--format", "json", "-o", "out"]
    told = json.loads(_output([*words, *(word for arm in arms for word in ("--arm", arm))], folder))
    verdicts = {one["fact"]: one["verdict"] for one in told["comparisons"]}
    return verdicts, time.perf_counter() - began


def _rival(folder: Path, name: str, extra_ms: float) -> tuple[str, float]:
    """Return what "ran x +- y times faster" claims, and how long it took."""
    began = time.perf_counter()
    lines = [f"{sys.executable} {name}.py {extra}" for extra in ("0", f"{extra_ms:g}")]
    _output(["hyperfine", "-N", "--warmup", "1", "--export-json", "rival.json", *lines], folder)
    first, second = json.loads((folder / "rival.json").read_text())["results"]
    ratio = second["mean"] / first["mean"]
    spread = ratio * math.hypot(*(one["stddev"] / one["mean"] for one in (first, second)))
    claim = "nothing" if abs(ratio - 1) <= spread else ("slower" if ratio > 1 else "faster")
    return claim, time.perf_counter() - began


def _wall_ms(folder: Path, name: str) -> float:
    walls: list[float] = []
    for _ in range(7):
        began = time.perf_counter()
        _output([sys.executable, f"{name}.py", "0"], folder)
        walls.append((time.perf_counter() - began) * 1e3)
    return median(walls)


def trials(folder: Path, rounds: int, share: float) -> Iterator[Trial]:
    """
    Compare each program with itself and with a slower one, in turns.

    Args:
        folder: Where the programs are written.
        rounds: Trials of each program and kind.
        share: What is injected, of the time that the program takes.
    """
    for name, text in _PROGRAMS.items():
        (folder / f"{name}.py").write_text(_SPIN + text)
    for _ in range(rounds):
        for name in _PROGRAMS:
            extra = share * _wall_ms(folder, name)
            for injected in (False, True):
                verdicts, seconds = _ours(folder, name, extra * injected)
                rival, rival_seconds = _rival(folder, name, extra * injected)
                yield Trial(name, injected, verdicts[None], verdicts["cpu-time"], seconds,
                            rival, rival_seconds)  # fmt: skip


def _row(found: list[Trial], key: str, seconds: str) -> str:
    words: Counter[Any] = Counter(getattr(one, key) for one in found)
    told = ", ".join(f"{count} {word}" for word, count in words.most_common())
    return f"{told} | {median(getattr(one, seconds) for one in found):.0f} |"


def main() -> None:
    """Print how often each harness said what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.05)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = list(trials(Path(folder), given.rounds, given.share))
    print("| programs | harness | said | seconds |")
    print("|---|---|---|---:|")
    for injected in (False, True):
        some = [one for one in found if one.injected is injected]
        what = f"{len(some)} {f'{given.share:+.0%}' if injected else 'identical'}"
        print(f"| {what} | mpbench, time | {_row(some, 'time', 'seconds')}")
        print(f"| {what} | mpbench, cpu-time | {_row(some, 'cpu_time', 'seconds')}")
        print(f"| {what} | hyperfine | {_row(some, 'rival', 'rival_seconds')}")


if __name__ == "__main__":
    main()
