"""Options that are wrong, empty or without effect: one line, exit code 2, nothing measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_STORED = ("compare", "a.jsonl", "b.jsonl")


def _said(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mpbench", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--resume", "out", "--reps", "3", "--tier", "full"), "leave out --tier, --reps"),
        (("run", "--resume", "out", "-o", "other"), "leave out --output"),
        (("run", "--resume", ""), "expected a folder, found an empty path"),
        (("run", "--resume", "file"), "file is a file; name a folder"),
        (("run", "--resume", "."), "results.jsonl: expected a result file, found no file"),
        (("run", "-o", ""), "expected a folder, found an empty path"),
        *(
            ((*command, "-o", "file"), "file is a file; name a folder")
            for command in (
                ("run",),
                ("compare", "--arms", "fork,spawn"),
                ("report", "file"),
                ("import", "file"),
                ("fleet", "--local", "1"),
            )
        ),
        (("run", "--verify", "--reps", "3"), "leave out --reps"),
        ((*_STORED, "--select", "pool/*", "--confirm"), "leave out --select, --confirm"),
        ((*_STORED, "--fact", "cpu"), "leave out --fact"),
        ((*_STORED, "--placement", "one"), "leave out --placement"),
        ((*_STORED, "--param", "workers=1"), "leave out --param"),
        (("compare", "--arms", "fork,spawn", "--history", "."), "--history is for result files"),
        (("profile", "-o", "file", "file"), "file is a file; name a folder"),
        (("profile", "notes.md"), "is no Python program"),
        (("run", "pool"), "try: mpbench run --select 'pool/*'"),
        (("compare", "--arms", "fork,spawn", "--repo", "."), "--repo is where rev= looks"),
        (("fleet", "--local", "1", "--tls-key", "k"), "--tls-key is for --scheduler"),
        (
            ("run", "--workload-file", "raises.py", "--wait", "50s"),
            "the workload file raises RuntimeError at raises.py:2: no such thing",
        ),
        (("list", "--json", "--markdown"), "give one of them"),
        (("list", "pool"), "did you mean 'pool/*'"),
        (("run", "--select", "pool"), "did you mean 'pool/*'"),
        (("run", "--param", "paylod_bytes=1"), "did you mean 'payload_bytes'"),
        (("run", "--budget", "-5s"), "'-5s' must be above 0"),
        (("run", "--budget", "0"), "'0' must be above 0"),
        (("run", "--budget", "0.0ms"), "'0.0ms' must be above 0"),
        (
            ("run", "--select", "lock/contended", "--param", "workers=1.5"),
            "workers=1.5, expected a whole number of at least 1 (it has 1, 2, ",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """The line names the option, and nothing is written."""
    (tmp_path / "out").mkdir()
    (tmp_path / "file").write_text("here first")
    (tmp_path / "notes.md").write_text("# No program, but notes\nof somebody\n")
    (tmp_path / "raises.py").write_text('"""Raises."""\nraise RuntimeError("no such thing")\n')
    before = set(tmp_path.iterdir())
    done = _said(tmp_path, *words)

    assert 2 == done.returncode
    assert said in done.stderr
    assert 1 == len(done.stderr.splitlines())
    assert before == {path for path in tmp_path.iterdir() if path.name != "__pycache__"}


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    """Both wait for one lock, and neither finds the other's file in its place."""
    words = (
        *(sys.executable, "-m", "mpbench", "run", "--select", "floor/empty-call", "--reps", "2"),
        *("--wait", "1m"),
    )
    both = [subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(3)]

    assert [0, 0, 0] == [one.wait(100) for one in both]
    assert 3 == len(list((tmp_path / "reports").glob("*/report.html")))


def test_every_option_of_run_and_compare_is_explained(tmp_path: Path) -> None:
    """No line of the help has a name alone."""
    for command in ("run", "compare"):
        text = _said(tmp_path, command, "--help").stdout.partition("Options:")[2]
        lines = [one for one in text.splitlines() if one.strip()]
        bare = [
            line
            for line, after in zip(lines, [*lines[1:], ""], strict=True)
            if line.startswith("  -") and "  " not in line.strip() and after.startswith("  -")
        ]

        assert [] == bare
        assert "a bare number is seconds" in " ".join(text.split())
