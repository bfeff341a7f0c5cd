"""Estimate of a comparison's time, and refusal of a budget that holds no first look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mpbench.errors import UsageError
from mpbench.printable import counted
from mpbench.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.verdict import DecisionRules
    from mpbench.session.comparing.pairs import Pair

__all__ = ("comparison_estimate",)

# The shortest that an episode takes: two fresh agents, and their turns.
_EPISODE_S = 0.5


def comparison_estimate(pairs: Sequence[Pair], rules: DecisionRules, budget_s: float | None) -> str:
    """
    Return how much is compared and about how long that takes.

    Args:
        pairs: What is compared, refused pairs included.
        rules: The looks; the first one is the earliest that says anything.
        budget_s: Seconds of measuring; None for no limit.

    Raises:
        UsageError: The budget does not hold the first look of every pair.
    """
    number = sum(pair.refused is None for pair in pairs)
    least, most = (number * look * _EPISODE_S for look in (rules.looks[0], rules.looks[-1]))
    cases = counted(number, "pair")
    if budget_s is not None and budget_s < least:
        raise UsageError(
            f"a budget of {budget_s:g} s is too short: the first look at {cases} takes about "
            f"{format_duration(least)}; give at least --budget {math.ceil(least)}s or choose "
            "fewer with --select or --param"
        )
    most = most if budget_s is None else min(most, budget_s)
    estimate = f"{cases}, about {format_duration(least)} to {format_duration(most)}"
    return "; ".join((estimate, *_mixed_methods(pairs)))


def _mixed_methods(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Say once that interpreters are compared under different start methods, and what splits it."""
    every = [pair.sides for pair in pairs if pair.refused is None]
    measured = {(side.subject.key, side.case) for sides in every for side in sides}
    for baseline, candidate in every:
        methods = (baseline.case.method, candidate.case.method)
        if baseline.subject.key == candidate.subject.key or methods[0] == methods[1]:
            continue
        if None in methods or candidate.case.workload != baseline.case.workload:
            continue
        if (candidate.subject.key, baseline.case) in measured:
            continue
        before, after = (method.value for method in methods if method is not None)
        text = (
            f"{candidate.arm} starts processes by {after}, {baseline.arm} by {before}: the "
            f"difference is of both; a third arm, --arm '{candidate.arm},method={before}', shows "
            "how much the interpreter alone is"
        )
        return (text,)
    return ()
