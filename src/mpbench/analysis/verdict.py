"""What a comparison is called: slower, faster, unchanged, inconclusive or invalid."""

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

__all__ = ("DecisionRules", "Judgement", "Verdict", "confirm", "judge", "judge_one")


_DISTRUST = "the control of identical arms failed (see below)"


class Verdict(Enum):
    """What is said about one comparison; the value is the word in tables and files."""

    SLOWER = "slower"
    FASTER = "faster"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"

    @property
    def is_change(self) -> bool:
        """Whether a difference was found."""
        return self in {Verdict.SLOWER, Verdict.FASTER}

    @property
    def is_decision(self) -> bool:
        """Whether more episodes are not needed."""
        return self.is_change or self is Verdict.UNCHANGED

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
        min_effect: The smallest relative difference that is called one.
        margin: The relative difference inside which an interval means "unchanged".
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
        return None if logs is None else Interval(*(math.exp(one) for one in logs))

    @property
    def needed_seconds(self) -> float | None:
        """About how much longer a decision takes, or how long in a new session."""
        each = self.comparison.seconds_each
        if self.needed is None or each is None:
            return None
        made = 0 if self.needs_new_session else len(counted(self.comparison.episodes))
        return max(0, self.needed - made) * each


def _changed(interval: Interval, metric: Metric) -> Verdict:
    grew = interval.estimate > 0.0
    return Verdict.SLOWER if grew == (metric.better is Better.LOWER) else Verdict.FASTER


def _may_change(comparison: Comparison, standing: InterimResult, rules: DecisionRules) -> bool:
    """Return whether a rejection would be called a change."""
    return (
        comparison.problem is None
        and comparison.dropped_share <= rules.most_dropped
        and standing.interval is not None
        and abs(standing.interval.estimate) >= rules.log_effect
    )


def _undecided(
    interval: Interval, standing: InterimResult, adjusted_p: float, rules: DecisionRules
) -> tuple[str, int | None]:
    """Return why an interval decides nothing, and about how many episodes would."""
    count = standing.episodes
    excludes_one = interval.low > 0.0 or interval.high < 0.0
    if excludes_one and abs(interval.estimate) >= rules.log_effect:
        # The family asks for more than the interval does.
        looks = len(rules.looks)
        needed = standing.p_value * rules.rate / adjusted_p
        return (
            f"a difference, but not sure enough among so many comparisons (p = {adjusted_p:.2g})",
            episodes_until_p(standing.p_value / looks, needed / looks, count),
        )
    needed_episodes = episodes_until(
        interval, count, effect=rules.log_effect, margin=rules.log_margin
    )
    return f"the interval is too wide after {count} episodes", needed_episodes


def judge_one(
    comparison: Comparison, standing: InterimResult, adjusted_p: float, rules: DecisionRules
) -> Judgement:
    """Apply the table of verdicts to one comparison whose p value is already adjusted."""
    interval = standing.interval
    verdict, reason, needed = Verdict.INCONCLUSIVE, "", None
    if comparison.problem is not None:
        verdict, reason = Verdict.INVALID, comparison.problem
    elif comparison.dropped_share > rules.most_dropped:
        verdict = Verdict.INVALID
        reason = f"too noisy: {comparison.dropped_share:.0%} of the episodes had to be dropped"
    elif interval is None:
        reason = (
            f"{len(counted(comparison.episodes))} episodes, the first look needs {rules.looks[0]}"
        )
        needed = rules.looks[0]
    elif adjusted_p <= rules.rate and abs(interval.estimate) >= rules.log_effect:
        verdict = _changed(interval, comparison.reading.metric)
    elif -rules.log_margin < interval.low and interval.high < rules.log_margin:
        verdict = Verdict.UNCHANGED
    else:
        reason, needed = _undecided(interval, standing, adjusted_p, rules)
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
    not planned for. What differs by less than is called a change has no p value
    here: many small differences, surely found, would make room for false ones
    among the changes, which are all that is reported.
    """
    family = [number for number, one in enumerate(comparisons) if not one.refused]
    known = [
        standings[number].p_value
        if _may_change(comparisons[number], standings[number], rules)
        else 1.0
        for number in family
    ]
    adjusted = dict(zip(family, false_discovery(known), strict=True)) if family else {}
    return [adjusted.get(number, 1.0) for number in range(len(comparisons))]


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
        interim_result(counted(one.episodes), rules.looks, alpha=rules.alpha) for one in comparisons
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
            one,
            verdict=Verdict.INVALID,
            reason=one.reason if one.verdict is Verdict.INVALID else _DISTRUST,
            needed=None,
        )
        for one in judged
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
    found = {(one.pair, one.reading): one for one in confirmations}
    return tuple(
        _confirmed(one, found.get((one.comparison.pair, one.comparison.reading)), rules)
        for one in judged
    )


def _confirmed(one: Judgement, again: Comparison | None, rules: DecisionRules) -> Judgement:
    first = one.standing.interval
    if not one.verdict.is_change or first is None or again is None:
        return one
    ratios = counted(again.episodes)[:CONFIRMATION_EPISODES]
    if len(ratios) < CONFIRMATION_EPISODES:
        reason = f"not confirmed: only {len(ratios)} of {CONFIRMATION_EPISODES} episodes"
        return replace(one, reason=reason)
    second = hodges_lehmann(ratios)
    if sign_flip_p(ratios) <= rules.alpha and first.estimate * second > 0.0:
        return replace(one, confirmed=True)
    reason = (
        f"the first session found a factor of {math.exp(first.estimate):.3f}, "
        f"a second one {math.exp(second):.3f} after {len(ratios)} episodes"
    )
    return replace(one, verdict=Verdict.INCONCLUSIVE, reason=reason, confirmed=False)
