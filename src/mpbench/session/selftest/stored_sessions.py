"""Simulated stored sessions of identical code, and the share called different."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from mpbench.analysis.stored import compare_stored
from mpbench.analysis.validation import ValidationTable, rate
from mpbench.model import (
    Case,
    CaseRecord,
    Metric,
    Repetition,
    Run,
    RunHeader,
    Sample,
    Status,
    Timing,
)

__all__ = ("HISTORIES", "SPREADS", "History", "Spread", "is_called_different", "stored")

_CASE = Case.make("simulated/operation", None, {})
_SUBJECT = "simulated"
_BEGIN = datetime(2026, 1, 1, 10, tzinfo=UTC)
_AGENTS, _AGENT_SD = 4, 0.01
# Sessions in a row follow each other by so much.
_ROW = timedelta(minutes=10)


class Spread(NamedTuple):
    """How sessions vary: standard deviations of days and inside a day, and days' correlation."""

    days: float
    sessions: float
    memory: float = 0.0


SPREADS = (
    Spread(0.03, 0.005),
    Spread(0.02, 0.01),
    Spread(0.01, 0.01),
    Spread(0.005, 0.01),
    Spread(0.0, 0.01),
    Spread(0.03, 0.005, 0.5),
)
_DAYS = 32


class History(NamedTuple):
    """
    When the sessions of a comparison were made, in days and places of a row.

    A moment is `(day, place)`: sessions of one day share its speed.
    """

    base: tuple[tuple[int, int], ...]
    new: tuple[tuple[int, int], ...]
    past: tuple[tuple[int, int], ...]


def _row(day: int, count: int, first: int = 0) -> tuple[tuple[int, int], ...]:
    return tuple((day, first + place) for place in range(count))


def _daily(days: range, each: int = 1) -> tuple[tuple[int, int], ...]:
    return tuple(moment for day in days for moment in _row(day, each))


# The sides lie a week apart, where nothing else is said.
HISTORIES: dict[str, History] = {
    "5 in a row on the base's day": History(_row(20, 1, 5), _row(27, 1), _row(20, 5)),
    "10 in a row on the base's day": History(_row(20, 1, 10), _row(27, 1), _row(20, 10)),
    "3 on each side in a row": History(_row(20, 3), _row(27, 3), ()),
    "5 days in a row": History(_row(20, 1), _row(27, 1), _daily(range(15, 20))),
    "5 days over 9": History(_row(20, 1), _row(27, 1), _daily(range(10, 20, 2))),
    "10 days in a row": History(_row(20, 1), _row(27, 1), _daily(range(10, 20))),
    "8 days, 3 runs each": History(_row(20, 1), _row(27, 1), _daily(range(12, 20), 3)),
    "3 days on each side in turn": History(_daily(range(20, 26, 2)), _daily(range(21, 27, 2)), ()),
    "sides and 5 runs 20 minutes apart": History(
        _row(20, 1, 6), _row(20, 1, 8), tuple((20, 2 * place) for place in (0, 1, 2, 5, 6))
    ),
}


def _session(moment: tuple[int, int], level: float, drawn: random.Random) -> Run:
    day, place = moment
    record = CaseRecord(
        subject=_SUBJECT, case=_CASE, metric=Metric.TIME, facts={}, timing=Timing.LOOP,
        floor=None, no_floor="simulated", revision=1, doc="", status=Status.OK, reason=None,
    )  # fmt: skip
    repetitions = tuple(
        Repetition(
            subject=_SUBJECT, case=_CASE, number=agent, status=Status.OK, reason=None,
            iterations=1_000, elapsed_ns=1, started_ns=0, hash_seed=0, agent=agent,
            samples=(Sample(round(1e9 * math.exp(level + drawn.gauss(0, _AGENT_SD))), 1_000),),
        )
        for agent in range(_AGENTS)
    )  # fmt: skip
    started = (_BEGIN + timedelta(days=day) + place * _ROW).isoformat()
    name = f"{drawn.getrandbits(64):016x}"
    header = RunHeader(name, started, "0", "simulated", (), {}, {_SUBJECT: {}}, {})
    return Run(name, header, (record,), repetitions, (), None)


def _speeds(spread: Spread, drawn: random.Random) -> list[float]:
    """Return the speed of each day, which may remember the day before."""
    speeds = [drawn.gauss(0, spread.days)]
    for _ in range(1, _DAYS):
        fresh = drawn.gauss(0, spread.days) * math.sqrt(1 - spread.memory**2)
        speeds.append(spread.memory * speeds[-1] + fresh)
    return speeds


def is_called_different(history: History, spread: Spread, seed: int) -> bool | None:
    """
    Compare stored sessions of identical code once.

    Args:
        history: When they were made.
        spread: How sessions vary.
        seed: Of their speeds.

    Returns:
        Whether a difference was claimed, small ones included; None without a verdict.
    """
    drawn = random.Random(seed)
    speeds = _speeds(spread, drawn)
    sides = [
        [
            _session(moment, speeds[moment[0]] + drawn.gauss(0, spread.sessions), drawn)
            for moment in moments
        ]
        for moments in history
    ]
    (comparison,) = compare_stored(sides[0], sides[1], history=sides[2])
    if comparison.interval is None:
        return None
    return not comparison.interval.low <= 1.0 <= comparison.interval.high


def stored(trials: int, *, seed: int = 0) -> ValidationTable:
    """
    Return how often stored sessions of identical code are called different.

    Args:
        trials: Comparisons of each history and each ratio of spreads.
        seed: Everything follows from it.
    """
    rows = []
    for name, history in HISTORIES.items():
        cells = []
        for spread in SPREADS:
            calls = [is_called_different(history, spread, seed + trial) for trial in range(trials)]
            judged = sum(call is not None for call in calls)
            false = sum(call is True for call in calls)
            cells.append(rate(false, judged) if judged else "described only")
        rows.append((name, *cells))
    head = [
        f"days {spread.days:.1%}, sessions {spread.sessions:.1%}"
        + (f", days remember {spread.memory:.0%}" if spread.memory else "")
        for spread in SPREADS
    ]
    return ValidationTable(
        "Stored sessions of identical code: differences claimed",
        ("history", *head),
        tuple(rows),
        f"{trials} comparisons each; the standard deviations are those of days, and of the "
        "sessions of one day; where days remember, neighbours correlate by that much. The sides "
        "lie a week apart, where the history does not say otherwise. An interval that excludes 1 "
        "is a claim, whatever its size; at most 5 % may be.",
    )
