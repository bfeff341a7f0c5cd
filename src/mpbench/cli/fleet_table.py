"""The table of a fleet's hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpbench.fleet.campaign import HostOutcome

__all__ = ("print_hosts",)


def print_hosts(outcomes: tuple[HostOutcome, ...]) -> None:
    """Show what became of each host, and how much it gave."""
    from rich.table import Table
    from rich.text import Text

    from mpbench.cli.terminal import terminal

    table = Table("host", "status", "repetitions", "why", box=None, pad_edge=False)
    for outcome in outcomes:
        table.add_row(
            Text(outcome.host),
            outcome.status.value,
            f"{outcome.repetitions:,}",
            Text(outcome.reason or ""),
        )
    terminal().print(table)
