"""The command `mpbench export`: results for other tools."""

from __future__ import annotations

import re
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpbench.errors import OutputError, UsageError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mpbench.model import Run

__all__ = ("command",)

_FORMATS = ("pyperf", "pytest-benchmark", "asv", "csv", "parquet")
_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


def _commit(runs: Sequence[Run], given: str | None) -> str:
    """
    Return the full hash: asv's files are named by it, and `asv publish` passes over others.

    Raises:
        UsageError: None is known, or git knows none of that name here.
    """
    from mpbench.session.comparing.revisions import commit_of

    commit = str(given or (runs[0].header.environment.get("source") or {}).get("commit") or "")
    if not commit:
        raise UsageError("the results name no commit; name it with --commit")
    if _HASH.fullmatch(commit):
        return commit
    try:
        return commit_of(Path(), commit)
    except UsageError as error:
        advice = "give the full hash, or run this in the repository"
        raise UsageError(f"there is no commit {commit!r} here; {advice}") from error


def _commit_named(run: Run) -> str:
    """Return the commit that a run knows; empty where it knows none."""
    source = run.header.environment.get("source")
    known = source.get("commit") if isinstance(source, dict) else None
    return str(run.header.plan.get("commit") or known or "")


def _table(runs: Sequence[Run], output: Path, *, columnar: bool) -> None:
    from mpbench.report.csv_file import field_text
    from mpbench.store.frame import frame

    table = frame(runs)
    commits = {run.header.run: _commit_named(run) for run in runs}
    dates = {run.header.run: run.header.started_utc for run in runs}
    table["commit"] = table["run"].map(commits).astype("category")
    table["date"] = table["run"].map(dates).astype("category")
    if columnar:
        try:
            table.to_parquet(output, index=False)
        except ImportError as error:
            raise UsageError("Parquet needs pyarrow: pip install 'mpbench[parquet]'") from error
        return
    for name in table.select_dtypes(include=["category", "object", "string"]).columns:
        table[name] = table[name].astype(str).map(field_text)
    table.rename(columns=field_text).to_csv(output, index=False)


def _once(runs: Sequence[Run]) -> None:
    """
    Check that no run is given twice: its values would count double.

    Raises:
        UsageError: One is.
    """
    seen: dict[str, str] = {}
    for run in runs:
        first = seen.get(run.header.run)
        if first is not None:
            raise UsageError(f"{run.path} holds the same run as {first}; name each run once")
        seen[run.header.run] = run.path


@contextmanager
def _one_line(output: Path) -> Iterator[None]:
    """
    Turn what the system says of a file into one line.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {output}: {reason_of(error)}") from error


@contextmanager
def _whole(output: Path) -> Iterator[Path]:
    """Yield where to write a file, which then takes its place at once or leaves nothing."""
    real = output.resolve()
    if real.exists() and not real.is_file():
        # A pipe or a terminal has no other name to be written under.
        yield output
        return
    partial = real.with_name(f".{real.name}-{secrets.token_hex(4)}")
    try:
        yield partial
        partial.replace(real)
    finally:
        partial.unlink(missing_ok=True)


def _write(runs: Sequence[Run], form: str, output: Path) -> None:
    if form == "pyperf":
        from mpbench.integrations.exchange.pyperf_file import pyperf_json

        output.write_text(pyperf_json(runs))
    elif form == "pytest-benchmark":
        from mpbench.integrations.exchange.pytest_file import pytest_json

        output.write_text(pytest_json(runs))
    else:
        _table(runs, output, columnar=form == "parquet")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(_FORMATS), required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="A file, or asv's folder.",
)
@click.option("--commit", help="The commit that asv results belong to, as git knows it.")
def command(files: tuple[Path, ...], form: str, output: Path, commit: str | None) -> int:
    """Write the results in FILES for another tool; one value for each fresh agent."""
    from mpbench.store import read
    from mpbench.store.atomic_write import make_folder, private_files

    runs = [read(path) for path in files]
    _once(runs)
    written: tuple[Path, ...] = (output,)
    with private_files(), _one_line(output):
        if not output.parent.is_dir():
            make_folder(output.parent)
        if form == "asv":
            from mpbench.integrations.exchange.asv_files import write_asv
            from mpbench.session.comparing.revisions import date_ms_of

            full = _commit(runs, commit)
            written = write_asv(runs, output, commit=full, date_ms=date_ms_of(Path(), full))
        else:
            with _whole(output) as place:
                _write(runs, form, place)
    for path in written:
        sys.stdout.write(f"{path}\n")
    return 0
