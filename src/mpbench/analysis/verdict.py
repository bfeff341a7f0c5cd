"""Verdicts: slower, faster, small difference, unchanged, inconclusive, invalid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from mpbench.analysis.comparison import Comparison
from mpbench.analysis.control import ControlFinding
from mpbench.analysis.episode import counted
from mpbench.analysis.sequential import (
    CONFIRMATION_EPISODES,
    LOOKS,
    InterimResult,
    episodes_until,
    episodes_until_p,
    interim_result,
)
from mpbench.analysis.stats import Interval, false_discovery, hodges_lehmann, sign_flip_p
from mpbench.model import Better, Metric

__all__ = (
    "DecisionRules",
    "Judgement",
    "Verdict",
    "claim",
    "confirm",
    "judge",
    "judge_one",
    "verdict_alone",
)

_DISTRUST = "the control of identical arms failed (see below)"


class Verdict(Enum):
    """What is said about one comparison; the value is the word in tables and files."""

    SLOWER = "slower"
    FASTER = "faster"
    SMALL = "small difference"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"

    @property
    def is_change(self) -> bool:
        """Whether a difference that matters was found."""
        return self in {Verdict.SLOWER, Verdict.FASTER}

    @property
    def is_decision(self) -> bool:
        """Whether more episodes are not needed."""
        return self.is_change or self in {Verdict.SMALL, Verdict.UNCHANGED}

    def counted(self, number: int) -> str:
        """Return a number of such verdicts in words."""
        return f"{number} {self.value}{'s' if self is Verdict.SMALL and number != 1 else ''}"

    def word(self, metric: Metric) -> str:
        """Return the word for people: only time and rates can be slow."""
        if self.is_change and metric.unit not in {"s", "op/s", "B/s"}:
            return "worse" if self is Verdict.SLOWER else "better"
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRules:
    """
    What was decided before measuring.

    Args:
        min_effect: The smallest relative difference that is called slower or faster.
        margin: The relative difference inside which an interval that holds 1 means "unchanged".
        rate: The false-discovery rate of the family.
        alpha: One minus the level of the intervals, over all looks.
        looks: Numbers of episodes at which a comparison may be decided.
        control_alpha: The level at which the session's control fails.
        most_dropped: The largest share of episodes that noise may cost. What is
            dropped is dropped blind to the arms, so more would not make a
            verdict wrong; it says that the machine is busy with something else.
    """

    min_effect: float = 0.02
    margin: float = 0.05
    rate: float = 0.05
    alpha: float = 0.05
    looks: tuple[int, ...] = LOOKS
    control_alpha: float = 0.01
    most_dropped: float = 0.50

    def record(self) -> dict[str, Any]:
        """Return the rules as JSON-able values."""
        return {**asdict(self), "looks": list(self.looks)}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> DecisionRules:
        """Return the rules that `record` wrote."""
        return cls(**{**record, "looks": tuple(record["looks"])})

    @property
    def log_effect(self) -> float:
        """The smallest log ratio that is called a change."""
        return math.log1p(self.min_effect)

    @property
    def log_margin(self) -> float:
        """The log ratio inside which an interval means "unchanged"."""
        return math.log1p(self.margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    One comparison with its verdict.

    Args:
        comparison: What was compared.
        verdict: What it is called.
        reason: Why it is invalid or undecided, for people; empty otherwise.
        standing: The latest look.
        adjusted_p: The p value adjusted for the family.
        needed: About how many episodes a decision needs; None when there is one or no guess.
        anew: Whether only a new session can have so many: its looks are fixed before it.
        confirmed: Whether a second session agreed; None when it was not asked.
    """

    comparison: Comparison
    verdict: Verdict
    reason: str
    standing: InterimResult
    adjusted_p: float
    needed: int | None = None
    needs_new_session: bool = False
    confirmed: bool | None = None

    @property
    def ratio(self) -> Interval | None:
        """Candidate to baseline with its interval, as factors; None before the first look."""
        logs = self.standing.interval
        return None if logs is None else Interval(*(math.exp(log) for log in logs))

    @property
    def needed_seconds(self) -> float | None:
        """About how much longer a decision takes, or how long in a new session."""
        each = self.comparison.seconds_each
        if self.needed is None or each is None:
            return None
        made = 0 if self.needs_new_session else len(counted(self.comparison.episodes))
        return max(0, self.needed - made) * each


