"""The command `mpbench profile`: a program's run, and where its time goes."""

from __future__ import annotations

import gc
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mpbench.cli import exit_codes
from mpbench.cli.options import Duration, Folder
from mpbench.cli.program_words import ProgramCommand, program_of
from mpbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpbench.profiling.profile import Profile
    from mpbench.profiling.run_program import ProgramRun

__all__ = ("command",)

# Predictions on the terminal, and the least that one must save to be there.
_MOST_PREDICTIONS = 5
_LEAST_GAIN = 0.03


def _folder(given: Path | None) -> Path:
    from mpbench.session.run import default_folder
    from mpbench.store.atomic_write import make_folder

    default = default_folder()
    folder = given or default.with_name(f"{default.name}-profile")
    make_folder(folder)
    return folder


def _write(folder: Path, profile: Profile, record: Mapping[str, Any], stacks: list[Any]) -> Path:
    """Write page, record and trace; return the page's path."""
    import json

    from mpbench.profiling.chrome_trace import trace_of
    from mpbench.profiling.html_page import page_of
    from mpbench.store.atomic_write import write_atomic

    # One after the other: Ctrl-C, or a full disk, leaves those that are written.
    write_atomic(folder / "profile.json", json.dumps(record, allow_nan=False, indent=1) + "\n")
    write_atomic(folder / "profile.html", page_of(profile, record, stacks))
    write_atomic(folder / "trace.json", trace_of(profile))
    return folder / "profile.html"


def _time_line(time: Mapping[str, int]) -> str:
    """Return the workers' time in one line."""
    from mpbench.units import format_seconds

    words = {
        "own code": "own_code_ns",
        "waiting": "waiting_ns",
        "moving data": "moving_ns",
        "starting": "starting_ns",
        "profiler": "profiler_ns",
    }
    parts = [
        f"{word} {format_seconds(time[key] / 1e9)}" for word, key in words.items() if time[key]
    ]
    alone = format_seconds(time["without_workers_ns"] / 1e9)
    return f"all workers: {', '.join(parts)}; without workers about {alone}"


def _what_if_lines(predictions: Mapping[str, Any] | None) -> list[str]:
    """Return the predictions that are worth a line: those that save most."""
    from mpbench.profiling.what_if_table import what_if_sentence
    from mpbench.units import format_seconds

    if predictions is None:
        return []
    lines = [f"what if: {what_if_sentence(predictions)}"]
    unchanged = predictions["unchanged_s"]
    known = [
        prediction for prediction in predictions["predictions"] if prediction["seconds"] is not None
    ]
    known = [one for one in known if one["seconds"] < (1 - _LEAST_GAIN) * unchanged]
    for one in sorted(known, key=lambda one: one["seconds"])[:_MOST_PREDICTIONS]:
        key = f" ({one['setting']})" if one["setting"] else ""
        lines.append(
            f"  {one['seconds'] / unchanged - 1:+4.0%}  {one['words']}{key}: "
            f"{format_seconds(one['seconds'])} "
            f"({format_seconds(one['low_s'])} to {format_seconds(one['high_s'])})"
        )
    if predictions["withheld"] is None and not known:
        lines.append(f"  nothing that was looked at saves {_LEAST_GAIN:.0%}")
    return lines


def _show(record: Mapping[str, Any], folder: Path) -> None:
    from rich.text import Text

    from mpbench.cli.terminal import terminal

    # The program's own output stays alone on stdout.
    console = terminal(stderr=True)
    console.print()
    if record["ending"] != "finished":
        console.print(Text(f"the program {record['ending']}", style="bold red"))
    console.print(Text(record["verdict"] or "the program started no worker of multiprocessing"))
    if record["time"] is not None:
        console.print(Text(_time_line(record["time"])))
    for loss in record["losses"]:
        console.print(Text(f"  {loss['share']:5.1%}  {loss['text']}"))
        if loss["advice"]:
            console.print(Text(f"         -> {loss['advice']}", style="dim"))
    for text in _what_if_lines(record.get("what_if")):
        console.print(Text(text))
    for text in record["warnings"]:
        console.print(Text(text, style="yellow"))
    for name in ("profile.html", "profile.json", "trace.json"):
        console.print(Text(str(folder / name)), soft_wrap=True)


