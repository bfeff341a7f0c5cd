"""The command `mpbench compare`: verdicts about arms measured now, or about result files."""

from __future__ import annotations

import os
import re
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mpbench.cli import exit_codes
from mpbench.cli.arms import arms_of
from mpbench.cli.options import Duration, Folder, given_options, methods_of, parameters_of
from mpbench.cli.program_arms import (
    PROGRAM_OPTIONS,
    CompareCommand,
    command_arms,
    command_options,
    program_options,
)
from mpbench.errors import UsageError
from mpbench.model import Tier
from mpbench.plan import Plan

if TYPE_CHECKING:
    from mpbench.analysis.verdict import DecisionRules
    from mpbench.session.comparing.compare import ComparePlan
    from mpbench.store.anonymise import Anonymiser

__all__ = ("command",)

# What can be said of result files; the other options are for arms that are measured now.
_STORED = {"history", "form", "min_effect", "margin", "looks", "require_decision"}
# Options that say which workloads are measured.
_WORKLOADS = {"select", "start_method", "param", "tier", "workload_file"}


def _rules(given: dict[str, Any]) -> DecisionRules:
    from mpbench.analysis.verdict import DecisionRules

    rules = DecisionRules(min_effect=given["min_effect"] / 100, margin=given["margin"] / 100)
    if given["looks"] is None:
        return rules
    try:
        looks = tuple(sorted({int(one) for one in given["looks"].split(",")}))
    except ValueError:
        looks = ()
    if not looks or looks[0] < 1:
        raise click.BadParameter(
            f"{given['looks']!r} is no list of numbers such as 8,16,32", param_hint="--looks"
        )
    return DecisionRules(min_effect=rules.min_effect, margin=rules.margin, looks=looks)


def _plan(given: dict[str, Any]) -> ComparePlan:
    from mpbench.harness.placement import Placement
    from mpbench.session.comparing.compare import ComparePlan

    seed = given["seed"]
    plan = Plan(
        tier=Tier(given["tier"]),
        select=given["select"],
        methods=methods_of(given["start_method"]),
        params=parameters_of(given["param"]),
        files=given["workload_file"],
        budget_s=given["budget"],
        seed=secrets.randbelow(1 << 31) if seed is None else seed,
    )
    return ComparePlan(
        plan=plan,
        arms=(*arms_of(given["arm"], given["arms"], given["setup"]), *command_arms()),
        rules=_rules(given),
        facts=given["fact"],
        control=given["control"],
        confirm=given["confirm"],
        placement=Placement(given["placement"]),
        repository=given["repo"],
        programs=program_options(given),
        own_looks=given["looks"] is not None,
    )


@click.command(cls=CompareCommand)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--arm", multiple=True, metavar="KEY=VALUE,...", help="One side; the first is the baseline."
)
@click.option("--arms", metavar="METHODS", help="Short for start methods: fork,spawn.")
@click.option("--select", multiple=True, metavar="PATTERN", help="Workloads, such as 'pool/*'.")
@click.option("--start-method", multiple=True, metavar="NAMES", help="Such as fork,spawn.")
@click.option("--param", multiple=True, metavar="NAME=VALUES", help="Such as workers=1,2,4.")
@click.option(
    "--tier", type=click.Choice([tier.value for tier in Tier]), default=Tier.QUICK.value,
    help="Which workloads and values, where nothing is selected.",
)  # fmt: skip
@click.option(
    "--workload-file", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Measure the workloads of a Python file of yours.",
)  # fmt: skip
@click.option(
    "--repo", type=click.Path(path_type=Path), default=Path(), help="Where rev= looks (here)."
)
@click.option("--fact", multiple=True, metavar="NAME", help="Compare a further reading as well.")
@click.option(
    "--min-effect", type=click.FloatRange(0), default=2.0, metavar="PERCENT", show_default=True,
    help="From here on it is slower or faster; below, a small difference.",
)  # fmt: skip
@click.option(
    "--margin", type=click.FloatRange(0), default=5.0, metavar="PERCENT", show_default=True,
    help="Unchanged: the interval holds 1 and stays within so much.",
)  # fmt: skip
@click.option("--looks", metavar="N,N,...", help="When to decide, in episodes (8,16,32).")
@click.option(
    "--budget", type=Duration(), help="Measuring time, such as 15m; a bare number is seconds."
)
@click.option("--control/--no-control", default=True, help="Also compare identical arms.")
@click.option("--confirm", is_flag=True, help="Find every change again in a second session.")
@click.option(
    "--placement", type=click.Choice(["auto", "one", "all"]), default="auto",
    help="Both arms on one CPU, or free; auto finds out which arms never need a second one.",
)  # fmt: skip
@click.option("--require-decision", is_flag=True, help="Exit 3 when something is inconclusive.")
@click.option(
    "--format", "form", type=click.Choice(["table", "markdown", "json"]), default="table",
    show_default=True, help="How verdicts are printed.",
)  # fmt: skip
@click.option(
    "--history", multiple=True, type=click.Path(path_type=Path), metavar="RUN",
    help="For FILES: runs of the same code at other times; a folder holds several.",
)  # fmt: skip
@click.option("--setup", default="", metavar="TEXT", help="For code= arms: run once, not timed.")
@command_options
@click.option("--seed", type=click.IntRange(0), help="Repeats the coins of an earlier session.")
@click.option(
    "--wait", type=Duration(), default=0.0,
    help="Wait so long for another session to end; by default not at all.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=Folder(), metavar="DIR",
    help="Where to write; by default reports/TIME-MACHINE.",
)  # fmt: skip
@click.option("--anonymise", is_flag=True, help="Hash host and user names and paths in all files.")
def command(files: tuple[Path, ...], **given: Any) -> int:
    """
    Say whether one arm is slower or faster than another, with a stated error rate.

    Arms are measured now, in turns: --arms fork,spawn, --arm python=3.11 --arm
    python=3.13, --arm rev=main --arm rev=HEAD, --arm workload=pipe/round-trip
    --arm workload=queue/round-trip, --arm call=pkg.mod:f,method=fork, --arm
    code='sorted(x)' --setup 'x = [3, 1]', --arm
    sample=off --arm sample=on (the effect of the sampler), or any parameter.
    Whole programs: --arm 'program=job.py --n 4' --arm 'program=job.py --n 8',
    command= for any executable, or command lines after --: compare -- 'a' 'b'.
    Two or more FILES are results of earlier runs: the first is the base. They
    get verdicts only where --history tells how much sessions of the machine vary
    over the time between them; one FILE of an earlier comparison is judged again.
    """
    live = bool(given["arm"] or given["arms"] or command_arms())
    if live and files:
        raise UsageError("give arms to measure now, or result files, not both")
    _refuse(given_options(click.get_current_context()), live=live, files=files, arms=given["arm"])
    if not live:
        from mpbench.cli.compare_stored import compare_files

        return compare_files(files, given["history"], form=given["form"], rules=_rules(given),
                             require_decision=given["require_decision"])  # fmt: skip
    return _live(given)


