"""asv and mpbench accept the commands of docs/ASV.md, and their patterns find benchmarks."""

from __future__ import annotations

import importlib
import itertools
import re
import shlex
from argparse import _SubParsersAction
from pathlib import Path

import pytest

from mpbench.catalog import discover
from mpbench.cli.main import COMMANDS

pytest.importorskip("asv")

TEXT = (Path(__file__).parents[2] / "docs" / "ASV.md").read_text()


def commands(program: str) -> list[list[str]]:
    """Return the words of each command of a program, from blocks and from tables."""
    blocks = re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(rf"^\| `({program} [^`]+)`", TEXT, re.MULTILINE)
    parts = [part.partition("  #")[0] for line in lines for part in line.split(" && ")]
    return [shlex.split(part) for part in parts if part.startswith(f"{program} ")]


def class_name(workload: str) -> str:
    """Return the class of a workload: pipe/round-trip is PipeRoundTrip."""
    return "".join(part.capitalize() for part in re.split(r"[/-]", workload))


def selectable() -> list[str]:
    """Return what `--bench` is matched with: each name with each combination of parameters."""
    from mpbench.integrations.asv import case

    return [
        f"{workload.partition('/')[0]}.{class_name(workload)}.mp_seconds"
        f"({', '.join(map(repr, chosen))})"
        for workload in discover()
        for chosen in itertools.product(*case(workload).params)
    ]


def test_there_are_commands() -> None:
    """The text still has the commands that the other tests look at."""
    assert {"run", "publish", "preview", "compare", "continuous", "machine"} <= {
        words[1] for words in commands("asv")
    }


@pytest.mark.parametrize("words", commands("asv"), ids=shlex.join)
def test_asv_accepts_a_command(words: list[str]) -> None:
    """Each command of asv parses, and a pattern of benchmarks finds at least one."""
    from asv.commands import make_argparser

    given = make_argparser()[0].parse_args(words[1:])

    patterns = [part for one in getattr(given, "bench", None) or [] for part in one.split("|")]
    names = selectable() if patterns else []
    assert [] == [one for one in patterns if not any(re.search(one, name) for name in names)]


def test_the_page_has_every_option() -> None:
    """Each command and option of asv's own parser stands in the tables of options."""
    from asv.commands import make_argparser

    section = TEXT.partition("## Every option of asv")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    words = set(re.findall(r"`(?:asv )?([^`]+)`", "\n".join(row.split(" | ")[0] for row in rows)))
    parser = make_argparser()[0]
    (below,) = [one.choices for one in parser._actions if isinstance(one, _SubParsersAction)]
    parsers = [parser, *below.values()]
    options = {name for one in parsers for part in one._actions for name in part.option_strings}

    assert len(options) > 60
    assert [] == sorted((options | below.keys()) - words)


@pytest.mark.parametrize("words", commands("mpbench"), ids=shlex.join)
def test_mpbench_accepts_a_command(words: list[str]) -> None:
    """Each command of mpbench parses."""
    module = importlib.import_module(f"mpbench.cli.{COMMANDS[words[1]][0]}")

    module.command.make_context(words[1], words[2:], resilient_parsing=False)