def claim(interval: Interval, metric: Metric, rules: DecisionRules) -> Verdict:
    """
    Return what an interval of a log ratio says by itself: the zone that it lies in.

    No two zones overlap. An interval that holds 1 is "unchanged" inside the
    margin. One that excludes 1 is a change where its estimate reaches the
    smallest effect, and a small difference where all of it stays below.
    Everything else is inconclusive.

    Args:
        interval: Of ln(candidate / baseline).
        metric: Its direction tells slower from faster.
        rules: The borders of the zones.
    """
    if interval.low <= 0.0 <= interval.high:
        is_inside = -rules.log_margin < interval.low and interval.high < rules.log_margin
        return Verdict.UNCHANGED if is_inside else Verdict.INCONCLUSIVE
    if abs(interval.estimate) >= rules.log_effect:
        grew = interval.estimate > 0.0
        return Verdict.SLOWER if grew == (metric.better is Better.LOWER) else Verdict.FASTER
    is_small = max(abs(interval.low), abs(interval.high)) < rules.log_effect
    return Verdict.SMALL if is_small else Verdict.INCONCLUSIVE


def verdict_alone(standing: InterimResult, metric: Metric, rules: DecisionRules) -> Verdict:
    """Return the verdict on a comparison that is judged alone, at its latest look."""
    if standing.interval is None:
        return Verdict.INCONCLUSIVE
    verdict = claim(standing.interval, metric, rules)
    is_sure = verdict is Verdict.UNCHANGED or standing.p_value <= rules.rate
    return verdict if is_sure else Verdict.INCONCLUSIVE


def _claim_of(comparison: Comparison, standing: InterimResult, rules: DecisionRules) -> Verdict:
    """Return what a comparison would be called if its family were no larger than itself."""
    if comparison.problem is not None or comparison.dropped_share > rules.most_dropped:
        return Verdict.INVALID
    if standing.interval is None:
        return Verdict.INCONCLUSIVE
    return claim(standing.interval, comparison.reading.metric, rules)


def _not_rejected(
    verdict: Verdict, standing: InterimResult, adjusted_p: float, rules: DecisionRules
) -> tuple[str, int | None]:
    """Return why a family does not let a difference pass, and about how many episodes would."""
    looks = len(rules.looks)
    needed = standing.p_value * rules.rate / adjusted_p
    size = "a difference" if verdict.is_change else f"less than {rules.min_effect:.1%} if anything"
    return (
        f"{size}, but not sure enough among so many comparisons (p = {adjusted_p:.2g})",
        episodes_until_p(standing.p_value / looks, needed / looks, standing.episodes),
    )


def _undecided(interval: Interval, episodes: int, rules: DecisionRules) -> tuple[str, int | None]:
    """Return why an interval lies in no zone, and about how many episodes would change that."""
    needed = episodes_until(interval, episodes, effect=rules.log_effect, margin=rules.log_margin)
    if interval.low > 0.0 or interval.high < 0.0:
        reason = f"a difference, but {episodes} episodes leave open whether it reaches"
        return f"{reason} {rules.min_effect:.1%}", needed
    return f"the interval is too wide after {episodes} episodes", needed


def judge_one(
    comparison: Comparison, standing: InterimResult, adjusted_p: float, rules: DecisionRules
) -> Judgement:
    """Apply the table of verdicts to one comparison whose p value is already adjusted."""
    interval = standing.interval
    verdict, reason, needed = _claim_of(comparison, standing, rules), "", None
    if verdict is Verdict.INVALID:
        noise = f"too noisy: {comparison.dropped_share:.0%} of the episodes had to be dropped"
        reason = comparison.problem or noise
    elif interval is None:
        needed, number = rules.looks[0], len(counted(comparison.episodes))
        reason = f"{number} episode{'' if number == 1 else 's'}, the first look needs {needed}"
    elif verdict is Verdict.INCONCLUSIVE:
        reason, needed = _undecided(interval, standing.episodes, rules)
    elif verdict is not Verdict.UNCHANGED and adjusted_p > rules.rate:
        reason, needed = _not_rejected(verdict, standing, adjusted_p, rules)
        verdict = Verdict.INCONCLUSIVE
    return Judgement(
        comparison=comparison,
        verdict=verdict,
        reason=reason,
        standing=standing,
        adjusted_p=adjusted_p,
        needed=needed,
        needs_new_session=needed is not None and needed > rules.looks[-1],
    )


