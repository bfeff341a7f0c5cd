"""The command `mpbench run`: measurement of workloads, tables, results and a report."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mpbench.api.results import Results
from mpbench.api.running import make_plan
from mpbench.cli import exit_codes
from mpbench.cli.options import Duration, Folder, given_options, methods_of, parameters_of
from mpbench.errors import UsageError
from mpbench.model import Status, Tier
from mpbench.plan import Plan, Sampling
from mpbench.printable import counted

if TYPE_CHECKING:
    from mpbench.session.run import RunResult
    from mpbench.store.anonymise import Anonymiser

__all__ = ("command",)


# What may stand beside --resume; all else is in the file.
_WITH_RESUME = {"resume", "wait", "workload_file"}


def _plan(given: dict[str, Any]) -> Plan:
    return make_plan(
        Tier(given["tier"]),
        is_chosen=bool(given["select"] or given["workload_file"]),
        budget_s=given["budget"],
        select=tuple(given["select"]) or None,
        methods=methods_of(given["start_method"]) or None,
        params=parameters_of(given["param"]) or None,
        repetitions=given["reps"],
        seed=given["seed"],
        pythons=tuple(given["python"]) or None,
        files=tuple(given["workload_file"]) or None,
        verify=given["verify"] or None,
        sample=Sampling(given["sample"]),
    )


@click.command()
@click.argument("words", nargs=-1, metavar="")
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.QUICK.value,
    show_default=True,
    help="How much: at most 60 s, at most 15 minutes, or everything.",
)
@click.option("--select", multiple=True, metavar="PATTERN", help="Workloads, such as 'pool/*'.")
@click.option("--start-method", multiple=True, metavar="NAMES", help="Such as fork,spawn.")
@click.option("--param", multiple=True, metavar="NAME=VALUES", help="Such as workers=1,2,4.")
@click.option("--python", multiple=True, metavar="VERSION", help="An interpreter, or its path.")
@click.option(
    "--workload-file", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Measure the workloads of a Python file of yours.",
)  # fmt: skip
@click.option("--reps", type=click.IntRange(1), help="Fresh agents for each case (8, full 12).")
@click.option(
    "--budget", type=Duration(),
    help="Measuring time, such as 15m; a bare number is seconds (quick 44s, standard 13m, none "
    "with --select).",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), help="Repeats the order of an earlier run.")
@click.option(
    "--sample",
    type=click.Choice([one.value for one in Sampling]),
    default=Sampling.AUTO.value,
    show_default=True,
    help="Look at CPU time and memory of all processes; auto leaves calls under 1 ms alone.",
)
@click.option("--verify", is_flag=True, help="Run each body once and check it; no timing.")
@click.option(
    "-o", "--output", type=Folder(), metavar="DIR",
    help="Where to write; by default reports/TIME-MACHINE.",
)  # fmt: skip
@click.option("--resume", type=Folder(), metavar="DIR", help="Go on with a run, as it was planned.")
@click.option(
    "--wait", type=Duration(), default=0.0,
    help="Wait so long for another session to end; by default not at all.",
)  # fmt: skip
@click.option("--anonymise", is_flag=True, help="Hash host and user names and paths in all files.")
def command(**given: Any) -> int:
    """Measure workloads on this machine, print a table, and write results and a report."""
    from mpbench.cli.progress import Bars
    from mpbench.session import run as session

    _refuse_words(given["words"])
    _refuse(given_options(click.get_current_context()))
    began = time.monotonic()
    with ExitStack() as stack:
        plan, folder, anonymiser = _where(given, stack)
        bars = stack.enter_context(Bars())
        measured = session.run(
            plan,
            folder=folder,
            progress=bars,
            command=("mpbench", *sys.argv[1:]),
            wait_s=given["wait"],
            resume=given["resume"] is not None,
            anonymiser=anonymiser,
        )
    return _finish(measured, verify=plan.verify, began=began)


def _refuse_words(words: tuple[str, ...]) -> None:
    """
    Refuse words without an option, and say how workloads are selected.

    Raises:
        UsageError: There is one.
    """
    if words:
        patterns = [word if set("/*?[") & set(word) else f"{word}/*" for word in words]
        selection = " ".join(f"--select '{pattern}'" for pattern in patterns)
        raise UsageError(f"`mpbench run` takes options alone; try: mpbench run {selection}")


def _refuse(options: dict[str, str]) -> None:
    """
    Refuse options that would have no effect.

    Raises:
        UsageError: There is one.
    """
    if "resume" in options:
        idle = [word for name, word in options.items() if name not in _WITH_RESUME]
        if idle:
            raise UsageError(
                f"--resume goes on with what was asked for then; leave out {', '.join(idle)}"
            )
    if "verify" in options and "reps" in options:
        raise UsageError("--verify runs each body once; leave out --reps")


def _anonymiser(given: dict[str, Any]) -> Anonymiser:
    from mpbench.session.anonymise import anonymiser_of

    interpreters = [one for one in given["python"] if Path(one).name != one]
    named = [one for one in (given["output"], given["resume"]) if one is not None]
    return anonymiser_of([*named, *given["workload_file"], *interpreters])


def _where(given: dict[str, Any], stack: ExitStack) -> tuple[Plan, Path, Anonymiser | None]:
    """Return the plan, the folder, and what hides names if they are hidden."""
    from mpbench.session.run import fresh_folder

    anonymiser = _anonymiser(given) if given["anonymise"] else None
    if given["resume"] is None:
        plan = _plan(given)
        return (
            plan,
            given["output"] or stack.enter_context(fresh_folder(anonymiser=anonymiser)),
            anonymiser,
        )
    from mpbench.store import read
    from mpbench.store.anonymise import ANONYMISED, pseudonym

    folder = Path(given["resume"])
    header, files = read(folder).header, tuple(given["workload_file"])
    planned = dict(header.plan)
    if header.environment.get(ANONYMISED):
        # What follows must not tell what the first part kept to itself.
        anonymiser = _anonymiser(given)
        if planned.get("files") == [pseudonym("path", file.name) for file in files]:
            planned["files"] = [file.name for file in files]
    return Plan.from_record(planned, files), folder, anonymiser


def _duration(seconds: float) -> str:
    """Return a stretch of time as people say it."""
    if seconds < 60.0:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    return "{} min {} s".format(*divmod(round(seconds), 60))


def _took(measured: RunResult, total_s: float) -> str:
    """Return what was done and how long it took, so that nobody needs a stopwatch."""
    run = measured.run
    agents = len({repetition.agent for repetition in run.repetitions})
    inside = f"{_duration(run.end.elapsed_ns / 1e9)} measuring, " if run.end else ""
    counts = f"{counted(len(run.cases), 'case')} in {counted(agents, 'agent')}"
    return f"{counts}: {inside}{_duration(total_s)} in all"


def _finish(measured: RunResult, *, verify: bool, began: float) -> int:
    from mpbench.cli.closing import print_report_closing
    from mpbench.cli.tables import print_run, print_verified

    results = measured.folder / "results.jsonl"
    if verify:
        print_verified(measured)
        sys.stdout.write(f"{_took(measured, time.monotonic() - began)}\n{results}\n")
    else:
        measurement = Results((measured.run,))
        # Before anything is printed: whoever reads it may stop, or have no room.
        paths = measurement.report(measured.folder)
        print_run(measurement.data)
        sys.stdout.write(f"{_took(measured, time.monotonic() - began)}\n")
        print_report_closing(measurement.data, (*paths, results))
    if measured.interrupted:
        return exit_codes.INTERRUPTED
    bad = {Status.FAILED, Status.TIMEOUT, Status.CRASHED, Status.LOST}
    failed = any(repetition.status in bad for repetition in measured.run.repetitions)
    return int(failed or bool(measured.coverage_errors))
