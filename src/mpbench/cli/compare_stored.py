"""Comparison of result files that were not measured together."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.api.reading import runs_of
from mpbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mpbench.analysis.stored import StoredComparison
    from mpbench.analysis.verdict import DecisionRules

__all__ = ("compare_files",)


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
    from mpbench.analysis.arm_values import unmatched_cases
    from mpbench.analysis.outcome import is_comparison, outcome_of
    from mpbench.analysis.stored import compare_stored

    if not files:
        raise UsageError("nothing to compare: give --arm twice, --arms A,B, or two result files")
    sides = [(path, runs_of(path)) for path in files]
    if len(sides) == 1:
        (run,) = sides[0][1][:1]
        if not is_comparison(run):
            raise UsageError(f"{files[0]} is one run; give a second one to compare it with")
        from mpbench.cli.verdict_output import show

        outcome = outcome_of(run)
        show(outcome, form, path=str(files[0]))
        return outcome.exit_code(require_decision=require_decision)
    past = [run for path in history for run in runs_of(path)]
    for run in (*past, *(run for _, runs in sides for run in runs)):
        if is_comparison(run):
            raise UsageError(f"{run.path} is a comparison already; give it alone to judge it again")
    # The intervals of all files hold together.
    family = replace(rules, alpha=rules.alpha / (len(sides) - 1))
    base = sides[0][1]
    compared = [
        _Side(
            str(path),
            _ranked(compare_stored(base, runs, history=past, rules=family)),
            unmatched_cases((base, runs)),
        )
        for path, runs in sides[1:]
    ]
    compared = [side for side in compared if side.comparisons]
    if not compared:
        raise UsageError("the files have no case in common; see `mpbench report` for all of them")
    _show(compared, form)
    return _exit_code(
        [comparison for side in compared for comparison in side.comparisons], require_decision
    )


def _exit_code(comparisons: Sequence[StoredComparison], require_decision: bool) -> int:
    from mpbench.analysis.verdict import Verdict

    verdicts = {comparison.verdict for comparison in comparisons}
    if Verdict.SLOWER in verdicts:
        return 1
    undecided = bool(verdicts & {None, Verdict.INCONCLUSIVE})
    return 3 if require_decision and undecided else 0


class _Side(NamedTuple):
    """Everything that is said about one file against the base."""

    path: str
    comparisons: tuple[StoredComparison, ...]
    unmatched: tuple[tuple[str, ...], ...]


def _ranked(comparisons: Iterable[StoredComparison]) -> tuple[StoredComparison, ...]:
    """Put regressions first, the largest in front; without verdicts, the largest costs."""
    from mpbench.model import Better

    def place(comparison: StoredComparison) -> tuple[int, float]:
        cost = math.log(comparison.ratio) * (1 if comparison.metric.better is Better.LOWER else -1)
        rank = {"slower": 0, "invalid": 1, "inconclusive": 2, "faster": 4}
        return rank.get("" if comparison.verdict is None else comparison.verdict.value, 3), -cost

    return tuple(sorted(comparisons, key=place))


def _record(side: _Side, comparison: StoredComparison) -> dict[str, Any]:
    base, new = comparison.values
    return {
        "file": side.path,
        "subject": comparison.subject,
        "case": comparison.case,
        "metric": comparison.metric.key,
        "unit": comparison.metric.unit,
        "base_value": base,
        "new_value": new,
        "ratio": comparison.ratio,
        "ratio_low": None if comparison.interval is None else comparison.interval.low,
        "ratio_high": None if comparison.interval is None else comparison.interval.high,
        "agents": list(comparison.agents),
        "sessions": list(comparison.sessions),
        "clusters": list(comparison.clusters),
        "verdict": None if comparison.verdict is None else comparison.verdict.value,
        "reason": comparison.reason or None,
    }


def _cells(comparison: StoredComparison) -> tuple[str, ...]:
    from mpbench.analysis.verdict import Verdict
    from mpbench.report.verdicts import change_text
    from mpbench.units import format_quantity

    ratio = f"{comparison.ratio:.3f}"
    if comparison.interval is not None:
        ratio += f" [{comparison.interval.low:.3f}, {comparison.interval.high:.3f}]"
    verdict = "no verdict"
    if comparison.verdict is not None:
        word = comparison.verdict.word(comparison.metric)
        sized = comparison.verdict.is_change or comparison.verdict is Verdict.SMALL
        verdict = change_text(comparison.ratio, word) if sized else word
    values = (format_quantity(value, comparison.metric.unit) for value in comparison.values)
    agents = f"{comparison.agents[0]} / {comparison.agents[1]}"
    sessions = f"{comparison.sessions[0]} / {comparison.sessions[1]}"
    return comparison.case, comparison.subject, *values, ratio, verdict, agents, sessions


_HEAD = ("case", "interpreter", "base", "new", "ratio", "verdict", "agents", "sessions")
_NUMBERS = {"base", "new", "ratio"}


def _unmatched(side: _Side) -> list[str]:
    """Return a line for each side that measured cases which the other one lacks."""
    names = ("the base", side.path)
    return [
        f"only in {name}: {', '.join(cases)}"
        for name, cases in zip(names, side.unmatched, strict=True)
        if cases
    ]


def _show(sides: Sequence[_Side], form: str) -> None:
    if form == "json":
        records = [_record(side, comparison) for side in sides for comparison in side.comparisons]
        sys.stdout.write(json.dumps(records, indent=2, allow_nan=False) + "\n")
        return
    for side in sides:
        reasons = list(
            dict.fromkeys(comparison.reason for comparison in side.comparisons if comparison.reason)
        )
        if form == "markdown":
            _markdown(side, [*_unmatched(side), *reasons])
        else:
            _table(side, [*_unmatched(side), *reasons])


def _markdown(side: _Side, notes: Sequence[str]) -> None:
    from mpbench.report.markdown import escape

    lines = [f"### {escape(side.path)}", "", f"| {' | '.join(_HEAD)} |", "|---" * len(_HEAD) + "|"]
    cells = [[escape(cell) for cell in _cells(comparison)] for comparison in side.comparisons]
    lines += [
        *(f"| {' | '.join(row)} |" for row in cells),
        "",
        *(f"- {escape(note)}" for note in notes),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _table(side: _Side, notes: Sequence[str]) -> None:
    from mpbench.cli.closing import print_closing
    from mpbench.cli.text_table import TextColumn, print_table, wrapped

    columns = [TextColumn(name, is_number=name in _NUMBERS) for name in _HEAD]
    print_table(side.path, columns, [_cells(comparison) for comparison in side.comparisons])
    for note in notes:
        sys.stdout.write(wrapped(note) + "\n")
    first = side.comparisons[0]
    judged = [comparison for comparison in side.comparisons if comparison.verdict is not None]
    changed = [
        comparison
        for comparison in judged
        if comparison.verdict is not None and comparison.verdict.is_change
    ]
    says = f"{len(changed)} of {len(judged)} judged cases changed"
    if not judged:
        says = f"no verdict; the costliest ratio is {first.ratio:.3g} ({first.case})"
    trust = "" if judged else "Read with care: two sessions differ without any change of the code."
    rest = f"mpbench report {side.path} draws them; --format json has every number"
    print_closing(f"{says}.", trust, rest)
