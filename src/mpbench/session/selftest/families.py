"""Simulated families of comparisons with a known truth, and the share of false claims."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.comparison import Comparison
from mpbench.analysis.episode import EpisodeStatistic
from mpbench.analysis.sequential import plan_looks
from mpbench.analysis.validation import ValidationTable, rate
from mpbench.analysis.verdict import DecisionRules, Verdict, judge
from mpbench.session.comparing.simulated import READING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mpbench.analysis.verdict import Judgement

    Judge = Callable[[Sequence[Comparison], DecisionRules], tuple[Judgement, ...]]

__all__ = ("FAMILIES", "SimulatedGroup", "families", "family_session")


class SimulatedGroup(NamedTuple):
    """Alike comparisons: how many, their true ratio, and how widely their episodes spread."""

    size: int
    ratio: float
    spread: float


# Those that differ by less than 2 % are what most comparisons of two Pythons look like.
FAMILIES: dict[str, tuple[SimulatedGroup, ...]] = {
    "20 without a difference": (SimulatedGroup(20, 1.0, 0.05),),
    "1 at +3 %, 19 without": (SimulatedGroup(1, 1.03, 0.02), SimulatedGroup(19, 1.0, 0.02)),
    "20 at +10 %, 20 without": (SimulatedGroup(20, 1.10, 0.02), SimulatedGroup(20, 1.0, 0.05)),
    "30 at +1 %, 10 without": (SimulatedGroup(30, 1.01, 0.005), SimulatedGroup(10, 1.0, 0.10)),
    "15 at +5 %, 15 at +1 %, 10 without": (
        SimulatedGroup(15, 1.05, 0.02),
        SimulatedGroup(15, 1.01, 0.005),
        SimulatedGroup(10, 1.0, 0.10),
    ),
    "10 at +2.1 %, 10 at +6 %": (SimulatedGroup(10, 1.021, 0.01), SimulatedGroup(10, 1.06, 0.03)),
}


def _comparison(number: int, log_ratios: Sequence[float]) -> Comparison:
    return Comparison(
        pair=str(number),
        title=str(number),
        baseline="a",
        candidate="b",
        reading=READING,
        episodes=tuple(
            EpisodeStatistic(
                episode=episode, log_ratio=ratio, pairs=1, baseline_first=True, seconds=1.0
            )
            for episode, ratio in enumerate(log_ratios)
        ),
    )


def family_session(
    groups: Sequence[SimulatedGroup], seed: int, judged_by: Judge = judge
) -> tuple[tuple[float, Judgement], ...]:
    """
    Run one session of a family, look by look, as the real one stops.

    Args:
        groups: What the family consists of.
        seed: Of its noise.
        judged_by: How a family is judged.

    Returns:
        The true ratio and the judgement of each comparison.
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
    return tuple(zip(truth, judged, strict=True))


class _Claims(NamedTuple):
    """What one session of a family claimed, and what of it is false."""

    changes: int
    false_changes: int
    true_changes: int
    small: int
    false_small: int
    false_unchanged: int
    contradictions: int
    inconclusive: int


def _claims(session: Sequence[tuple[float, Judgement]]) -> _Claims:
    rules = DecisionRules()
    verdicts = [(ratio, judgement.verdict) for ratio, judgement in session]
    changed = [ratio for ratio, verdict in verdicts if verdict.is_change]
    small = [ratio for ratio, verdict in verdicts if verdict is Verdict.SMALL]
    unchanged = [
        (ratio, judgement.ratio)
        for ratio, judgement in session
        if judgement.verdict is Verdict.UNCHANGED
    ]
    return _Claims(
        changes=len(changed),
        false_changes=changed.count(1.0),
        true_changes=sum(ratio >= 1.0 + rules.min_effect for ratio in changed),
        small=len(small),
        false_small=sum(ratio == 1.0 or ratio >= 1.0 + rules.min_effect for ratio in small),
        false_unchanged=sum(ratio >= 1.0 + rules.margin for ratio, _ in unchanged),
        contradictions=sum(
            interval is None or not interval.low <= 1.0 <= interval.high
            for _, interval in unchanged
        ),
        inconclusive=sum(verdict is Verdict.INCONCLUSIVE for _, verdict in verdicts),
    )


def _row(name: str, groups: Sequence[SimulatedGroup], trials: int, seed: int) -> tuple[str, ...]:
    claims = [_claims(family_session(groups, seed + trial)) for trial in range(trials)]
    size = sum(group.size for group in groups) * trials
    real = trials * sum(
        group.size for group in groups if group.ratio >= 1.0 + DecisionRules().min_effect
    )
    shares = (
        sum(each.false_changes / max(1, each.changes) for each in claims) / trials,
        sum(each.false_small / max(1, each.small) for each in claims) / trials,
    )
    return (
        name,
        f"{shares[0]:.1%}",
        rate(sum(each.false_changes > 0 for each in claims), trials),
        rate(sum(each.true_changes for each in claims), real) if real else "-",
        f"{shares[1]:.1%}",
        str(sum(each.false_unchanged for each in claims)),
        str(sum(each.contradictions for each in claims)),
        rate(sum(each.inconclusive for each in claims), size),
    )


def families(trials: int, *, seed: int = 0) -> ValidationTable:
    """
    Return which share of each kind of claim is false.

    Args:
        trials: Simulated sessions of each family.
        seed: Everything follows from it.
    """
    return ValidationTable(
        "Families",
        ("comparisons", "false changes", "sessions with one", "true changes found",
         "false small differences", "unchanged beyond the margin", "unchanged without 1",
         "inconclusive"),
        tuple(_row(name, groups, trials, seed) for name, groups in FAMILIES.items()),
        f"{trials} sessions each, which stop as real ones do. A share is the mean over sessions "
        "of claims that are false (0 where there is none); at most 5 % are promised. A change is "
        "false where nothing differs, a small difference also where the truth reaches 2 %. "
        "Unchanged without 1: its interval excludes 1, which must not happen.",
    )  # fmt: skip
