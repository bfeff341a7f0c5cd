"""Trials of mpbench, pyperf, pytest-benchmark and asv on the same operations."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from mpbench.analysis.validation import ValidationTable, rate
from mpbench.errors import EnvironmentUnfitError
from mpbench.session.selftest.harnesses import HARNESSES, Trial
from mpbench.session.selftest.live import INJECTED
from mpbench.session.selftest.operations import OPERATIONS, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mpbench.session.progress import Progress
    from mpbench.session.selftest.campaign import SelftestCampaign

__all__ = ("side_by_side", "trials_of", "trials_table")

_FILE = "trials.jsonl"

# Identical sides, and the second one slowed down.
_KINDS = ("same", "slow")


def trials_of(folder: Path) -> list[dict[str, Any]]:
    """Return the trials made so far; a last line that was cut off is left out."""
    path = folder / _FILE
    if not path.is_file():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _rewrite(folder: Path, done: Sequence[dict[str, Any]]) -> None:
    """Leave a file of complete lines, whatever an interruption left."""
    text = "".join(json.dumps(trial) + "\n" for trial in done)
    (folder / _FILE).write_text(text)


def _write(folder: Path, record: dict[str, Any]) -> None:
    with (folder / _FILE).open("a") as file:
        file.write(json.dumps(record) + "\n")


def _mpbench_seconds(done: Iterable[dict[str, Any]], operation: str) -> float | None:
    """Return what mpbench usually takes for an operation."""
    seconds = [
        trial["seconds"]
        for trial in done
        if trial["harness"] == "mpbench" and trial["operation"] == operation and trial["decisions"]
    ]
    return median(seconds) if seconds else None


def _schedule(campaign: SelftestCampaign) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield every planned trial with its seed; harnesses in random order, mpbench first."""
    rest = [name for name in HARNESSES if name != "mpbench"]
    for number in range(campaign.size.harness_trials):
        chance = random.Random(f"{campaign.seed}:rivals:{number}")
        for operation in OPERATIONS:
            for side in _KINDS:
                # The others may be given the seconds of mpbench, so it comes first.
                for name in ("mpbench", *chance.sample(rest, len(rest))):
                    key = {"harness": name, "operation": operation, "side": side, "trial": number}
                    yield key, chance.randrange(1 << 30)


def side_by_side(campaign: SelftestCampaign, progress: Progress) -> None:
    """
    Make the trials that are missing.

    A harness that cannot run here is recorded with the reason and tried no more.
    """
    folder = (campaign.folder / "rivals").resolve()
    prepare(folder, INJECTED)
    done = trials_of(folder)
    _rewrite(folder, done)
    for key, seed in _schedule(campaign):
        unfit = {record["harness"] for record in done if record["reason"]}
        is_done = any(all(record[name] == value for name, value in key.items()) for record in done)
        if is_done or key["harness"] in unfit:
            continue
        progress.note("side by side, trial {trial}: {harness} {operation} {side}".format(**key))
        trial = Trial(
            folder=folder,
            work=folder,
            operation=key["operation"],
            side=key["side"],
            seed=seed,
            seconds=_mpbench_seconds(done, key["operation"]),
        )
        record = {**key, **_one(trial, key["harness"])}
        _write(folder, record)
        done.append(record)


def _one(trial: Trial, name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="mpb-trial-") as work:
        try:
            decision = HARNESSES[name](trial._replace(work=Path(work)))
        except EnvironmentUnfitError as error:
            return {"decisions": {}, "seconds": None, "ratio": None, "reason": str(error)}
    return {
        "decisions": dict(decision.decisions),
        "seconds": decision.seconds,
        "ratio": decision.ratio,
        "reason": None,
    }


def _row(
    harness: str, rule: str, operation: str, trials: Sequence[dict[str, Any]]
) -> tuple[str, ...]:
    by_side = {side: [trial for trial in trials if trial["side"] == side] for side in _KINDS}
    alarms = sum(trial["decisions"].get(rule, 0) != 0 for trial in by_side["same"])
    hits = sum(trial["decisions"].get(rule, 0) == 1 for trial in by_side["slow"])
    return (
        f"{harness}, {rule}",
        operation,
        rate(alarms, len(by_side["same"])),
        rate(hits, len(by_side["slow"])),
        f"{median(one['seconds'] for one in trials):.1f}",
    )


def trials_table(done: Sequence[dict[str, Any]]) -> ValidationTable:
    """Return false alarms, power and seconds of each harness on each operation."""
    rows: list[tuple[str, ...]] = []
    for harness in HARNESSES:
        own = [one for one in done if one["harness"] == harness]
        reasons = dict.fromkeys(str(one["reason"]) for one in own if one["reason"])
        rows += [(harness, "-", "could not run", reason, "-") for reason in reasons]
        good = [one for one in own if not one["reason"]]
        rules = list(dict.fromkeys(rule for one in good for rule in one["decisions"]))
        for operation in OPERATIONS:
            trials = [one for one in good if one["operation"] == operation]
            rows += [_row(harness, rule, operation, trials) for rule in rules if trials]
    return ValidationTable(
        "Side by side, each harness with its own program and defaults",
        ("harness, rule", "operation", "false alarms", f"+{INJECTED:.0%} found", "median s"),
        tuple(rows),
        "mpbench's seconds are those of the comparison itself, without its control of identical "
        "arms. pytest-benchmark is given the same seconds. pyperf and asv decide for themselves.",
    )
