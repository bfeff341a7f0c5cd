"""The command `mpbench clean`: removal of what killed sessions left behind."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mpbench.printable import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.session.leftovers import Leftovers

__all__ = ("command",)

# Enough to see what they are; a crashed queue test may leave thousands.
_SHOWN = 20


def _list(title: str, rows: Sequence[str]) -> None:
    if not rows:
        return
    sys.stdout.write(f"{title}:\n")
    for row in rows[:_SHOWN]:
        plain = printable(row, instead="?")
        sys.stdout.write(f"  {plain}\n")
    if len(rows) > _SHOWN:
        sys.stdout.write(f"  and {len(rows) - _SHOWN:,} more\n")


def _show(leftovers: Leftovers) -> None:
    _list("processes", [f"{process.pid} {process.command}" for process in leftovers.processes])
    _list("folders", [str(folder) for folder in leftovers.folders])
    _list("in /dev/shm", leftovers.segments)


def _count(leftovers: Leftovers) -> str:
    processes = counted(len(leftovers.processes), "process")
    folders = counted(len(leftovers.folders), "folder")
    return f"{processes}, {folders}, {counted(len(leftovers.segments), 'name')} in shared memory"


@click.command()
@click.option("--yes", is_flag=True, help="Remove without asking.")
def command(yes: bool) -> int:
    """
    Remove what a power cut or a killed session left behind.

    Shows the processes, folders and shared memory of sessions that are gone,
    asks, and removes them. What a live session holds is left alone, and so is
    whatever may belong to another program.
    """
    from mpbench.session.leftovers import find_leftovers, remove_leftovers

    leftovers = find_leftovers()
    _show(leftovers)
    _list("perhaps another program's, left alone", leftovers.unsure)
    if leftovers.is_empty:
        sys.stdout.write("nothing of mpbench was left behind\n")
        return 0
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"left behind: {_count(leftovers)}; use --yes to remove them")
    if not yes and not click.confirm("remove them?"):
        return 1
    left = remove_leftovers(leftovers)
    if left.is_empty:
        sys.stdout.write(f"removed {_count(leftovers)}\n")
        return 0
    _show(left)
    sys.stdout.write(f"could not be removed: {_count(left)}\n")
    return 1
