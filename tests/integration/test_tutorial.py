"""The commands of docs/TUTORIAL.md, run one after the other as a reader would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.slow
def test_the_commands_of_the_tutorial_do_what_it_says(tmp_path: Path) -> None:
    """Each ends well, the programs print what is shown, and the second one is faster."""
    page = (DOCS / "TUTORIAL.md").read_text()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mpbench").write_text(f'#!/bin/sh\nexec {sys.executable} -m mpbench "$@"\n')
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    for program in (DOCS / "tutorial").glob("*.py"):
        shutil.copy(program, tmp_path)
    said = {}
    for command in re.findall(r"```sh\n(.*?)\n```", page, re.DOTALL):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in ({0, 1} if "doctor" in command else {0}), done.stderr
        said[command] = done.stdout + done.stderr

    assert f"```text\n{said['python slow.py']}```" in page
    assert "pickles and sends" in said["mpbench profile -o profile -- slow.py"]
    assert any("x faster" in text for text in said.values())
    assert (tmp_path / "parts" / "report.html").is_file()
