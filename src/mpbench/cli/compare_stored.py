"""`mpbench compare FILE FILE`: results that were not measured together."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.stored import StoredComparison
    from mpbench.analysis.verdict import DecisionRules
    from mpbench.model import Run

__all__ = ("compare_files",)


def _sessions(path: Path) -> list[Run]:
    """Return the run that a path means, or all runs in a folder of runs."""
    from mpbench.store import RESULTS, read

    if path.is_dir() and not (path / RESULTS).is_file():
        found = sorted(one.parent for one in path.glob(f"*/{RESULTS}"))
        if not found:
            raise UsageError(f"{path} holds no results; name a run's folder or its {RESULTS}")
        return [read(one) for one in found]
    return [read(path)]


def compare_files(
    files: Sequence[Path],
    history: Sequence[Path],
    *,
    form: str,
    rules: DecisionRules,
    require_decision: bool,
) -> int:
    """
    Compare result files, the first with each of the others, and print what can be said.

    Raises:
        UsageError: There are too few files.
        RecordError: One cannot be read.
    """
    from mpbench.analysis.outcome import is_comparison, outcome_of
    from mpbench.analysis.stored import compare_stored

    if not files:
        raise UsageError("nothing to compare: give --arm twice, --arms A,B, or two result files")
    sides = [(path, _sessions(path)) for path in files]
    if len(sides) == 1:
        (run,) = sides[0][1][:1]
        if not is_comparison(run):
            raise UsageError(f"{files[0]} is one run; give a second one to compare it with")
        from mpbench.cli.verdict_output import show

        outcome = outcome_of(run)
        show(outcome, form)
        return outcome.exit_code(require_decision=require_decision)
    past = [run for path in history for run in _sessions(path)]
    for run in (*past, *(run for _, runs in sides for run in runs)):
        if is_comparison(run):
            raise UsageError(f"{run.path} is a comparison already; give it alone to judge it again")
    # The intervals of all files hold together.
    family = replace(rules, alpha=rules.alpha / (len(sides) - 1))
    found = {
        str(path): compare_stored(sides[0][1], runs, history=past, rules=family)
        for path, runs in sides[1:]
    }
    if not any(found.values()):
        raise UsageError("the files have no case in common; see `mpbench report` for all of them")
    _show(found, form)
    return _exit_code([one for many in found.values() for one in many], require_decision)


def _exit_code(found: Sequence[StoredComparison], require_decision: bool) -> int:
    from mpbench.analysis.verdict import Verdict

    verdicts = {one.verdict for one in found}
    if Verdict.SLOWER in verdicts:
        return 1
    undecided = bool(verdicts & {None, Verdict.INCONCLUSIVE})
    return 3 if require_decision and undecided else 0


def _record(path: str, one: StoredComparison) -> dict[str, Any]:
    return {
        "file": path,
        "subject": one.subject,
        "case": one.case,
        "metric": one.metric.key,
        "ratio": one.ratio,
        "ratio_low": None if one.interval is None else one.interval.low,
        "ratio_high": None if one.interval is None else one.interval.high,
        "agents": list(one.agents),
        "sessions": list(one.sessions),
        "verdict": None if one.verdict is None else one.verdict.value,
        "reason": one.reason or None,
    }


def _cells(one: StoredComparison) -> tuple[str, ...]:
    ratio = f"{one.ratio:.3f}"
    if one.interval is not None:
        ratio += f" [{one.interval.low:.3f}, {one.interval.high:.3f}]"
    verdict = "no verdict" if one.verdict is None else one.verdict.word(one.metric)
    agents = f"{one.agents[0]} / {one.agents[1]}"
    sessions = f"{one.sessions[0]} / {one.sessions[1]}"
    return one.case, one.subject, ratio, verdict, agents, sessions


_HEAD = ("case", "interpreter", "ratio", "verdict", "agents", "sessions")


def _show(found: dict[str, tuple[StoredComparison, ...]], form: str) -> None:
    from mpbench.report.markdown import escape

    if form == "json":
        records = [_record(path, one) for path, many in found.items() for one in many]
        sys.stdout.write(json.dumps(records, indent=2, allow_nan=False) + "\n")
        return
    for path, many in found.items():
        reasons = dict.fromkeys(one.reason for one in many if one.reason)
        if form == "markdown":
            lines = [
                f"### {escape(path)}",
                "",
                f"| {' | '.join(_HEAD)} |",
                "|---" * len(_HEAD) + "|",
            ]
            lines += [f"| {' | '.join(escape(cell) for cell in _cells(one))} |" for one in many]
            lines += ["", *(f"- {escape(reason)}" for reason in reasons)]
            sys.stdout.write("\n".join(lines) + "\n")
        else:
            _table(path, many, list(reasons))


def _table(path: str, many: Sequence[StoredComparison], reasons: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*_HEAD, box=None, pad_edge=False)
    for one in many:
        table.add_row(*(Text(cell) for cell in _cells(one)))
    console = Console(file=sys.stdout)
    console.print(Text(path), style="bold", highlight=False)
    console.print(table)
    for reason in reasons:
        console.print(Text(reason), highlight=False)
