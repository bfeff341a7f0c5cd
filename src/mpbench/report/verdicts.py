"""Verdicts as text: rows for a terminal, Markdown, JSON."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mpbench.analysis.arm_values import ArmValues
from mpbench.analysis.outcome import ComparisonOutcome
from mpbench.analysis.verdict import Judgement, Verdict
from mpbench.report.markdown import escape
from mpbench.units import format_duration, format_quantity, format_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = (
    "VerdictRow",
    "change_text",
    "needed_text",
    "phrase",
    "ranked",
    "rows",
    "summary",
    "to_markdown",
    "to_record",
)

# In this order verdicts are listed: what must be acted on, then what is known, then the rest.
_ORDER = (
    Verdict.SLOWER,
    Verdict.INVALID,
    Verdict.INCONCLUSIVE,
    Verdict.FASTER,
)

# Above a factor of 2 people count in times, below in per cent.
_IN_TIMES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """One line of the table of verdicts; every field is text for people."""

    title: str
    arms: str
    baseline: str
    candidate: str
    reading: str
    ratio: str
    verdict: str
    episodes: str
    seconds: str
    note: str
    kind: Verdict


def change_text(ratio: float, word: str) -> str:
    """Return a change with its size: `slower, +5.1%` below a factor of 2, else `5.05x slower`."""
    if 1 / _IN_TIMES < ratio < _IN_TIMES:
        return f"{word}, {ratio - 1:+.1%}"
    factor = max(ratio, 1 / ratio) if ratio > 0 else math.inf
    return f"{factor:.3g}x {word}"


def phrase(judgement: Judgement) -> str:
    """Return the verdict with its size: `slower, +5.1%`, `5.05x faster`."""
    word = judgement.verdict.word(judgement.comparison.reading.metric)
    if judgement.ratio is None or not (
        judgement.verdict.is_change or judgement.verdict is Verdict.SMALL
    ):
        return word
    confirmed = ", confirmed" if judgement.confirmed else ""
    return change_text(judgement.ratio.estimate, word) + confirmed


def ranked(outcome: ComparisonOutcome) -> ComparisonOutcome:
    """Return the outcome with its judgements in order: regressions first, the largest in front."""

    def place(judgement: Judgement) -> tuple[int, float]:
        order = _ORDER.index(judgement.verdict) if judgement.verdict in _ORDER else len(_ORDER)
        return order, -abs(math.log(judgement.ratio.estimate)) if judgement.ratio else 0.0

    return replace(outcome, judgements=tuple(sorted(outcome.judgements, key=place)))


def _needed_s(outcome: ComparisonOutcome) -> tuple[float, int]:
    """Return how many seconds would decide the rest, and the looks where a session is needed."""
    open_pairs = {
        judgement.comparison.pair: judgement
        for judgement in outcome.judgements
        if judgement.verdict is Verdict.INCONCLUSIVE and judgement.needed_seconds
    }
    looks = max(
        (pair.needed or 0 for pair in open_pairs.values() if pair.needs_new_session), default=0
    )
    return sum(pair.needed_seconds or 0.0 for pair in open_pairs.values()), looks


def needed_text(outcome: ComparisonOutcome) -> str:
    """Return how much longer a decision of everything takes; empty where nothing is known."""
    seconds, looks = _needed_s(outcome)
    if not seconds:
        return ""
    took = format_duration(seconds)
    if looks:
        return f"a new session with --looks {looks} would decide the rest in about {took}"
    return f"about {took} more would decide the rest"


def _ratio(judgement: Judgement) -> str:
    if judgement.ratio is None:
        return "-"
    low, estimate, high = judgement.ratio
    digits = 3 if estimate < 10 else 2  # noqa: PLR2004 - as many as carry information
    return f"{estimate:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _value_text(value: float | None, unit: str) -> str:
    return "-" if value is None else format_quantity(value, unit)


def rows(outcome: ComparisonOutcome) -> tuple[VerdictRow, ...]:
    """Return one row for each comparison."""
    found: list[VerdictRow] = []
    for judgement in outcome.judgements:
        comparison = judgement.comparison
        reading = comparison.reading
        values = outcome.values.get((comparison.pair, reading.fact), ArmValues(None, None))
        found.append(
            VerdictRow(
                title=comparison.title,
                arms=f"{comparison.baseline} -> {comparison.candidate}",
                baseline=_value_text(values.baseline, reading.metric.unit),
                candidate=_value_text(values.candidate, reading.metric.unit),
                reading=reading.fact or reading.metric.label,
                ratio=_ratio(judgement),
                verdict=phrase(judgement),
                episodes=str(judgement.standing.episodes),
                seconds=f"{comparison.seconds:.1f}",
                note=judgement.reason,
                kind=judgement.verdict,
            )
        )
    return tuple(found)


def _counts(outcome: ComparisonOutcome) -> str:
    counted = Counter(judgement.verdict for judgement in outcome.judgements)
    return ", ".join(verdict.counted(counted[verdict]) for verdict in Verdict if counted[verdict])


def _control(outcome: ComparisonOutcome) -> str:
    if outcome.control is None and outcome.invalid:
        return "no control was measured"
    if outcome.control is not None:
        return outcome.control.text
    if outcome.control_planned:
        return "control: too few episodes to find anything; the verdicts are advisory"
    return "no control of identical arms was measured; the verdicts are advisory"


def summary(outcome: ComparisonOutcome) -> tuple[str, ...]:
    """Return the lines below the table: counts, the control, what was dropped, the rules."""
    rules = outcome.rules
    share = outcome.dropped / outcome.episodes if outcome.episodes else 0.0
    spent = sum(outcome.seconds.values())
    looks = ", ".join(str(look) for look in rules.looks)
    placed = sum(judgement.comparison.on_one_cpu for judgement in outcome.judgements)
    lines = [
        (
            f"{_counts(outcome)}; {outcome.episodes} "
            f"episode{'' if outcome.episodes == 1 else 's'} in {format_seconds(spent)}"
        ),
        _control(outcome),
        f"dropped as too noisy, on evidence blind to the arms: {share:.0%} of the episodes",
        (
            f"rules: slower or faster from {rules.min_effect:.1%}, a small difference stays below, "
            f"unchanged holds 1 within {rules.margin:.1%}, "
            f"false-discovery rate {rules.rate:.0%}, "
            f"intervals {1 - rules.alpha:.0%} over looks at {looks} episodes"
        ),
    ]
    if placed:
        lines.insert(
            2,
            f"{placed} of {len(outcome.judgements)} comparisons had both arms on one CPU, drawn "
            "for each episode (--placement; auto does so where neither needs a second one and "
            "both lose alike)",
        )
    more = needed_text(outcome)
    if more:
        lines.insert(1, more)
    if outcome.interrupted:
        lines.insert(0, "interrupted: this is what there was until then")
    return tuple(lines)


def _table(outcome: ComparisonOutcome) -> Iterator[str]:
    yield "| case | arms | reading | baseline | candidate | ratio | verdict | n | seconds | |"
    yield "|---|---|---|---:|---:|---|---|---:|---:|---|"
    for row in rows(outcome):
        verdict = escape(row.verdict)
        if row.kind in {Verdict.SLOWER, Verdict.INVALID}:
            verdict = f"**{verdict}**"
        cells = (row.title, row.arms, row.reading, row.baseline, row.candidate, row.ratio)
        told = " | ".join(escape(cell) for cell in cells)
        yield f"| {told} | {verdict} | {row.episodes} | {row.seconds} | {escape(row.note)} |"


def to_markdown(outcome: ComparisonOutcome) -> str:
    """Return the verdicts as Markdown for a pull request."""
    outcome = ranked(outcome)
    lines = ["### mpbench compare", "", *_table(outcome), ""]
    lines += [f"- {escape(line)}" for line in summary(outcome)]
    return "\n".join(lines) + "\n"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _judgement(judgement: Judgement, values: ArmValues) -> dict[str, Any]:
    comparison, ratio = judgement.comparison, judgement.ratio
    return {
        "case": comparison.title,
        "baseline": comparison.baseline,
        "candidate": comparison.candidate,
        "metric": comparison.reading.metric.key,
        "fact": comparison.reading.fact,
        "unit": comparison.reading.metric.unit,
        "baseline_value": values.baseline,
        "candidate_value": values.candidate,
        "better": comparison.reading.metric.better.value,
        "on_one_cpu": comparison.on_one_cpu,
        "verdict": judgement.verdict.value,
        "reason": judgement.reason or None,
        "ratio": None if ratio is None else _finite(ratio.estimate),
        "ratio_low": None if ratio is None else _finite(ratio.low),
        "ratio_high": None if ratio is None else _finite(ratio.high),
        "p_value": judgement.standing.p_value,
        "adjusted_p_value": judgement.adjusted_p,
        "episodes": judgement.standing.episodes,
        "episodes_dropped": sum(each.dropped is not None for each in comparison.episodes),
        "episodes_needed": judgement.needed,
        "seconds": comparison.seconds,
        "seconds_needed": judgement.needed_seconds,
        "confirmed": judgement.confirmed,
    }


def to_record(outcome: ComparisonOutcome) -> dict[str, Any]:
    """Return the verdicts as JSON-able values; nothing is NaN."""
    outcome = ranked(outcome)
    control = outcome.control
    keys = [
        (judgement.comparison.pair, judgement.comparison.reading.fact)
        for judgement in outcome.judgements
    ]
    values = [outcome.values.get(key, ArmValues(None, None)) for key in keys]
    return {
        "comparisons": [
            _judgement(one, own) for one, own in zip(outcome.judgements, values, strict=True)
        ],
        "seconds_needed": _needed_s(outcome)[0] or None,
        "control": None
        if control is None
        else {
            "ratio": math.exp(control.log_ratio),
            "p_value": control.p_value,
            "episodes": control.episodes,
            "passed": control.passed,
        },
        "rules": outcome.rules.record(),
        "seconds": outcome.seconds,
        "episodes": outcome.episodes,
        "episodes_dropped": outcome.dropped,
        "interrupted": outcome.interrupted,
    }
