"""What `mpbench export` writes is whole, and has each run once."""

from __future__ import annotations

from pathlib import Path

import fakes
import pytest
from click.testing import CliRunner

from mpbench.cli.export import command
from mpbench.errors import OutputError, UsageError
from mpbench.store import Writer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a result file."""
    with Writer(tmp_path / "run") as writer:
        writer.write_run(fakes.run())
    return tmp_path / "run"


def test_a_run_that_is_named_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    """Its values would count double; the file is not written."""
    words = [str(folder), str(folder / "results.jsonl"), "--format", "csv"]
    result = CliRunner().invoke(command, [*words, "-o", str(tmp_path / "out.csv")])

    assert isinstance(result.exception, UsageError)
    assert "holds the same run as" in str(result.exception)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("form", ["csv", "pyperf", "pytest-benchmark"])
def test_a_disk_that_fills_up_leaves_the_older_export(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """What was there before stays, and no half of the new one."""
    output = tmp_path / "there" / "out"
    output.parent.mkdir()
    output.write_text("older")

    def half(runs: object, form: str, place: Path) -> None:
        del runs, form
        place.write_text("ha")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mpbench.cli.export._write", half)
    result = CliRunner().invoke(command, [str(folder), "--format", form, "-o", str(output)])

    assert isinstance(result.exception, OutputError)
    assert "No space left" in str(result.exception)
    assert [output] == list(output.parent.iterdir())
    assert "older" == output.read_text()


def test_an_export_through_a_link_stays_behind_it(folder: Path, tmp_path: Path) -> None:
    """The link is kept, and its target has the values."""
    (tmp_path / "link").symlink_to(tmp_path / "real.csv")
    words = [str(folder), "--format", "csv", "-o", str(tmp_path / "link")]
    result = CliRunner().invoke(command, words)

    assert 0 == result.exit_code, result.output
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real.csv").read_text().count("\n") > 1


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_have_commit_and_date(tmp_path: Path, form: str) -> None:
    """Each row names the commit and the time of its run, whichever of the two places has it."""
    import pandas as pd

    if form == "parquet":
        pytest.importorskip("pyarrow")
    first, second = fakes.run(), fakes.run("other")
    runs = (
        first._replace(
            header=first.header._replace(plan={**first.header.plan, "commit": "a" * 40})
        ),
        second._replace(
            header=second.header._replace(
                run="second",
                started_utc="2026-01-02T03:04:05+00:00",
                environment={**second.header.environment, "source": {"commit": "b" * 40}},
            )
        ),
    )
    for number, run in enumerate(runs):
        with Writer(tmp_path / str(number)) as writer:
            writer.write_run(run)
    output = tmp_path / "out"
    words = [str(tmp_path / "0"), str(tmp_path / "1"), "--format", form, "-o", str(output)]

    result = CliRunner().invoke(command, words)

    assert result.exception is None
    table = pd.read_csv(output) if form == "csv" else pd.read_parquet(output)
    found = set(zip(table["commit"].astype(str), table["date"].astype(str), strict=True))
    assert {
        ("a" * 40, first.header.started_utc),
        ("b" * 40, "2026-01-02T03:04:05+00:00"),
    } == found
