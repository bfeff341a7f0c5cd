"""Keeps what a run does not answer apart from what it does."""

from __future__ import annotations

from mpbench.analysis.advise import SupportLevel
from mpbench.report.document import Table

__all__ = ("split_unanswered",)


def split_unanswered(advice: Table | None) -> tuple[Table | None, Table | None]:
    """
    Split a table of advice.

    Args:
        advice: What `advice_table` returned.

    Returns:
        The answers, and the questions that need another run; None where there
        are none of a kind.
    """
    if advice is None:
        return None, None
    places = [column.key for column in advice.columns]
    standing, use = places.index("standing"), places.index("use")
    not_measured = str(SupportLevel.NOT_MEASURED.value)
    known = tuple(row for row in advice.rows if row[standing].text != not_measured)
    rest = tuple(row for row in advice.rows if row[standing].text == not_measured)
    # Two of its columns would say "not measured" in each row.
    kept = [place for place in range(len(places)) if place not in {standing, use}]
    titles = {"costs": "What is missing", "evidence": "How to get it"}
    columns = (advice.columns[place] for place in kept)
    unanswered = Table(
        f"{advice.key}-open",
        "Questions that this run does not answer",
        "Nothing is guessed: each needs the run that stands beside it",
        tuple(one._replace(title=titles.get(one.key, one.title), note="") for one in columns),
        tuple(tuple(row[place] for place in kept) for row in rest),
    )
    return advice._replace(rows=known) if known else None, unanswered if rest else None
