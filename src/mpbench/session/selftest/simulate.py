"""Error rates on a simulated machine with a known truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.sequential import LOOKS, interim_result
from mpbench.analysis.stats import sign_flip_p, signed_rank_interval
from mpbench.analysis.validation import ValidationTable, rate
from mpbench.analysis.verdict import DecisionRules, verdict_alone
from mpbench.session.comparing.simulated import (
    NOISES,
    READING,
    SimulatedMachine,
    episodes_on,
    log_ratios_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.session.comparing.simulated import Noise

__all__ = ("synthetic",)

_EFFECT = math.log(1.05)
# Peeking begins where an exact test can first reach 5 %.
_FIRST_PEEK = 6


class _Counts(NamedTuple):
    """What happened in one simulated session."""

    alarm: bool
    found: bool
    covers_fixed: bool
    covers_stopped: bool
    peeking_alarm: bool


def _stopped(ratios: Sequence[float], truth: float, rules: DecisionRules) -> tuple[bool, bool]:
    """Run the stopping rule; return whether it ends with a change, and covers the truth."""
    for look in LOOKS:
        standing = interim_result(ratios[:look], LOOKS)
        verdict = verdict_alone(standing, READING.metric, rules)
        if verdict.is_decision:
            break
    assert standing.interval is not None
    return verdict.is_change, standing.interval.low <= truth <= standing.interval.high


def _session(noise: Noise, seed: int) -> _Counts:
    rules = DecisionRules()
    same = log_ratios_of(episodes_on(SimulatedMachine(noise, seed), LOOKS[-1]))
    slow = log_ratios_of(episodes_on(SimulatedMachine(noise, -seed - 1), LOOKS[-1], effect=_EFFECT))
    alarm, covers_same = _stopped(same, 0.0, rules)
    found, covers_slow = _stopped(slow, _EFFECT, rules)
    fixed = signed_rank_interval(slow, 0.95)
    assert fixed is not None
    return _Counts(
        alarm=alarm,
        found=found,
        covers_fixed=fixed.low <= _EFFECT <= fixed.high,
        covers_stopped=covers_same and covers_slow,
        peeking_alarm=any(
            sign_flip_p(same[:seen]) <= rules.rate for seen in range(_FIRST_PEEK, len(same) + 1)
        ),
    )


def synthetic(trials: int, *, seed: int = 0) -> ValidationTable:
    """
    Return error rates under noise of known laws.

    Args:
        trials: Simulated sessions for each law: one of identical arms, one with 5 %.
        seed: Everything follows from it.
    """
    rows: list[tuple[str, ...]] = []
    for name, noise in NOISES.items():
        counts = [_session(noise, seed + trial) for trial in range(trials)]
        columns = [sum(column) for column in zip(*counts, strict=True)]
        rows.append((name, *(rate(count, trials) for count in columns)))
    return ValidationTable(
        "Simulated machine",
        (
            "noise",
            "false alarms",
            "+5 % found",
            "fixed 95 % interval covers",
            "interval when stopped covers both",
            "peeking alarms",
        ),
        tuple(rows),
        f"{trials} sessions each. Peeking (stop as soon as p is below 5 %) is the control that "
        "must fail. The last interval but one covers with and without the difference.",
    )
