"""The command `mpbench show`: the tables of stored runs and comparisons."""

from __future__ import annotations

import gc
from pathlib import Path

import click

__all__ = ("command",)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "json"]), default="table",
    show_default=True, help="How the verdicts of a comparison are printed.",
)  # fmt: skip
def command(files: tuple[Path, ...], form: str) -> int:
    """
    Print the tables of stored runs and comparisons, as they were printed when they ended.

    FILES are runs, folders of runs or results.jsonl files. Nothing is measured
    or written. `mpbench report` writes the page.
    """
    from mpbench.analysis.outcome import is_comparison, outcome_of
    from mpbench.api import Results, read
    from mpbench.cli.closing import print_report_closing
    from mpbench.cli.tables import print_run
    from mpbench.cli.verdict_output import show

    gc.disable()
    runs = read(*files).runs
    measured = [run for run in runs if not is_comparison(run)]
    if measured and form != "table":
        raise click.UsageError("a run has no verdicts: --format is for comparisons")
    for run in runs:
        if is_comparison(run):
            show(outcome_of(run), form, path=run.path)
    if measured:
        data = Results(measured).data
        print_run(data)
        print_report_closing(data, [Path(run.path) for run in measured])
    return 0