def _refuse(
    options: dict[str, str], *, live: bool, files: tuple[Path, ...], arms: tuple[str, ...]
) -> None:
    """
    Refuse options that would have no effect.

    Raises:
        UsageError: There is one.
    """
    if live and "history" in options:
        raise UsageError("--history is for result files; arms that are measured now need none")
    if "repo" in options and not any("rev=" in text for text in arms):
        raise UsageError("--repo is where rev= looks; give an arm with rev=COMMIT, or leave it out")
    if files:
        idle = [word for name, word in options.items() if name not in _STORED]
        if idle:
            raise UsageError(
                f"result files are measured already; leave out {', '.join(idle)}, or give arms"
            )


def _refuse_others(options: dict[str, str], arms: tuple[str, ...], *, programs: bool) -> None:
    """
    Refuse options that are for another kind of arms.

    Raises:
        UsageError: There is one.
    """
    if "setup" in options and "code=" not in "".join(arms):
        raise UsageError("--setup is for arms with code=; leave it out, or give one")
    other, kind = (_WORKLOADS, "workloads") if programs else (PROGRAM_OPTIONS, "whole programs")
    idle = [word for name, word in options.items() if name in other]
    if idle:
        raise UsageError(f"{', '.join(idle)} is for {kind}; leave it out, or give other arms")


def _anonymiser(plan: ComparePlan, given: dict[str, Any]) -> Anonymiser:
    from mpbench.session.anonymise import anonymiser_of

    words = [word for arm in plan.arms for word in re.split(r"[\s=]+", arm.whole or "")]
    paths = [given["output"], given["repo"], *given["workload_file"]]
    paths += [arm.python for arm in plan.arms if arm.python and os.sep in arm.python]
    typed = [path for path in paths if path is not None and path != Path()]
    return anonymiser_of(typed, words=words)


def _live(given: dict[str, Any]) -> int:
    from mpbench.cli.progress import Bars
    from mpbench.cli.verdict_output import show
    from mpbench.session.comparing.compare import compare
    from mpbench.session.run import fresh_folder

    plan = _plan(given)
    options = given_options(click.get_current_context())
    _refuse_others(options, given["arm"], programs=plan.has_programs)
    with ExitStack() as stack:
        folder = given["output"] or stack.enter_context(fresh_folder())
        bars = stack.enter_context(Bars())
        compared = compare(
            plan,
            folder=folder,
            progress=bars,
            command=("mpbench", *sys.argv[1:]),
            wait_s=given["wait"],
            anonymiser=_anonymiser(plan, given) if given["anonymise"] else None,
        )
    results = compared.folder / "results.jsonl"
    show(compared.outcome, given["form"], path=str(results))
    if given["form"] != "table":
        sys.stderr.write(f"{results}\n")
    if compared.outcome.interrupted:
        return exit_codes.INTERRUPTED
    return compared.outcome.exit_code(require_decision=given["require_decision"])
