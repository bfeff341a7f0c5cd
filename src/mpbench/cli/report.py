"""`mpbench report`: one page from any number of result files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

__all__ = ("command",)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write; by default beside one result file, and in reports/combined for several.",
)
def command(files: tuple[Path, ...], output: Path | None) -> int:
    """
    Write report.html, report.md and report.csv from result files.

    FILES are folders of runs or their results.jsonl, of any number of
    machines, interpreters and days.
    """
    import gc

    from mpbench import report
    from mpbench.store import read

    # A million samples are a million small tuples that all stay to the end:
    # looking for cycles among them, again and again, takes longer than reading them.
    gc.disable()

    runs = [read(path) for path in files]
    folder = output or (Path(runs[0].path).parent if len(runs) == 1 else Path("reports/combined"))
    for path in report.write(runs, folder):
        sys.stdout.write(f"{path}\n")
    return 0
