"""The commands that the pages of docs/ show are accepted by the command line."""

from __future__ import annotations

import contextlib
import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from mpbench.cli.main import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"


def commands(text: str) -> list[str]:
    """Return the commands of mpbench in a page's shell blocks and in its tables of recipes."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    shown = [line.partition(" # ")[0] for line in lines]
    rows = re.findall(r"^\|[^|]*\| `(mpbench [^`]*)` \|", text, re.MULTILINE)
    return [line.strip() for line in (*shown, *rows) if line.strip().startswith("mpbench ")]


def shown_commands() -> list[tuple[str, str]]:
    """Return the pages with their commands."""
    pages = sorted(DOCS.glob("*.md"))
    return [(page.name, line) for page in pages for line in commands(page.read_text())]


def test_a_page_has_commands_of_blocks_and_of_tables() -> None:
    """Comments, other programs and continued lines are told apart."""
    page = (
        "```sh\npython a.py\nmpbench run \\\n -o x # why\n```\n\n| so | `mpbench list` | [A](A) |\n"
    )

    assert commands(page) == ["mpbench run   -o x", "mpbench list"]


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_a_command_of_a_page_is_accepted(page: str, line: str) -> None:
    """Each command exists, and so do its options."""
    del page
    words = shlex.split(line)
    module = importlib.import_module(f"mpbench.cli.{COMMANDS[words[1]][0]}")
    with contextlib.suppress(click.exceptions.Exit):  # --help
        module.command.make_context(words[1], words[2:])
