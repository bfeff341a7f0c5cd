"""Verdicts in the terminal: as a table, Markdown or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from mpbench.analysis.outcome import ComparisonOutcome

__all__ = ("show",)


def show(outcome: ComparisonOutcome, form: str) -> None:
    """Print verdicts as a table, Markdown or JSON."""
    from mpbench.report.verdicts import to_markdown, to_record

    if form == "json":
        sys.stdout.write(json.dumps(to_record(outcome), indent=2, allow_nan=False) + "\n")
    elif form == "markdown":
        sys.stdout.write(to_markdown(outcome))
    else:
        _table(outcome)


# Below this many columns of text there are no columns of a table.
_NARROW = 60

_STYLES = {
    "slower": "bold red",
    "faster": "green",
    "small difference": "cyan",
    "unchanged": "",
    "inconclusive": "yellow",
    "invalid": "bold yellow",
}


def _table(outcome: ComparisonOutcome) -> None:
    from rich.console import Console
    from rich.text import Text

    from mpbench.report.verdicts import summary

    console = Console(file=sys.stdout)
    if console.width < _NARROW:
        _list(outcome, console)
    else:
        _grid(outcome, console)
    for line in summary(outcome):
        console.print(Text(line), highlight=False)


def _grid(outcome: ComparisonOutcome, console: Console) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    from mpbench.report.verdicts import rows

    head = [Column(name, overflow="fold") for name in ("case", "arms", "ratio", "verdict")]
    table = Table(*head, "n", "s", box=None, pad_edge=False)
    for row in rows(outcome):
        words = Text(row.verdict, style=_STYLES[row.kind.value])
        if row.note:
            words.append(f"\n{row.note}", style="dim")
        case = Text(row.title)
        case.append(f"\n{row.reading}", style="dim")
        table.add_row(case, Text(row.arms), Text(row.ratio), words, row.episodes, row.seconds)
    console.print(table)


def _list(outcome: ComparisonOutcome, console: Console) -> None:
    """Print one verdict below another, where columns would leave no room for names."""
    from rich.text import Text

    from mpbench.report.verdicts import rows

    for row in rows(outcome):
        words = Text(f"{row.title}\n")
        words.append(f"  {row.reading}\n", style="dim")
        words.append(f"  {row.arms}: {row.ratio}\n  ")
        words.append(row.verdict, style=_STYLES[row.kind.value])
        words.append(f"\n  {row.note}" if row.note else "", style="dim")
        console.print(words, highlight=False, overflow="fold")
