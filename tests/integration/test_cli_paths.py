"""Every option and argument that takes a path, given one that the user may not enter."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mpbench.cli.main import COMMANDS
from mpbench.cli.options import Folder

_PATH_WORDS = {"FILE", "DIR", "RUN", "PATH", "VERSION"}
# What a command needs beside the path, so that it gets as far as to use it.
_BESIDE = {
    "compare": ["--arm", "rev=HEAD,call=json:dumps", "--arm", "rev=HEAD,call=json:loads"],
    "export": ["--format", "csv", "{run}"],
    "fleet": ["--scheduler", "tls://127.0.0.1:1"],
    "import": ["{asv}"],
    "init-asv": ["json:dumps"],
    "profile": ["{script}"],
    "run": ["--select", "pipe/round-trip", "--reps", "1", "--verify"],
    "selftest": [],
}
# A path on the hosts, not here.
_ELSEWHERE = {("fleet", "python")}
# Runs all commands in processes of one user, without paying for the imports each time.
_DRIVER = """
import contextlib, io, json, os, sys, tempfile
from mpbench.cli.main import main
words, home = json.loads(sys.argv[1]), sys.argv[2]
os.chdir(home)
told = []
for one in words:
    file = tempfile.TemporaryFile("w+", dir=home)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(file.fileno(), 2)
        try:
            main(one)
        except SystemExit as error:
            os._exit(error.code or 0)
        finally:
            sys.stderr.flush()
        os._exit(99)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    file.seek(0)
    told.append([code, file.read()])
print(json.dumps(told))
"""


def _takes_path(parameter: click.Parameter) -> bool:
    if isinstance(parameter.type, (click.Path, Folder)):
        return True
    return isinstance(parameter, click.Option) and parameter.metavar in _PATH_WORDS


def _lines(path: str, places: dict[str, str]) -> list[list[str]]:
    """Return a command line for each parameter that takes a path."""
    lines = []
    for name, (module, _) in COMMANDS.items():
        command = importlib.import_module(f"mpbench.cli.{module}").command
        beside = [word.format(**places) for word in _BESIDE.get(name, [])]
        for parameter in command.params:
            if not _takes_path(parameter) or (name, parameter.name) in _ELSEWHERE:
                continue
            if isinstance(parameter, click.Option):
                words = [max(parameter.opts, key=len), path]
                lines.append([name, *words, *beside])
            else:
                options = ["--format", "csv", "-o", "out.csv"] if name == "export" else []
                lines.append([name, *options, path])
    return lines


@pytest.fixture
def closed(tmp_path: Path):
    """Return a path below a closed folder, and what starts a process without rights to it."""
    (tmp_path / "home").mkdir()
    locked = tmp_path / "locked"
    (locked / "inside").mkdir(parents=True)
    without_rights = []
    if os.geteuid() == 0:
        # The superuser without its right to pass over permissions, so that another user's folder
        # is closed while the interpreter may lie anywhere.
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("needs setpriv, to give up rights")
        without_rights = [setpriv, "--bounding-set", "-dac_override,-dac_read_search"]
        os.chown(locked, 65534, 65534)
        locked.chmod(0o700)
    else:
        locked.chmod(0o000)
    yield locked / "inside" / "x", without_rights
    locked.chmod(0o700)


def test_a_path_that_may_not_be_entered_is_one_line(closed, tmp_path: Path) -> None:
    """No option that takes a path ends with a traceback, or calls it a bug of mpbench."""
    path, without_rights = closed
    home = tmp_path / "home"
    sample = Path(__file__).parents[2] / "reports" / "sample"
    (home / "job.py").write_text("print(1)\n")
    (home / "asv").mkdir()
    places = {
        "run": str(next(sample.glob("*/results.jsonl"))),
        "script": "job.py",
        "asv": str(home / "asv"),
    }
    lines = _lines(str(path), places)
    done = subprocess.run(
        [*without_rights, sys.executable, "-c", _DRIVER, json.dumps(lines), str(home)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={**os.environ, "MPBENCH_LOCK": str(home / "lock"), "HOME": str(home)},
    )
    answers = dict(zip(map(" ".join, lines), json.loads(done.stdout), strict=True))
    bad = {
        line: (code, text[-400:])
        for line, (code, text) in answers.items()
        if code in {70, 99} or code < 0 or "Traceback" in text or not text.startswith("mpbench: ")
    }

    assert len(lines) > 15
    assert {} == bad, "\n".join(f"{line}: {answer}" for line, answer in bad.items())
    assert all(len(text.strip().splitlines()) <= 2 for _, text in answers.values())
    assert all(code for code, _ in answers.values())