def _adjusted(
    comparisons: Sequence[Comparison], standings: Sequence[InterimResult], rules: DecisionRules
) -> list[float]:
    """
    Return the p values adjusted for their family.

    What was refused before anything was measured is no member: its looks were
    not planned for. Changes and small differences are corrected apart, each
    against the whole family: many small differences, surely found, would
    otherwise make room for false ones among the changes.
    """
    members = [number for number, each in enumerate(comparisons) if not each.refused]
    claims = {
        number: _claim_of(comparisons[number], standings[number], rules) for number in members
    }
    adjusted = [1.0] * len(comparisons)
    for kind in ({Verdict.SLOWER, Verdict.FASTER}, {Verdict.SMALL}):
        p_values = [
            standings[number].p_value if claims[number] in kind else 1.0 for number in members
        ]
        for number, p_value in zip(members, false_discovery(p_values), strict=True):
            if claims[number] in kind:
                adjusted[number] = p_value
    return adjusted


def judge(
    comparisons: Sequence[Comparison], rules: DecisionRules, control: ControlFinding | None = None
) -> tuple[Judgement, ...]:
    """
    Judge a family of comparisons together.

    Args:
        comparisons: Everything that was planned, decided or not: the family is
            what could have raised an alarm, not what did.
        rules: What was decided before measuring.
        control: What the session's control of identical arms found; when it
            failed, every verdict is invalid.
    """
    standings = [
        interim_result(counted(each.episodes), rules.looks, alpha=rules.alpha)
        for each in comparisons
    ]
    adjusted = _adjusted(comparisons, standings, rules)
    judged = tuple(
        judge_one(comparison, standing, p_value, rules)
        for comparison, standing, p_value in zip(comparisons, standings, adjusted, strict=True)
    )
    if control is None or control.passed:
        return judged
    return tuple(
        replace(
            judgement,
            verdict=Verdict.INVALID,
            reason=judgement.reason if judgement.verdict is Verdict.INVALID else _DISTRUST,
            needed=None,
        )
        for judgement in judged
    )


def confirm(
    judged: Sequence[Judgement], confirmations: Sequence[Comparison], rules: DecisionRules
) -> tuple[Judgement, ...]:
    """
    Keep a change only where a second session, with coins of its own, finds it again.

    An effect of memory layout can be constant within one session and gone in
    the next; recurrence is the signal.

    Args:
        judged: What the first session said.
        confirmations: What the second one measured of its changes.
        rules: What was decided before measuring.
    """
    measured_again = {(each.pair, each.reading): each for each in confirmations}
    return tuple(
        _confirmed(
            judgement,
            measured_again.get((judgement.comparison.pair, judgement.comparison.reading)),
            rules,
        )
        for judgement in judged
    )


def _confirmed(judgement: Judgement, again: Comparison | None, rules: DecisionRules) -> Judgement:
    first = judgement.standing.interval
    if not judgement.verdict.is_change or first is None or again is None:
        return judgement
    ratios = counted(again.episodes)[:CONFIRMATION_EPISODES]
    if len(ratios) < CONFIRMATION_EPISODES:
        reason = f"not confirmed: only {len(ratios)} of {CONFIRMATION_EPISODES} episodes"
        return replace(judgement, reason=reason)
    second = hodges_lehmann(ratios)
    if sign_flip_p(ratios) <= rules.alpha and first.estimate * second > 0.0:
        return replace(judgement, confirmed=True)
    reason = (
        f"the first session found a factor of {math.exp(first.estimate):.3f}, "
        f"a second one {math.exp(second):.3f} after {len(ratios)} episodes"
    )
    return replace(judgement, verdict=Verdict.INCONCLUSIVE, reason=reason, confirmed=False)
