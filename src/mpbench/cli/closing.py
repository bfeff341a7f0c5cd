"""The last three lines of an output: what it says, whether to trust it, where the rest is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mpbench.cli.text_table import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mpbench.report.build import ReportData

__all__ = ("print_closing", "print_report_closing")

_FINE = "no check speaks against it"


def print_closing(says: str, trust: str, rest: str) -> None:
    """Print the three lines, each wrapped to the terminal."""
    for name, text in (("Result", says), ("Trust", trust or _FINE), ("More", rest)):
        # A path is never broken: it is copied.
        line = f"{name}: {text}"
        sys.stdout.write((line if name == "More" else wrapped(line)) + "\n")


def print_report_closing(evidence: ReportData, paths: Sequence[Path]) -> None:
    """
    Print the three lines about runs.

    Args:
        evidence: The tables of the runs.
        paths: The files that were written, the one to read first in front.
    """
    from mpbench.report.comparison_sections import compared
    from mpbench.report.findings import findings

    sentences = [one.sentence for one in compared(evidence.runs)]
    sentences += [finding.text for finding in findings(evidence.summaries, evidence.groups)]
    main = evidence.summaries[evidence.summaries["fact"] == ""]
    measured = int((main["agents"] > 0).sum())
    sentences.append(f"{measured:,} of {len(main):,} cases were measured.")
    print_closing(sentences[0], _trust(evidence), _files(paths))


def _trust(evidence: ReportData) -> str:
    from mpbench.report.document import CheckState
    from mpbench.report.trust import caution, checks

    reasons = checks(evidence.runs, evidence.summaries, evidence.repetitions)
    words = [caution(reasons)]
    states = {reason.name: reason for reason in reasons}
    complete = states.get("Complete")
    if complete is not None and complete.state is not CheckState.GOOD:
        words.append(f"Not complete: {complete.text or complete.value}.")
    load = states.get("Load before")
    if not any(words) and load is not None:
        words.append(f"{_FINE} (load {load.value} before).")
    return " ".join(filter(None, words))


def _files(paths: Sequence[Path]) -> str:
    first, *others = (str(path) for path in paths)
    same = [path.name for path in paths[1:] if path.parent == paths[0].parent]
    if len(same) != len(others):
        return ", ".join((first, *others))
    return first + (f" (also {', '.join(same)})" if same else "")
