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
    from mpbench.model import Run

__all__ = ("command",)


def _history(folder: Path | None) -> tuple[Run, ...]:
    if folder is None:
        return ()
    from mpbench.integrations.exchange.asv_reader import read_asv_folder

    imported = read_asv_folder(folder, timed=True)
    for note in imported.notes:
        sys.stderr.write(f"mpbench: {printable(note)}\n")
    return imported.runs


def _latest(history: tuple[Run, ...]) -> list[Run]:
    """Return the newest run of each machine and interpreter."""
    ordered = sorted(history, key=lambda run: run.header.started_utc)
    newest = {(run.header.machine, *run.header.subjects): run for run in ordered if run.repetitions}
    return list(newest.values()) or list(ordered[-1:])


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

    from mpbench.analysis.history import narrowed
    from mpbench.api import Results
    from mpbench.api.reading import runs_of

    # A million samples are a million small tuples that all stay to the end:
    # looking for cycles among them, again and again, takes longer than reading them.
    gc.disable()

    history = _history(results)
    if select or machine or environment:
        history = narrowed(history, select=select, machines=machine, environments=environment)
        if not any(run.repetitions for run in history):
            raise click.UsageError(
                "nothing in the history fits --select, --machine and --environment"
            )
    runs = list(runs_of(*files))
    for run in runs:
        if run.end is None:
            sys.stderr.write(
                f"mpbench: {printable(run.path)} was cut off: the report has what was measured "
                "until then\n"
            )
    folder = output or (Path(runs[0].path).parent if len(runs) == 1 else Path("reports/combined"))
    shown = Results(runs or _latest(history))
    paths = shown.report(folder, history=history)
    print_report_closing(shown.data, paths)
    return 0