@click.command(cls=ProgramCommand, context_settings={"allow_interspersed_args": False})
@click.argument(
    "words", nargs=-1, type=click.UNPROCESSED, metavar="[--] (SCRIPT | -m MODULE) [ARGS]..."
)
@click.option(
    "-o", "--output", type=Folder(), metavar="DIR",
    help="Where to write; by default reports/TIME-MACHINE-profile.",
)  # fmt: skip
@click.option("--python", metavar="VERSION", help="The interpreter to run it with, or its path.")
@click.option("--timeout", type=Duration(), help="End the program after this long, such as 60s.")
@click.option(
    "--grace", type=Duration(), metavar="DURATION",
    help="End the program by force this long after a first SIGINT, SIGTERM or SIGQUIT.",
)  # fmt: skip
@click.option("--no-orphans", is_flag=True, help="End processes that outlive the program.")
@click.option(
    "--interval",
    type=Duration(),
    default=0.05,
    metavar="DURATION",
    help="How often CPU and memory are looked at (50ms).",
)
@click.option(
    "--events",
    type=click.IntRange(1_024, 1 << 24),
    default=1 << 18,
    show_default=True,
    help="Events kept of each process.",
)
@click.option(
    "--what-if/--no-what-if", "predicts", default=True,
    help="Predict what changes would do; takes some seconds after the program.",
)  # fmt: skip
@click.option("--stacks", is_flag=True, help="Take stacks with py-spy as well.")
@click.option("--anonymise", is_flag=True, help="Hide arguments, names and paths in all files.")
@click.option(
    "--diff", nargs=2, type=click.Path(path_type=Path), metavar="BEFORE AFTER",
    help="Compare two profiles, folders or profile.json, instead; -o gets a page and JSON.",
)  # fmt: skip
@click.option("--open", "browse", is_flag=True, help="Open the page in a browser.")
def command(words: tuple[str, ...], **given: Any) -> int:
    """
    Run SCRIPT, or a module with -m, and show where its processes' time goes.

    Every process that the program starts is followed. A page, its figures as
    JSON, and a trace for Perfetto are written. Exit code: the program's own, 128+N
    where signal N ended it; 124 after --timeout, 125 where profiling failed.
    """
    from mpbench.cli.profile_diff import show_difference
    from mpbench.errors import MpbenchError

    if given["diff"]:
        if words:
            raise click.UsageError("--diff compares two profiles and runs no program")
        before, after = given["diff"]
        return show_difference(before, after, given["output"])
    try:
        return _profile(program_of(words), given)
    except MpbenchError as error:
        # Not one that the program could be thought to have.
        error.exit_code = exit_codes.TOOL_FAILED
        raise


def _profile(arguments: list[str], given: Mapping[str, Any]) -> int:
    from mpbench.profiling.profile import profile_program
    from mpbench.profiling.run_program import RunOptions
    from mpbench.profiling.stacks import StackTaker, busiest
    from mpbench.profiling.summary import summary_of
    from mpbench.session.interpreters import find_interpreter

    if given["anonymise"] and given["stacks"]:
        raise UsageError("stacks hold paths; leave out --stacks or --anonymise")
    python = sys.executable if given["python"] is None else find_interpreter(given["python"])
    folder = _folder(given["output"])
    taker = StackTaker((folder / "stacks.txt").absolute())
    options = RunOptions(
        timeout_s=given["timeout"],
        grace_s=given["grace"],
        end_orphans=given["no_orphans"],
        interval_s=given["interval"],
        on_start=taker.start if given["stacks"] else None,
        on_request=partial(_tell_request, given["grace"]),
        on_end=_making,
    )
    profile = profile_program([python, *arguments], options, records=given["events"], keep=folder)
    stacks = busiest(taker.stop(), {process.pid: process.name for process in profile.members})
    record = summary_of(profile)
    record["what_if"] = _predictions(profile) if given["predicts"] else None
    if given["anonymise"]:
        profile, record = _hidden(profile, record, arguments)
    if taker.problem:
        record["warnings"].append(taker.problem)
    page = _write(folder, profile, record, stacks)
    _show(record, folder)
    if given["browse"]:
        click.launch(str(page))
    return _exit_code(profile.ran)


def _predictions(profile: Profile) -> dict[str, Any] | None:
    """Return what changes would do; None where Ctrl-C asks for the page at once."""
    from mpbench.analysis.whatif.prediction import to_record
    from mpbench.session.what_if import what_if_of

    try:
        return to_record(what_if_of(profile))
    except KeyboardInterrupt:
        _tell("interrupted; the page is made without predictions")
        return None


def _hidden(
    profile: Profile, record: dict[str, Any], arguments: Sequence[str]
) -> tuple[Profile, dict[str, Any]]:
    """Return a profile and its record without arguments, names and paths."""
    from mpbench.session.anonymise import anonymiser_of, hide_arguments
    from mpbench.store.anonymise import redacted

    anonymiser = anonymiser_of(words=arguments)
    words = [*profile.command[:1], *arguments]
    return (
        profile._replace(command=tuple(redacted(words)), members=anonymiser.value(profile.members)),
        hide_arguments(record, words, anonymiser),
    )


def _tell(text: str) -> None:
    click.echo(f"mpbench: {text}", err=True)


def _making() -> None:
    _tell("program ended, making the page (Ctrl-C keeps what was recorded)")
    # Millions of events, none of them in a cycle, are no work for the collector.
    gc.disable()


def _tell_request(grace_s: float | None, name: str, times: int) -> None:
    """Say what a signal did, since the program may take its time to end."""
    if times > 1:
        _tell(f"{name} came again: what is left of the program is ended by force")
    elif grace_s is None:
        _tell(f"{name} reached the program; waiting until it has ended (a second one forces it)")
    else:
        _tell(f"{name} reached the program; it has {grace_s:g} s to end (--grace)")


def _exit_code(ran: ProgramRun) -> int:
    """Return the program's exit code as a shell would report it."""
    if ran.cause == "deadline":
        return exit_codes.TIMED_OUT
    if ran.exit_code is None:
        return exit_codes.TOOL_FAILED
    return ran.exit_code if ran.exit_code >= 0 else 128 - ran.exit_code
