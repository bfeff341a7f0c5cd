"""`mpbench doctor`: checks of this machine, with remedies."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mpbench.cli.options import Duration
from mpbench.printable import counted

if TYPE_CHECKING:
    from mpbench.doctor.finding import Finding

__all__ = ("command",)

_MARKS = {"fine": "ok", "note": "note", "warning": "WARN", "fault": "FAULT"}
_STYLES = {"fine": "green", "note": "cyan", "warning": "yellow", "fault": "bold red"}


def _show(findings: tuple[Finding, ...], *, everything: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from mpbench.cli.terminal import terminal

    shown = [finding for finding in findings if everything or finding.level.rank]
    table = Table("", "what", "found, why it matters, what to do", box=None, pad_edge=False)
    for reading in sorted(shown, key=lambda reading: -reading.level.rank):
        words = Text(reading.found)
        if reading.reason:
            words.append(f"\n{reading.reason}", style="dim")
        if reading.remedy:
            words.append(f"\n-> {reading.remedy}")
        mark = Text(_MARKS[reading.level.value], style=_STYLES[reading.level.value])
        table.add_row(mark, Text(reading.area), words)
    console = terminal()
    if shown:
        console.print(table)
    quiet = len(findings) - len(shown)
    if quiet:
        console.print(f"{quiet} more checks found nothing wrong (--all shows them)")


def _summary(findings: tuple[Finding, ...]) -> str:
    faults = sum(finding.level.value == "fault" for finding in findings)
    warnings = sum(finding.level.value == "warning" for finding in findings)
    if faults:
        return (
            f"not fit to measure on now: {counted(faults, 'fault')}, {counted(warnings, 'warning')}"
        )
    if warnings:
        return f"fit to measure on, with {counted(warnings, 'warning')}"
    return "fit to measure on"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Every finding, as JSON.")
@click.option("--all", "everything", is_flag=True, help="Show the good findings as well.")
@click.option(
    "--watch",
    type=Duration(),
    default=1.0,
    metavar="DURATION",
    help="How long other load is watched (1s).",
)
@click.option("--python", metavar="VERSION", help="The interpreter to look at, or its path.")
def command(as_json: bool, everything: bool, watch: float, python: str | None) -> int:
    """
    Check whether this machine is fit to measure on.

    Exit code 1 when something is wrong enough that figures taken now would be
    wrong too.
    """
    from mpbench.doctor.checks import run_checks
    from mpbench.doctor.finding import Severity, findings_to_record, worst
    from mpbench.environment import describe_interpreter
    from mpbench.session.interpreters import find_interpreter

    described = None if python is None else describe_interpreter(find_interpreter(python))
    findings = run_checks(seconds=watch, interpreter=described)
    level = worst(findings)
    if as_json:
        import json

        record = {"fit": level is not Severity.FAULT, "findings": findings_to_record(findings)}
        sys.stdout.write(json.dumps(record, indent=2) + "\n")
    else:
        _show(findings, everything=everything)
        sys.stdout.write(_summary(findings) + "\n")
    return int(level is Severity.FAULT)
