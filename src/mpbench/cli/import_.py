"""The command `mpbench import`: results of other tools."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpbench.cli.options import Folder
from mpbench.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mpbench.model import Run

__all__ = ("command",)


def _safe(name: str) -> str:
    """Return a name that stays inside its folder, whatever the file says."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".-") or "imported"


def _folder_name(run: Run) -> str:
    commit = str(run.header.plan.get("commit", ""))[:8]
    parts = [run.header.machine, *run.header.subjects, commit or run.header.run[:8]]
    return _safe("-".join(part for part in parts if part))


def _holds(folder: Path, run: Run) -> bool:
    """Tell whether a folder holds a run already, as an earlier import of the same file wrote it."""
    from mpbench.errors import MpbenchError
    from mpbench.store import RESULTS, read

    if not (folder / RESULTS).is_file():
        return False
    try:
        return read(folder).header.run == run.header.run
    except MpbenchError:
        return False


def _write(runs: Iterable[Run], output: Path) -> Iterator[tuple[Path, bool]]:
    """Yield each run's file, and whether it was written now."""
    from mpbench.store import RESULTS
    from mpbench.store.writer import Writer

    made: set[Path] = set()
    for run in runs:
        folder = output / _folder_name(run)
        if folder in made or ((folder / RESULTS).exists() and not _holds(folder, run)):
            # Another run of the interpreter, machine and commit, or the file has changed since.
            folder = folder.with_name(f"{folder.name}-{run.header.run[:8]}")
        made.add(folder)
        is_new = not _holds(folder, run)
        if is_new:
            with Writer(folder) as writer:
                writer.write_run(run)
        yield folder / RESULTS, is_new


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=Folder(), default=Path("reports/imported"), metavar="DIR",
    show_default=True, help="Where to write.",
)  # fmt: skip
def command(source: Path, output: Path) -> int:
    """
    Read SOURCE, results of asv, pyperf, pyperformance or pytest-benchmark.

    SOURCE is a JSON file, a folder with such files (.benchmarks), or asv's results
    directory. Each machine, interpreter and commit becomes one result file that the
    other commands take; what was imported before stays. Files that are broken and rows
    that cannot be read are left out and counted. What mpbench's own plugin, asv type and
    exports wrote, and pyperf, have a value for each fresh process. Values of other benchmarks
    are of one process, and however many they are, no interval follows from them.
    """
    from mpbench.integrations.exchange.detect import read_other_tool

    imported = read_other_tool(source)
    for note in imported.notes:
        sys.stderr.write(f"mpbench: {printable(note)}\n")
    written = list(_write(imported.runs, output))
    for path, _ in written:
        sys.stdout.write(f"{path}\n")
    old = sum(not is_new for _, is_new in written)
    if old:
        sys.stderr.write(f"mpbench: {old} of {len(written)} were imported before and stay\n")
    return 0
