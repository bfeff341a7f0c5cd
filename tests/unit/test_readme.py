"""The two README files say the same, and their commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mpbench.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent.parent


def blocks(name: str) -> list[str]:
    """Return the shell blocks of a README."""
    return re.findall(r"```sh\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


def lines() -> list[str]:
    """Return every command of the README."""
    return [line for block in blocks("README.md") for line in block.strip().splitlines()]


def test_both_languages_have_the_same_commands() -> None:
    """Neither file has a command that the other lacks."""
    assert blocks("README.md") == blocks("README.zh-CN.md")


def test_the_first_two_blocks_are_the_two_set_up_commands() -> None:
    """One installs and runs the main job, one installs and passes the tests."""
    expected = ["pip install . && mpbench run\n", "pip install '.[dev]' && python -m pytest -n 2\n"]
    assert expected == blocks("README.md")[:2]


@pytest.mark.parametrize("line", lines())
def test_a_command_of_the_readme_is_accepted(line: str) -> None:
    """Each mpbench command parses: its options exist."""
    import importlib

    words = shlex.split(line)
    if words[0] != "mpbench":
        return
    module = importlib.import_module(f"mpbench.cli.{COMMANDS[words[1]][0]}")
    module.command.make_context(words[1], words[2:], resilient_parsing=False)
