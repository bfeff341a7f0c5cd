"""Sections of a report that hold the verdicts of comparisons, ranked by size."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mpbench.analysis.outcome import ComparisonOutcome, is_comparison, outcome_of
from mpbench.analysis.verdict import Judgement, Verdict
from mpbench.model import Run
from mpbench.report import formatting
from mpbench.report.document import Cell, Column, Strip, Table
from mpbench.report.formatting import DASH
from mpbench.report.verdicts import VerdictRow, phrase, rows, summary

__all__ = ("Compared", "compared")

# In this order verdicts are ranked: what must be acted on, then what is known, then the rest.
_ORDER = (
    Verdict.SLOWER,
    Verdict.FASTER,
    Verdict.SMALL,
    Verdict.INCONCLUSIVE,
    Verdict.UNCHANGED,
    Verdict.INVALID,
)
# The scale spans at least a quarter on each side of 1, so that noise does not look like news.
_LEAST = math.log(1.25)
# As many changes are named in the first sentence; the table has them all.
_NAMED = 3


class Compared(NamedTuple):
    """One comparison: its sentence, its table, and what its session says about itself."""

    sentence: str
    table: Table
    notes: tuple[str, ...]


def _size(judgement: Judgement) -> float:
    return abs(math.log(judgement.ratio.estimate)) if judgement.ratio else 0.0


def _ranked(outcome: ComparisonOutcome) -> list[tuple[Judgement, VerdictRow]]:
    both = list(zip(outcome.judgements, rows(outcome), strict=True))
    return sorted(both, key=lambda pair: (_ORDER.index(pair[0].verdict), -_size(pair[0])))


def _strips(judgements: Sequence[Judgement]) -> list[Strip | None]:
    """Return where each ratio and its interval stand on one logarithmic scale around 1."""
    known = [judgement.ratio for judgement in judgements if judgement.ratio is not None]
    ends = [abs(math.log(end)) for ratio in known for end in (ratio.low, ratio.high) if end > 0]
    reach = max([_LEAST, *(end for end in ends if math.isfinite(end))])

    def place(ratio: float) -> float:
        if ratio <= 0:
            return 0.0
        return min(1.0, max(0.0, 0.5 + math.log(ratio) / reach / 2))

    def strip(judgement: Judgement) -> Strip | None:
        if judgement.ratio is None:
            return None
        low, middle, high = (place(end) for end in judgement.ratio)
        return Strip(low, middle, high, low, high, (middle,), mark=0.5)

    return [strip(judgement) for judgement in judgements]


def _named(judgement: Judgement) -> str:
    """Return one change in words, with its interval."""
    assert judgement.ratio is not None
    comparison, (low, _, high) = judgement.comparison, judgement.ratio
    interval = f"{formatting.ratio_text(low)} to {formatting.ratio_text(high)}"
    reading = f" ({comparison.reading.fact})" if comparison.reading.fact else ""
    return f"{comparison.title}{reading} {phrase(judgement)} (95 % interval {interval})"


def _sentence(outcome: ComparisonOutcome, ranked: Sequence[Judgement]) -> str:
    """Say in words what was found: the changes first, then how much of the rest is known."""
    total = len(ranked)
    if outcome.invalid or not total:
        return f"This session says nothing: none of its {total} comparisons can be believed."
    counts = Counter(one.verdict for one in ranked)
    arms = {(one.comparison.baseline, one.comparison.candidate) for one in ranked}
    who = ""
    if len(arms) == 1:
        ((baseline, candidate),) = arms
        who = f"{candidate} against {baseline}: "
    changes = [one for one in ranked if one.verdict.is_change]
    words = [_named(change) for change in changes[:_NAMED]]
    if len(changes) > _NAMED:
        words.append(f"{len(changes) - _NAMED} further changes")
    rest = [verdict.counted(counts[verdict]) for verdict in _ORDER[2:] if counts[verdict]]
    size = f" of {outcome.rules.min_effect:.1%} or more" if counts[Verdict.SMALL] else ""
    parts = ["; ".join(words) or f"no difference{size} was found"]
    parts += [f"{formatting.join_words(rest)}, of {total} comparisons"] if rest else []
    return f"{who}{'. '.join(parts)}."


_COLUMNS = (
    Column("case", "Case"),
    Column("arms", "Arms"),
    Column("reading", "Reading"),
    Column("verdict", "Verdict"),
    Column("baseline", "Baseline", "Median over the episodes.", is_number=True),
    Column("candidate", "Candidate", "Median over the episodes.", is_number=True),
    Column("ratio", "Ratio", "Candidate over baseline.", is_number=True),
    Column("interval", "95 % interval", "Holds over all looks.", is_number=True),
    Column("drawn", "Against 1", "The dotted line is a ratio of 1: no difference."),
    Column("episodes", "Episodes", "Pairs of fresh agents that counted.", is_number=True),
    Column("note", "Note"),
)

_TONES = {Verdict.SLOWER: 2, Verdict.FASTER: -2}


def _cells(judgement: Judgement, row: VerdictRow, strip: Strip | None) -> tuple[Cell, ...]:
    ratio = judgement.ratio
    number, interval = Cell(DASH), Cell(DASH)
    if ratio is not None:
        number = Cell(formatting.ratio_text(ratio.estimate), ratio.estimate)
        ends = f"{formatting.ratio_text(ratio.low)} {DASH} {formatting.ratio_text(ratio.high)}"
        interval = Cell(ends, f"{ratio.low:.6g} {ratio.high:.6g}")
    episodes = judgement.standing.episodes
    return (
        Cell(row.title),
        Cell(row.arms),
        Cell(row.reading),
        Cell(row.verdict, tone=_TONES.get(judgement.verdict)),
        Cell(row.baseline),
        Cell(row.candidate),
        number,
        interval,
        Cell("", strip=strip),
        Cell(str(episodes), float(episodes)),
        Cell(row.note),
    )


def _of(run: Run, number: int) -> Compared:
    outcome = outcome_of(run)
    ranked = _ranked(outcome)
    judgements = [one for one, _ in ranked]
    made: tuple[tuple[Cell, ...], ...] = tuple(
        _cells(one, row, strip)
        for (one, row), strip in zip(ranked, _strips(judgements), strict=True)
    )
    # A column takes no room where it says nothing; arms that all rows share stand in the sentence.
    idle = {"note"} if not any(row.note for _, row in ranked) else set()
    idle |= {"arms"} if len({row.arms for _, row in ranked}) == 1 else set()
    places = [place for place, column in enumerate(_COLUMNS) if column.key not in idle]
    columns = tuple(_COLUMNS[place] for place in places)
    made = tuple(tuple(row[place] for place in places) for row in made)
    caption = (
        f"{run.header.machine}, {run.header.started_utc}: episodes of two fresh agents that take "
        f"turns, false-discovery rate {outcome.rules.rate:.0%}, slower or faster from "
        f"{outcome.rules.min_effect:.1%}"
    )
    table = Table(f"verdicts-{number}", "Verdicts", caption, columns, made)
    return Compared(_sentence(outcome, judgements), table, summary(outcome))


def compared(runs: Sequence[Run]) -> tuple[Compared, ...]:
    """Return the comparisons among the runs, each judged from its own file."""
    wanted = (run for run in runs if is_comparison(run))
    return tuple(_of(run, number) for number, run in enumerate(wanted, 1))
