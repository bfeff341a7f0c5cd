"""What the contract tests with other tools share: a small project and ways to call a tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from asv_project import CONFIGURATION

_IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}
MACHINE = {"arch": "x", "cpu": "x", "machine": "box", "num_cpu": "2", "os": "Linux", "ram": "1"}

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Run a program in the test's folder and return what it said."""

    def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **_IDENTITY, "HOME": str(tmp_path), "PYTEST_ADDOPTS": ""}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=environment | more,
            capture_output=True,
            text=True,
            # asv makes an environment and builds commits in some tests.
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture
def python(call: Call) -> Call:
    """Run a module with this interpreter."""

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return call(sys.executable, "-m", *arguments, **more)

    return run


@pytest.fixture
def repository(tmp_path: Path, call: Call) -> list[str]:
    """Make the test's folder a git repository with three commits, and return their hashes."""
    (tmp_path / ".gitignore").write_text(".asv/\n")
    (tmp_path / "asv.conf.json").write_text(json.dumps(CONFIGURATION))
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("")
    (tmp_path / ".asv-machine.json").write_text(json.dumps({"box": MACHINE, "version": 1}))
    call("git", "init", "-q", "-b", "main")
    for number in range(3):
        (tmp_path / "news.txt").write_text(f"{number}\n")
        call("git", "add", "-A")
        call("git", "commit", "-q", "-m", f"change {number}")
    return call("git", "log", "--reverse", "--format=%H").stdout.split()
