"""Completion in bash, zsh and fish, set up as the last line of `mpbench --help` says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Each sets completion up and asks for what follows "mpbench pro". zsh completes only while
# somebody types, so that the function which shows the candidates is replaced.
SCRIPTS = {
    "bash": (
        ["--norc", "-c"],
        (
            'eval "$(_MPBENCH_COMPLETE=bash_source mpbench)"\n'
            "COMP_WORDS=(mpbench pro) COMP_CWORD=1\n"
            "_mpbench_completion mpbench pro mpbench\n"
            "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        ),
    ),
    "zsh": (
        ["-f", "-c"],
        (
            "autoload -Uz compinit && compinit -u -D\n"
            'eval "$(_MPBENCH_COMPLETE=zsh_source mpbench)"\n'
            '_describe() { print -l -- "${completions_with_descriptions[@]}" }\n'
            "words=(mpbench pro) CURRENT=2\n"
            "${_comps[mpbench]}\n"
        ),
    ),
    "fish": (
        ["--no-config", "-c"],
        '_MPBENCH_COMPLETE=fish_source mpbench | source\ncomplete -C "mpbench pro"\n',
    ),
}


@pytest.mark.parametrize("shell", SCRIPTS)
def test_a_shell_completes_a_command(shell: str, tmp_path: Path) -> None:
    """The first letters of a command give the command, and no other."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "mpbench").write_text(f'#!/bin/sh\nexec {sys.executable} -m mpbench "$@"\n')
    (tmp_path / "mpbench").chmod(0o755)
    options, script = SCRIPTS[shell]
    done = subprocess.run(
        [program, *options, script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    words = [line.replace(":", "\t").split("\t")[0] for line in done.stdout.split("\n") if line]

    assert words == ["profile"], done.stderr
