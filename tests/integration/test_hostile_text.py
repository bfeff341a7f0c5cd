"""Control characters in a file: none reaches the terminal or a table, whatever the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import fakes
import pytest

from mpbench.cli.streams import PlainText
from mpbench.cli.terminal import terminal
from mpbench.store import RESULTS, Writer

EVIL = "3\x1b]0;owned\x07\x1b[2J\x1b[31m\u202eX\r\x85=1+1"
_FORBIDDEN = ("\x1b", "\x07", "\u202e", "\x85", "\r")


def hostile(folder: Path) -> None:
    """Write a run in which every name that a file may choose is hostile."""
    run = fakes.run(agents=2)
    with Writer(folder) as writer:
        writer.write_run(run._replace(end=None))
    (subject,) = run.header.subjects
    path = folder / RESULTS
    text = path.read_text()
    for name in (subject, run.header.machine, run.header.run):
        text = text.replace(json.dumps(name), json.dumps(EVIL + name))
    path.write_text(text)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp437"])
def test_no_command_passes_control_characters_on(tmp_path: Path, encoding: str) -> None:
    """Names of interpreters, machines and runs are text in all that is printed."""
    hostile(tmp_path / "hostile")
    formats = ("table", "markdown", "json")
    commands = [
        *(["compare", "hostile", "hostile", "--format", form] for form in formats),
        ["report", "hostile", "-o", "report"],
        ["advise", "hostile"],
        ["export", "hostile", "--format", "csv", "-o", "x.csv"],
        ["run", "--resume", "hostile"],
    ]
    for words in commands:
        done = subprocess.run(
            [sys.executable, "-m", "mpbench", *words],
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONIOENCODING": encoding},
            timeout=120,
            check=False,
        )
        shown = (done.stdout + done.stderr).decode(encoding)

        assert done.returncode in {0, 1, 2, 3, 4}, shown
        assert [] == [character for character in _FORBIDDEN if character in shown], words
    table = (tmp_path / "x.csv").read_bytes().decode()
    assert [] == [character for character in _FORBIDDEN if character in table]


def test_a_console_styles_plain_text_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich makes of a text may move the cursor; the text may not."""
    with (tmp_path / "shown").open("wb") as file:
        stream = PlainText(file, encoding="utf-8")
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("FORCE_COLOR", "1")
        terminal().print(f"[bold]{EVIL}[/bold]")
        print(EVIL)
        stream.flush()
        shown = (tmp_path / "shown").read_text()

    assert "\x1b[1m" in shown
    assert "\x1b]0" not in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown
