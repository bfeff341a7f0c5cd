"""The command `mpbench tune`: settings of a program, predicted, then measured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mpbench.cli import exit_codes
from mpbench.cli.options import Duration, Folder
from mpbench.cli.program_words import ProgramCommand, program_of
from mpbench.errors import UsageError

if TYPE_CHECKING:
    from mpbench.session.tuning.record import TunePlan, Tuning

__all__ = ("command",)


@click.command(cls=ProgramCommand, context_settings={"allow_interspersed_args": False})
@click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="[--] (SCRIPT | -m MODULE) [ARGS]..."
)
@click.option(
    "-o", "--output", type=Folder(), metavar="DIR",
    help="Where to write; by default reports/TIME-MACHINE-tune.",
)  # fmt: skip
@click.option("--python", metavar="VERSION", help="The interpreter to run it with, or its path.")
@click.option(
    "--budget", type=Duration(), default=60.0, metavar="DURATION",
    help="What all of it may take, such as 5m (60s); no run is cut short for it.",
)  # fmt: skip
@click.option(
    "--timeout", type=Duration(), default=60.0, metavar="DURATION",
    help="End a run after this long (60s).",
)  # fmt: skip
@click.option(
    "--input", "stdin", type=click.Path(path_type=Path), metavar="FILE",
    help="What the program reads from stdin; by default nothing.",
)  # fmt: skip
@click.option(
    "--ignore-output", is_flag=True,
    help="Let the program write something else with other settings.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), help="Repeats the coins of an earlier session.")
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "json"]), default="table",
    show_default=True, help="How the result is printed.",
)  # fmt: skip
def command(words: tuple[str, ...], **given: Any) -> int:
    """
    Say which start method, workers or chunk size make SCRIPT faster, and by how much.

    The program is profiled once and its time predicted with other settings. At most
    three that are predicted to gain more than 3 %, and their combination, are measured
    against the program as it is. The program itself is not changed: what to change
    where is printed, and written to tune.md and tune.json.
    """
    from mpbench.cli.progress import Bars
    from mpbench.session.run import default_folder
    from mpbench.session.tuning.program_tuner import ProgramTuner
    from mpbench.session.tuning.tune import tune
    from mpbench.store.atomic_write import make_folder

    plan = _plan(program_of(words), given)
    default = default_folder()
    folder = given["output"] or default.with_name(f"{default.name}-tune")
    make_folder(folder)
    with Bars() as bars:
        tuned = tune(plan, ProgramTuner(plan, folder, bars), bars)
    _write(folder, tuned)
    _show(tuned, given["form"], folder)
    return exit_codes.INTERRUPTED if tuned.interrupted else 0


def _plan(words: list[str], given: dict[str, Any]) -> TunePlan:
    from mpbench.session.interpreters import find_interpreter
    from mpbench.session.tuning.record import TunePlan

    stdin = given["stdin"]
    if stdin is not None and not stdin.is_file():
        raise UsageError(f"there is no file {stdin} for --input")
    python = given["python"]
    return TunePlan(
        words=tuple(words),
        python=None if python is None else find_interpreter(python),
        budget_s=given["budget"],
        timeout_s=given["timeout"],
        stdin=stdin,
        ignore_output=given["ignore_output"],
        seed=given["seed"],
    )


def _write(folder: Path, tuned: Tuning) -> None:
    from mpbench.session.tuning.text import to_markdown, to_record
    from mpbench.store.atomic_write import write_atomic

    record = json.dumps(to_record(tuned), allow_nan=False, indent=1)
    write_atomic(folder / "tune.json", record + "\n")
    write_atomic(folder / "tune.md", to_markdown(tuned))


def _show(tuned: Tuning, form: str, folder: Path) -> None:
    from mpbench.session.tuning.text import to_markdown, to_record

    if form == "json":
        sys.stdout.write(json.dumps(to_record(tuned), allow_nan=False, indent=1) + "\n")
    elif form == "markdown":
        sys.stdout.write(to_markdown(tuned))
    else:
        _table(tuned, folder)


def _table(tuned: Tuning, folder: Path) -> None:
    from mpbench.cli.closing import print_closing
    from mpbench.cli.text_table import TextColumn, print_table, wrapped
    from mpbench.session.tuning.text import HEAD, advice, rows, says, trust

    numbers = {"predicted", "measured", "n"}
    columns = [TextColumn(title, is_number=title in numbers) for title in HEAD]
    found = rows(tuned)
    if found:
        print_table(f"{tuned.program}, wall-clock time", columns, found)
    for line in advice(tuned):
        sys.stdout.write(wrapped(f"Change: {line}") + "\n")
    print_closing(says(tuned), trust(tuned), str(folder / "tune.md"))
