"""The command `mpbench report`: one page from any number of result files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpbench.cli.closing import print_report_closing
from mpbench.cli.options import Folder
from mpbench.printable import printable

if TYPE_CHECKING:
    from mpbench.integrations.exchange.asv_history import AsvHistory
    from mpbench.model import Run

__all__ = ("command",)


def _history(folder: Path, **patterns: tuple[str, ...]) -> AsvHistory:
    """Read the history, as far as it fits the patterns of `narrowed`."""
    from mpbench.analysis.history import narrowed
    from mpbench.integrations.exchange.asv_history import read_asv_history

    def keep(run: Run) -> Run | None:
        return next(iter(narrowed((run,), **patterns)), None)

    history = read_asv_history(folder, keep)
    for note in history.notes:
        sys.stderr.write(f"mpbench: {printable(note)}\n")
    if any(patterns.values()) and not any(commit.medians for commit in history.commits):
        raise click.UsageError("nothing in the history fits --select, --machine and --environment")
    return history


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=Folder(),
    metavar="DIR",
    help="Where to write; by default beside one result file, and in reports/combined for several.",
)
@click.option(
    "--asv",
    "results",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A results directory of asv: draws each workload over its commits.",
)
@click.option("--select", multiple=True, metavar="PATTERN", help="Benchmarks of the history.")
@click.option("--machine", multiple=True, metavar="PATTERN", help="Machines of the history.")
@click.option("--environment", multiple=True, metavar="PATTERN", help="Its environments.")
def command(
    files: tuple[Path, ...],
    output: Path | None,
    results: Path | None,
    select: tuple[str, ...],
    machine: tuple[str, ...],
    environment: tuple[str, ...],
) -> int:
    """
    Write report.html, report.md and report.csv from result files.

    FILES are runs, folders of runs or results.jsonl files, of any number of
    machines, interpreters and days. With --asv alone the report is about the
    latest commit of each machine and interpreter, with the history before it, and
    history.csv has every value of the history.
    """
    if not files and results is None:
        raise click.UsageError("name result files, or a results directory of asv with --asv")
    import gc

    from mpbench.api import Results
    from mpbench.api.reading import runs_of

    # A million samples are a million small tuples that all stay to the end:
    # looking for cycles among them, again and again, takes longer than reading them.
    gc.disable()

    history = None
    if results is not None:
        history = _history(results, select=select, machines=machine, environments=environment)
    runs = list(runs_of(*files))
    for run in runs:
        if run.end is None:
            sys.stderr.write(
                f"mpbench: {printable(run.path)} was cut off: the report has what was measured "
                "until then\n"
            )
    folder = output or (Path(runs[0].path).parent if len(runs) == 1 else Path("reports/combined"))
    shown = Results(runs or (history.latest if history else ()))
    # Figures leave cycles; those are looked for among what is made from now on.
    gc.freeze()
    gc.enable()
    paths = shown.report(folder, history=history.commits if history else ())
    print_report_closing(shown.data, paths)
    return 0
