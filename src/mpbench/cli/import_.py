"""`mpbench import`: other tools' results as ours."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpbench.cli.options import Folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mpbench.model import Run

__all__ = ("command",)


def _safe(name: str) -> str:
    """Return a name that stays inside its folder, whatever the file says."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".-") or "imported"


def _write(runs: Iterable[Run], output: Path) -> Iterable[Path]:
    from mpbench.store.writer import Writer

    made: set[Path] = set()
    for run in runs:
        commit = str(run.header.plan.get("commit", ""))[:8]
        parts = [run.header.machine, *run.header.subjects, commit or run.header.run[:8]]
        folder = output / _safe("-".join(part for part in parts if part))
        if folder in made:
            # Two environments of one interpreter, machine and commit.
            folder = folder.with_name(f"{folder.name}-{run.header.run[:8]}")
        made.add(folder)
        with Writer(folder) as writer:
            writer.write_run(run)
        yield folder / "results.jsonl"


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=Folder(), default=Path("reports/imported"), metavar="DIR",
    show_default=True, help="Where to write.",
)  # fmt: skip
def command(source: Path, output: Path) -> int:
    """
    Read SOURCE, a results directory of asv or a JSON file of pytest-benchmark.

    Each machine, interpreter and commit becomes one result file that the
    other commands take. What mpbench's own plugin, asv type and exports wrote
    has a value for each fresh agent. Values of other benchmarks are of one
    process, and however many they are, no interval follows from them.
    """
    if source.is_dir():
        from mpbench.integrations.exchange.asv_files import read_asv

        runs = read_asv(source)
    else:
        from mpbench.integrations.exchange.pytest_file import read_pytest_json

        runs = (read_pytest_json(source),)
    for path in _write(runs, output):
        sys.stdout.write(f"{path}\n")
    return 0
