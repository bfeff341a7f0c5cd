"""The command `mpbench advise`: recommendations for a machine, with their evidence."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mpbench.cli.options import Duration
from mpbench.errors import InvalidSessionError, RecordError, UsageError
from mpbench.printable import printable
from mpbench.units import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.advise import Advice, JobDescription
    from mpbench.analysis.measurements import Platform

    _Answered = tuple[Platform, tuple[Advice, ...]]

__all__ = ("command",)

# Where `mpbench run` writes by default.
_REPORTS = Path("reports")


class _Size(click.ParamType[int]):
    """A number of bytes, such as 4096, 64KiB or 1MB."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read a size, or say what one looks like."""
        if isinstance(value, int):
            return value
        try:
            return parse_bytes(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _newest_first() -> list[Path]:
    """
    Return the runs that were written by default.

    Raises:
        UsageError: There is none.
    """
    found = sorted(_REPORTS.glob("*/results.jsonl"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise UsageError(
            f"no results were named, and there are none in {_REPORTS}/; "
            "make some with `mpbench run`, or name a result file"
        )
    return found[::-1]


def _answers(files: Sequence[Path], wishes: JobDescription) -> list[_Answered]:
    """Return the advice for each machine and interpreter in the files."""
    from mpbench.analysis.advise import advise
    from mpbench.analysis.measurements import platforms_of, readings_of
    from mpbench.analysis.summarize import agent_medians, summarize
    from mpbench.store import read
    from mpbench.store.frame import frame

    runs = [read(path) for path in files]
    agents = agent_medians(frame(runs))
    summaries = summarize(runs, agents)
    cpus = {run.header.run: run.header.environment.get("cpu", {}).get("usable") for run in runs}
    locks = {
        (run.header.run, subject): facts.get("gil")
        for run in runs
        for subject, facts in run.header.subjects.items()
    }
    return [
        (
            place,
            advise(
                readings_of(summaries, agents, place),
                wishes,
                cpus[place.run],
                gil=locks.get((place.run, place.subject)),
            ),
        )
        for place in platforms_of(summaries)
    ]


def _of_newest(wishes: JobDescription) -> list[_Answered]:
    """
    Return the advice from the newest run that answers something, and name it.

    Raises:
        InvalidSessionError: None does.
    """
    from mpbench.analysis.advise import SupportLevel

    files = _newest_first()
    for path in files:
        try:
            found = _answers((path,), wishes)
        except RecordError as error:
            sys.stderr.write(f"mpbench: passed over: {printable(str(error))}\n")
            continue
        given = (answer.standing for _, answers in found for answer in answers)
        if any(standing is not SupportLevel.NOT_MEASURED for standing in given):
            sys.stderr.write(f"mpbench: advice from {printable(str(path))}\n")
            return found
    raise InvalidSessionError(
        f"no question is answered by any run in {_REPORTS}/, of which {files[0]} is the newest; "
        "make one with `mpbench run`, or name a result file"
    )


def _of_files(files: Sequence[Path], wishes: JobDescription) -> list[_Answered]:
    """
    Return the advice from the files that the user named.

    Raises:
        InvalidSessionError: Nothing was measured in them.
    """
    found = _answers(files, wishes)
    if not found:
        raise InvalidSessionError(
            f"nothing was measured in {', '.join(map(str, files))}; make results with `mpbench run`"
        )
    return found


def _text(place: Platform, answers: Sequence[Advice]) -> str:
    from mpbench.report.advice import LEGEND, choice_text

    lines = [f"For {place.name}; {LEGEND}.", ""]
    for answer in answers:
        lines += [answer.question, f"  -> {answer.answer}   ({answer.standing.value})"]
        lines += [f"     {choice_text(choice)}" for choice in answer.choices]
        if answer.because:
            lines.append(f"     {answer.because}.")
        lines += [f"     evidence: {case}" for case in answer.cases[:3]]
        if len(answer.cases) > 3:  # noqa: PLR2004 - the first are enough to find the rest
            lines.append(f"     and {len(answer.cases) - 3} more cases")
        if not answer.choices and answer.measure_command:
            lines.append(f"     measure it: {answer.measure_command}")
        lines.append("")
    return "\n".join(lines)


def _markdown(place: Platform, answers: Sequence[Advice]) -> str:
    from mpbench.report.advice import advice_table
    from mpbench.report.markdown import escape, table_markdown

    table = advice_table(answers, {}, place.name)
    shown = table_markdown(table) if table else "Nothing was measured."
    return f"## What to use: {escape(place.name)}\n\n{shown}\n"


def _json(place: Platform, answers: Sequence[Advice]) -> dict[str, object]:
    from mpbench.report.advice import advice_record

    return {
        "machine": place.machine,
        "python": place.python,
        "run": place.run,
        "advice": [advice_record(answer) for answer in answers],
    }


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--task-time", type=Duration(), help="How long one task works, such as 200us or 5ms.")
@click.option("--payload", type=_Size(), metavar="SIZE", help="Bytes in one message.")
@click.option("--tasks", type=click.IntRange(1), help="How many tasks there are.")
@click.option("--parent-rss", type=_Size(), metavar="SIZE", help="Memory that the parent holds.")
@click.option("--import-time", type=Duration(), help="How long each child's imports take.")
@click.option(
    "--work",
    type=click.Choice(("cpu", "memory", "syscall", "sleep")),
    help="What a task does most; its slow-down beside others counts, where it was measured.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(("text", "markdown", "json")),
    default="text",
    show_default=True,
)
def command(  # noqa: PLR0913 - one for each thing that a user may know
    *,
    files: tuple[Path, ...],
    task_time: float | None,
    payload: int | None,
    tasks: int | None,
    parent_rss: int | None,
    import_time: float | None,
    work: str | None,
    form: str,
) -> int:
    """
    Say which start method, channel, chunk size and worker count to use.

    FILES are folders of runs or their results.jsonl; by default the newest
    run in reports/ that answers something. Every answer comes from measured cases, which it
    names; what was not measured is said to be so.
    """
    from mpbench.analysis.advise import JobDescription

    wishes = JobDescription(task_time, payload, tasks, parent_rss, import_time, work)
    found = _of_files(files, wishes) if files else _of_newest(wishes)
    if form == "json":
        json.dump([_json(*entry) for entry in found], sys.stdout, indent=2, allow_nan=False)
        sys.stdout.write("\n")
        return 0
    write = _markdown if form == "markdown" else _text
    # Control characters in a foreign file's names must not reach the terminal.
    for entry in found:
        sys.stdout.write(printable(write(*entry), keep="\n") + "\n")
    return 0
