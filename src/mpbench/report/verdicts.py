"""Verdicts as text: rows for a terminal, Markdown, JSON."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpbench.analysis.outcome import ComparisonOutcome
from mpbench.analysis.verdict import Judgement, Verdict
from mpbench.report.markdown import escape
from mpbench.units import format_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("VerdictRow", "phrase", "rows", "summary", "to_markdown", "to_record")

# Above a factor of 2 people count in times, below in per cent.
_IN_TIMES = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRow:
    """One line of the table of verdicts; every field is text for people."""

    title: str
    arms: str
    reading: str
    ratio: str
    verdict: str
    episodes: str
    seconds: str
    note: str
    kind: Verdict


def _change(ratio: float) -> str:
    if 1 / _IN_TIMES < ratio < _IN_TIMES:
        return f"{ratio - 1:+.1%}"
    return f"{ratio:.3g} times"


def phrase(one: Judgement) -> str:
    """Return the verdict with its size: `slower, +5.1%`."""
    word = one.verdict.word(one.comparison.reading.metric)
    if one.ratio is None or not (one.verdict.is_change or one.verdict is Verdict.SMALL):
        return word
    confirmed = ", confirmed" if one.confirmed else ""
    return f"{word}, {_change(one.ratio.estimate)}{confirmed}"


def _note(one: Judgement) -> str:
    parts = [one.reason] if one.reason else []
    seconds = one.needed_seconds
    if one.verdict is Verdict.INCONCLUSIVE and seconds:
        took = format_seconds(seconds, significant=2)
        more = f"a new session with --looks {one.needed} would decide in about {took}"
        parts.append(more if one.needs_new_session else f"about {took} more would decide")
    return "; ".join(parts)


def _ratio(one: Judgement) -> str:
    if one.ratio is None:
        return "-"
    low, estimate, high = one.ratio
    digits = 3 if estimate < 10 else 2  # noqa: PLR2004 - as many as carry information
    return f"{estimate:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def rows(outcome: ComparisonOutcome) -> tuple[VerdictRow, ...]:
    """Return one row for each comparison."""
    found: list[VerdictRow] = []
    for one in outcome.judgements:
        comparison = one.comparison
        reading = comparison.reading
        found.append(
            VerdictRow(
                title=comparison.title,
                arms=f"{comparison.baseline} -> {comparison.candidate}",
                reading=reading.fact or reading.metric.label,
                ratio=_ratio(one),
                verdict=phrase(one),
                episodes=str(one.standing.episodes),
                seconds=f"{comparison.seconds:.1f}",
                note=_note(one),
                kind=one.verdict,
            )
        )
    return tuple(found)


def _counts(outcome: ComparisonOutcome) -> str:
    counted = Counter(one.verdict for one in outcome.judgements)
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
    placed = sum(one.comparison.on_one_cpu for one in outcome.judgements)
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
            "for each episode: no arm was more than 10 % faster with all of them (--placement)",
        )
    if outcome.interrupted:
        lines.insert(0, "interrupted: this is what there was until then")
    return tuple(lines)


def _table(outcome: ComparisonOutcome) -> Iterator[str]:
    yield "| case | arms | reading | ratio | verdict | n | seconds | |"
    yield "|---|---|---|---|---|---:|---:|---|"
    for row in rows(outcome):
        verdict = escape(row.verdict)
        if row.kind in {Verdict.SLOWER, Verdict.INVALID}:
            verdict = f"**{verdict}**"
        cells = (row.title, row.arms, row.reading, row.ratio)
        told = " | ".join(escape(cell) for cell in cells)
        yield f"| {told} | {verdict} | {row.episodes} | {row.seconds} | {escape(row.note)} |"


def to_markdown(outcome: ComparisonOutcome) -> str:
    """Return the verdicts as Markdown for a pull request."""
    lines = ["### mpbench compare", "", *_table(outcome), ""]
    lines += [f"- {escape(line)}" for line in summary(outcome)]
    return "\n".join(lines) + "\n"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _judgement(one: Judgement) -> dict[str, Any]:
    comparison, ratio = one.comparison, one.ratio
    return {
        "case": comparison.title,
        "baseline": comparison.baseline,
        "candidate": comparison.candidate,
        "metric": comparison.reading.metric.key,
        "fact": comparison.reading.fact,
        "better": comparison.reading.metric.better.value,
        "on_one_cpu": comparison.on_one_cpu,
        "verdict": one.verdict.value,
        "reason": one.reason or None,
        "ratio": None if ratio is None else _finite(ratio.estimate),
        "ratio_low": None if ratio is None else _finite(ratio.low),
        "ratio_high": None if ratio is None else _finite(ratio.high),
        "p_value": one.standing.p_value,
        "adjusted_p_value": one.adjusted_p,
        "episodes": one.standing.episodes,
        "episodes_dropped": sum(each.dropped is not None for each in comparison.episodes),
        "episodes_needed": one.needed,
        "seconds": comparison.seconds,
        "seconds_needed": one.needed_seconds,
        "confirmed": one.confirmed,
    }


def to_record(outcome: ComparisonOutcome) -> dict[str, Any]:
    """Return the verdicts as JSON-able values; nothing is NaN."""
    control = outcome.control
    return {
        "comparisons": [_judgement(one) for one in outcome.judgements],
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
