"""Whole programs compared with themselves and with a slower copy, beside hyperfine."""

from __future__ import annotations

import json
import math
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mpbench.analysis.validation import ValidationTable, rate
from mpbench.errors import EnvironmentUnfitError
from mpbench.plan import Plan
from mpbench.session.comparing.arms import Arm
from mpbench.session.comparing.compare import ComparePlan, compare
from mpbench.session.progress import NullProgress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mpbench.session.progress import Progress
    from mpbench.session.selftest.campaign import SelftestCampaign

__all__ = ("PROGRAMS", "program_table", "program_trials", "whole_programs")

_FILE = "trials.jsonl"
_KINDS = ("same", "slow")
_SHARE = 0.05
_TIMEOUT_S = 900
_SPIN = """
import sys, time
def spin():
    end = time.perf_counter() + float(sys.argv[1]) / 1e3
    while time.perf_counter() < end: pass
"""
# Programs that take about 50 ms on an idle machine.
PROGRAMS = MappingProxyType(
    {
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
)


def _run(words: Sequence[str], folder: Path) -> str:
    """
    Run a command and return what it printed.

    Raises:
        EnvironmentUnfitError: It failed.
    """
    done = subprocess.run(
        list(words), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = ((done.stderr + done.stdout).strip().splitlines() or ["no output"])[-1]
        raise EnvironmentUnfitError(
            f"{' '.join(words[:4])} ended with exit code {done.returncode}: {last}"
        )
    return done.stdout


def _wall_ms(folder: Path, name: str) -> float:
    """Return what a program usually takes, as it is."""
    walls = []
    for _ in range(7):
        began = time.perf_counter()
        _run([sys.executable, f"{name}.py", "0"], folder)
        walls.append((time.perf_counter() - began) * 1e3)
    return median(walls)


def _ours(folder: Path, name: str, extra_ms: float, seed: int) -> dict[str, Any]:
    """
    Compare by `mpbench compare` with default options.

    Raises:
        KeyboardInterrupt: The user stopped it; the campaign can be continued.
    """
    script = shlex.quote(str(folder / f"{name}.py"))
    texts = (f"{script} 0", f"{script} {extra_ms:g}")
    began = time.perf_counter()
    outcome = compare(
        ComparePlan(
            plan=Plan(seed=seed),
            arms=tuple(Arm(text=f"program={text}", program=text) for text in texts),
        ),
        folder=folder / "out",
        progress=NullProgress(),
        command=("mpbench", "selftest"),
        wait_s=_TIMEOUT_S,
    ).outcome
    seconds = time.perf_counter() - began
    if outcome.interrupted:
        raise KeyboardInterrupt
    judged = {
        judgement.comparison.reading.fact or "time": judgement for judgement in outcome.judgements
    }
    return {
        "verdicts": {name: judgement.verdict.value for name, judgement in judged.items()},
        "ratios": {
            name: None if judgement.ratio is None else judgement.ratio.estimate
            for name, judgement in judged.items()
        },
        "control": None if outcome.control is None else outcome.control.passed,
        "seconds": seconds,
    }


def _hyperfine(folder: Path, name: str, extra_ms: float) -> dict[str, Any] | None:
    """Return what "ran x +- y times faster" claims; None where hyperfine is not installed."""
    if shutil.which("hyperfine") is None:
        return None
    began = time.perf_counter()
    lines = [f"{sys.executable} {name}.py {extra}" for extra in ("0", f"{extra_ms:g}")]
    _run(["hyperfine", "-N", "--warmup", "1", "--export-json", "rival.json", *lines], folder)
    seconds = time.perf_counter() - began
    first, second = json.loads((folder / "rival.json").read_text())["results"]
    ratio = second["mean"] / first["mean"]
    spread = ratio * math.hypot(*(one["stddev"] / one["mean"] for one in (first, second)))
    claim = "nothing" if abs(ratio - 1) <= spread else ("slower" if ratio > 1 else "faster")
    return {"claim": claim, "seconds": seconds}


def program_trials(folder: Path) -> list[dict[str, Any]]:
    """Return the trials made so far; a last line that was cut off is left out."""
    path = folder / _FILE
    if not path.is_file():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _schedule(campaign: SelftestCampaign) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield every planned trial with its seed."""
    for number in range(campaign.size.programs):
        chance = random.Random(f"{campaign.seed}:programs:{number}")
        for name in PROGRAMS:
            for kind in _KINDS:
                yield {"program": name, "kind": kind, "trial": number}, chance.randrange(1 << 30)


def whole_programs(campaign: SelftestCampaign, progress: Progress) -> None:
    """
    Compare four programs with themselves and with copies that wait 5 % longer.

    Args:
        campaign: The folder and the size.
        progress: Who watches.

    Raises:
        EnvironmentUnfitError: A program or a harness fails.
    """
    folder = campaign.folder / "programs"
    folder.mkdir(exist_ok=True)
    done = program_trials(folder)
    # Whatever an interruption left of a line is removed.
    (folder / _FILE).write_text("".join(json.dumps(one) + "\n" for one in done))
    known = {(one["program"], one["kind"], one["trial"]) for one in done}
    for key, seed in _schedule(campaign):
        if tuple(key.values()) in known:
            continue
        progress.note(
            f"whole programs: {key['program']}, {key['kind']}, "
            f"trial {key['trial'] + 1} of {campaign.size.programs}"
        )
        record = {**key, **_trial(key, seed)}
        with (folder / _FILE).open("a") as file:
            file.write(json.dumps(record) + "\n")


def _trial(key: Mapping[str, Any], seed: int) -> dict[str, Any]:
    name = key["program"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / f"{name}.py").write_text(_SPIN + PROGRAMS[name])
        wall_ms = _wall_ms(place, name)
        extra_ms = _SHARE * wall_ms * (key["kind"] == "slow")
        return {
            "wall_ms": wall_ms,
            "load": os.getloadavg()[0],
            "mpbench": _ours(place, name, extra_ms, seed),
            "hyperfine": _hyperfine(place, name, extra_ms),
        }


def _said(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def _row(kind: str, harness: str, said: Sequence[str], seconds: Sequence[float]) -> tuple[str, ...]:
    wrong = ("faster",) if kind == "slow" else ("slower", "faster")
    found = rate(said.count("slower"), len(said)) if kind == "slow" else "-"
    return (
        "5 % slower" if kind == "slow" else "identical",
        harness,
        _said(said),
        rate(sum(word in wrong for word in said), len(said)),
        found,
        f"{median(seconds):.1f}",
        f"{max(seconds):.1f}",
    )


def program_table(trials: Sequence[Mapping[str, Any]]) -> ValidationTable:
    """Return what both harnesses said of identical and of slower programs."""
    rows = []
    for kind in _KINDS:
        some = [trial for trial in trials if trial["kind"] == kind]
        seconds = [one["mpbench"]["seconds"] for one in some]
        for reading in ("time", "cpu-time") if some else ():
            said = [one["mpbench"]["verdicts"].get(reading, "invalid") for one in some]
            rows.append(_row(kind, f"mpbench, {reading}", said, seconds))
        rival = [one["hyperfine"] for one in some if one["hyperfine"] is not None]
        if rival:
            claims = [one["claim"] for one in rival]
            rows.append(_row(kind, "hyperfine", claims, [one["seconds"] for one in rival]))
    failed = sum(trial["mpbench"]["control"] is False for trial in trials)
    loads = [trial["load"] for trial in trials]
    return ValidationTable(
        "Whole programs",
        ("programs", "harness", "said", "wrong", "found", "median s", "most s"),
        tuple(rows),
        f"{len(trials)} trials of {len({trial['program'] for trial in trials})} programs of about "
        f"{median(trial['wall_ms'] for trial in trials):.0f} ms, load average "
        f"{min(loads):.1f} to {max(loads):.1f}; a slower copy waits for 5 % of the time that the "
        f"program took before the trial; the control failed in {failed}. s is the whole session "
        "with default options, its control included; hyperfine claims something where its x "
        "differs from 1 by more than its y.",
    )
