"""How often what a family of comparisons reports is false, with families whose truth is known."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.comparison import Comparison
from mpbench.analysis.episode import EpisodeStatistic
from mpbench.analysis.sequential import plan_looks
from mpbench.analysis.validation import ValidationTable, rate
from mpbench.analysis.verdict import DecisionRules, judge
from mpbench.session.comparing.simulated import READING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpbench.analysis.verdict import Judgement

    Judge = Callable[[Sequence[Comparison], DecisionRules], tuple[Judgement, ...]]

__all__ = ("FAMILIES", "SimulatedGroup", "families", "reported")


class SimulatedGroup(NamedTuple):
    """Alike comparisons: how many, their true ratio, and how widely their episodes spread."""

    size: int
    ratio: float
    spread: float


# Those that differ by less than 2 % are what most comparisons of two Pythons look like.
FAMILIES: dict[str, tuple[SimulatedGroup, ...]] = {
    "20 without a difference": (SimulatedGroup(20, 1.0, 0.05),),
    "20 at +10 %, 20 without": (SimulatedGroup(20, 1.10, 0.02), SimulatedGroup(20, 1.0, 0.05)),
    "30 at +1 %, 10 without": (SimulatedGroup(30, 1.01, 0.005), SimulatedGroup(10, 1.0, 0.10)),
    "15 at +5 %, 15 at +1 %, 10 without": (
        SimulatedGroup(15, 1.05, 0.02),
        SimulatedGroup(15, 1.01, 0.005),
        SimulatedGroup(10, 1.0, 0.10),
    ),
}


def _is_real(ratio: float) -> bool:
    """Return whether a true ratio is one that a change may be reported for."""
    return ratio >= 1.0 + DecisionRules().min_effect


def _comparison(number: int, log_ratios: Sequence[float]) -> Comparison:
    return Comparison(
        pair=str(number),
        title=str(number),
        baseline="a",
        candidate="b",
        reading=READING,
        episodes=tuple(
            EpisodeStatistic(
                episode=episode, log_ratio=one, pairs=1, baseline_first=True, seconds=1.0
            )
            for episode, one in enumerate(log_ratios)
        ),
    )


def reported(
    groups: Sequence[SimulatedGroup], seed: int, judged_by: Judge = judge
) -> tuple[int, int, int]:
    """
    Run one session of a family, look by look, as the real one stops.

    Args:
        groups: What the family consists of.
        seed: Of its noise.
        judged_by: How a family is judged.

    Returns:
        How many changes were reported, how many of them are false, and how many
        of the differences of at least 2 % were found.
    """
    drawn = random.Random(seed)
    truth = [group.ratio for group in groups for _ in range(group.size)]
    spreads = [group.spread for group in groups for _ in range(group.size)]
    rules = DecisionRules(looks=plan_looks(len(truth)))
    values = [
        [drawn.gauss(math.log(ratio), spread) for _ in range(rules.looks[-1])]
        for ratio, spread in zip(truth, spreads, strict=True)
    ]
    made = [0] * len(truth)
    judged: tuple[Judgement, ...] = ()
    for look in rules.looks:
        for number in range(len(truth)):
            if not judged or not judged[number].verdict.is_decision:
                made[number] = look
        measured = [
            _comparison(number, values[number][: made[number]]) for number in range(len(truth))
        ]
        judged = judged_by(measured, rules)
    changed = [ratio for ratio, one in zip(truth, judged, strict=True) if one.verdict.is_change]
    return (
        len(changed),
        changed.count(1.0),
        sum(ratio >= 1.0 + rules.min_effect for ratio in changed),
    )


def families(trials: int, *, seed: int = 0) -> ValidationTable:
    """
    Return which share of the reported changes is false.

    Args:
        trials: Simulated sessions of each family.
        seed: Everything follows from it.
    """
    rows = []
    for name, groups in FAMILIES.items():
        found = [reported(groups, seed + trial) for trial in range(trials)]
        share = sum(false / max(1, changes) for changes, false, _ in found) / trials
        real = sum(group.size for group in groups if _is_real(group.ratio)) * trials
        rows.append(
            (
                name,
                f"{share:.1%}",
                rate(sum(false > 0 for _, false, _ in found), trials),
                rate(sum(right for *_, right in found), real) if real else "-",
            )
        )
    return ValidationTable(
        "Families",
        ("comparisons", "share of false changes", "sessions with one", "true changes found"),
        tuple(rows),
        f"{trials} sessions each, which stop as real ones do. The share is the mean over sessions "
        "of reported changes that are none (0 where there is none); at most 5 % are promised.",
    )
