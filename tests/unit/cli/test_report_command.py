"""What `mpbench report` says besides the files that it writes."""

from __future__ import annotations

from pathlib import Path

import fakes
import pytest
from click.testing import CliRunner

from mpbench.cli.report import command
from mpbench.store import Writer


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, is_cut: bool) -> None:
    """One line on stderr, and the report is made all the same."""
    made = fakes.run()
    with Writer(tmp_path / "run") as writer:
        writer.write_run(made._replace(end=None) if is_cut else made)
    result = CliRunner().invoke(command, [str(tmp_path / "run")])

    assert 0 == result.exit_code, result.output
    assert int(is_cut) == len(result.stderr.splitlines())
    assert is_cut == ("results.jsonl was cut off" in result.stderr)
    assert "report.html" in result.stdout
