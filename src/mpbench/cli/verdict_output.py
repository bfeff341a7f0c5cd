"""Verdicts in the terminal: as a table, Markdown or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from mpbench.cli.closing import print_closing
from mpbench.cli.text_table import TextColumn, print_table, wrapped

if TYPE_CHECKING:
    from mpbench.analysis.outcome import ComparisonOutcome

__all__ = ("show",)

_COLUMNS = (
    TextColumn("case"),
    TextColumn("arms"),
    TextColumn("baseline", is_number=True),
    TextColumn("candidate", is_number=True),
    TextColumn("ratio", is_number=True),
    TextColumn("verdict"),
    TextColumn("n", is_number=True),
)


def show(outcome: ComparisonOutcome, form: str, *, path: str = "") -> None:
    """
    Print verdicts as a table, Markdown or JSON.

    Args:
        outcome: What a session of `mpbench compare` says.
        form: `table`, `markdown` or `json`.
        path: Where the rest is; only the table names it.
    """
    from mpbench.report.verdicts import to_markdown, to_record

    if form == "json":
        sys.stdout.write(json.dumps(to_record(outcome), indent=2, allow_nan=False) + "\n")
    elif form == "markdown":
        sys.stdout.write(to_markdown(outcome))
    else:
        _table(outcome, path)


def _table(outcome: ComparisonOutcome, path: str) -> None:
    from mpbench.report.verdicts import ranked, rows, summary

    outcome = ranked(outcome)
    cells = []
    for row in rows(outcome):
        name = f"{row.title}, {row.reading}"
        words = f"{row.verdict}: {row.note}" if row.note else row.verdict
        values = (row.baseline, row.candidate, row.ratio, words, row.episodes)
        cells.append((name, row.arms, *values))
    print_table("", _COLUMNS, cells)
    legend = "baseline, candidate: medians; ratio: candidate to baseline [interval]; n: episodes"
    for line in (legend, *summary(outcome)):
        sys.stdout.write(wrapped(line) + "\n")
    print_closing(_says(outcome), _trust(outcome), path or "give --format markdown or json")


def _says(outcome: ComparisonOutcome) -> str:
    """Return the largest change, and how many others there are, in one sentence."""
    from mpbench.report.verdicts import phrase

    changes = [judgement for judgement in outcome.judgements if judgement.verdict.is_change]
    others = len(outcome.judgements) - len(changes)
    if not changes:
        words = {judgement.verdict.value for judgement in outcome.judgements}
        return f"no change was found ({', '.join(sorted(words)) or 'nothing was compared'})."
    first = changes[0].comparison
    more = f"; {len(changes) - 1} further changes" if len(changes) > 1 else ""
    rest = f"; {others} without a change" if others else ""
    arms = f"{first.candidate} against {first.baseline}"
    return f"{first.title}: {arms} is {phrase(changes[0])}{more}{rest}."


def _trust(outcome: ComparisonOutcome) -> str:
    words = []
    if outcome.interrupted:
        words.append("interrupted, this is what there was until then")
    if outcome.control is None:
        words.append("no control of identical arms, so the verdicts are advisory")
    elif not outcome.control.passed:
        words.append("the control of identical arms failed, so no verdict holds")
    share = outcome.dropped / outcome.episodes if outcome.episodes else 0.0
    if share > 0.25:  # noqa: PLR2004 - half of what makes a comparison invalid
        words.append(f"{share:.0%} of the episodes were too noisy")
    if words:
        return f"Read with care: {'; '.join(words)}."
    return "the control of identical arms passed."
