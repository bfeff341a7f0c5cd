"""Standard streams that are closed, full or read by nobody."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

_MPBENCH = f"'{sys.executable}' -m mpbench"
_RUN = (
    f"{_MPBENCH} run --select pipe/round-trip --param payload_bytes=64 --start-method fork "
    "--reps 2 -o out"
)
_FILES = {"results.jsonl", "report.html", "report.md", "report.csv"}


def _shell(command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("rest", ["| true", "| head -1", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_run_that_nobody_reads_is_complete(tmp_path: Path, rest: str) -> None:
    """The exit code and the files are those of a run whose output was read."""
    done = _shell(f"{_RUN} {rest}", tmp_path)

    assert 0 == done.returncode, done.stderr
    # Where stderr is open it has the estimate and nothing else.
    assert re.fullmatch(r"(mpbench: 2 cases, about .* s\n)?", done.stderr)
    assert _FILES == {one.name for one in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    "words", ["list", "list --long", "doctor --watch 10ms", "--help", "list --json"]
)
@pytest.mark.parametrize("rest", ["| true", ">&-"])
def test_a_closed_output_is_no_error(tmp_path: Path, words: str, rest: str) -> None:
    """Whatever a command says, it may go unread."""
    done = _shell(f"{_MPBENCH} {words} {rest}", tmp_path)

    assert done.returncode in {0, 1} if words.startswith("doctor") else 0 == done.returncode
    assert "" == done.stderr


def test_a_full_output_is_one_line_and_the_report_is_there(tmp_path: Path) -> None:
    """A disk without room for the table is not called a bug of mpbench."""
    done = _shell(f"{_RUN} > /dev/full", tmp_path)

    assert 2 == done.returncode
    _, line = done.stderr.splitlines()
    assert line.startswith(
        "mpbench: cannot write to the standard output: No space left on device; "
    )
    assert _FILES == {one.name for one in (tmp_path / "out").iterdir()}


def test_no_command_prints_the_help(tmp_path: Path) -> None:
    """`mpbench` alone says the same as `mpbench --help`."""
    alone, asked = _shell(_MPBENCH, tmp_path), _shell(f"{_MPBENCH} --help", tmp_path)

    assert (0, "") == (alone.returncode, alone.stderr)
    assert asked.stdout == alone.stdout
