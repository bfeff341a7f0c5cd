"""
Results of different sessions compared: a description, and a verdict only where it can be had.

A session has a speed of its own (which host, which neighbours, how warm), and
no number of repetitions inside it makes that smaller. How much sessions of
one machine vary is known only from several sessions of the same thing.
Without that, a difference between two files is described and not judged.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, variance
from typing import NamedTuple

from mpbench.analysis.verdict import Rules, Verdict
from mpbench.model import Better, Metric, Run
from mpbench.stats import Interval, welch_interval

__all__ = ("SESSIONS_NEEDED", "StoredComparison", "compare_stored", "session_variance")

# With fewer sessions their variance is known so badly that it decides nothing.
SESSIONS_NEEDED = 5
# Two sides of three sessions each know it about as well.
_SESSIONS_EACH = 3

# Where a case was measured and what it is: subject and case id.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredComparison:
    """
    One case in two sets of sessions.

    Args:
        subject: The interpreter; both names where they differ.
        case: The case's id.
        metric: What was measured.
        ratio: New to base.
        interval: Of the ratio; None when the session variance is not known.
        agents: How many agents each side has.
        sessions: How many sessions each side has.
        verdict: None when nothing but a description can be given.
        reason: Why there is no verdict, and how to get one.
    """

    subject: str
    case: str
    metric: Metric
    ratio: float
    interval: Interval | None
    agents: tuple[int, int]
    sessions: tuple[int, int]
    verdict: Verdict | None
    reason: str


def _log_medians(run: Run) -> Mapping[Key, list[float]]:
    """Return, by case, one number for each agent: the log of its median reading."""
    metrics = {(one.subject, one.case): one.metric for one in run.cases}
    found: dict[Key, list[float]] = defaultdict(list)
    for one in run.repetitions:
        if not one.is_ok or not one.samples:
            continue
        middle = median(one.values(metrics[one.subject, one.case]))
        if middle > 0.0:
            found[one.subject, one.case.id].append(math.log(middle))
    return found


def _added_variance(groups: Sequence[Sequence[Sequence[float]]]) -> tuple[float, int]:
    """
    Return what sessions add to the variance of their means, with its degrees of freedom.

    Args:
        groups: Groups of sessions of the same thing; a session is its agents' values.
    """
    freedom = sum(len(sessions) - 1 for sessions in groups)
    between = sum(
        variance([fmean(one) for one in sessions]) * (len(sessions) - 1) for sessions in groups
    )
    inside = [variance(one) / len(one) for sessions in groups for one in sessions if len(one) > 1]
    # What the agents inside a session explain is not the session's.
    return max(0.0, between / freedom - (fmean(inside) if inside else 0.0)), freedom


def session_variance(history: Sequence[Run]) -> Mapping[Key, tuple[float, int]]:
    """
    Return how much sessions of the same machine and code vary, by case.

    Args:
        history: Sessions in which nothing was changed.

    Returns:
        The variance of the log that sessions add, and its degrees of freedom,
        for the cases that at least five sessions hold.
    """
    return {
        key: _added_variance([sessions])
        for key, sessions in _pooled(history).items()
        if len(sessions) >= SESSIONS_NEEDED
    }


def _pooled(runs: Sequence[Run]) -> Mapping[Key, list[list[float]]]:
    """Return, by case, the agents' values of each session that holds it."""
    found: dict[Key, list[list[float]]] = defaultdict(list)
    # A copy of a session is no second session.
    for run in {run.header.run: run for run in runs}.values():
        for key, values in _log_medians(run).items():
            found[key].append(values)
    return found


def _revised(first: Key, second: Key, base: Sequence[Run], new: Sequence[Run]) -> str:
    """Return why a case of the same name is another one now, or nothing."""
    sides = ((first, base), (second, new))
    known = [
        {one.revision for run in runs for one in run.cases if (one.subject, one.case.id) == key}
        for key, runs in sides
    ]
    if known[0] == known[1]:
        return ""
    return (
        f"revision {sorted(known[0])} of the workload measured something else than "
        f"revision {sorted(known[1])}; measure both sides with one version of mpbench"
    )


def _machines(runs: Iterable[Run]) -> set[tuple[str, str]]:
    """Return the machines by name and hardware: a name may move to another host."""
    headers = (run.header for run in runs)
    return {(one.machine, str(one.environment.get("fingerprint", ""))) for one in headers}


def _why_not(runs: Sequence[Run]) -> str:
    machines = _machines(runs)
    if len(machines) > 1:
        names = {name for name, _ in machines}
        what = "different machines" if len(names) > 1 else "different hardware under the same name"
        return (
            f"{what}: only ratios inside one machine can be compared; "
            "see `mpbench report`, which shows each beside its floors"
        )
    return (
        f"how much sessions of this machine vary is not known: give at least {SESSIONS_NEEDED} "
        "runs of the same code with --history, or let `mpbench compare --arm ... --arm ...` "
        "measure both sides now"
    )


def _verdict(ratio: Interval, metric: Metric, rules: Rules) -> Verdict:
    leaves_one_out = ratio.low > 0.0 or ratio.high < 0.0
    if leaves_one_out and abs(ratio.estimate) >= rules.log_effect:
        grew = ratio.estimate > 0.0
        return Verdict.SLOWER if grew == (metric.better is Better.LOWER) else Verdict.FASTER
    if -rules.log_margin < ratio.low and ratio.high < rules.log_margin:
        return Verdict.UNCHANGED
    return Verdict.INCONCLUSIVE


def _partners(base: Iterable[Key], new: Iterable[Key]) -> list[tuple[Key, Key]]:
    """Pair the keys of two sides; a file with one interpreter each is paired by case."""
    first, second = list(base), list(new)
    subjects = {key[0] for key in first}, {key[0] for key in second}
    if all(len(one) == 1 for one in subjects):
        there = {case: subject for subject, case in second}
        return [(key, (there[key[1]], key[1])) for key in first if key[1] in there]
    return [(key, key) for key in first if key in set(second)]


def compare_stored(
    base: Sequence[Run],
    new: Sequence[Run],
    *,
    history: Sequence[Run] = (),
    rules: Rules | None = None,
) -> tuple[StoredComparison, ...]:
    """
    Compare results that were not measured together.

    The intervals of all cases hold together (Bonferroni). The unit is the
    agent. The squared error is the agents' on each side plus the sessions':
    `variance * (1 / sessions of base + 1 / sessions of new)`.

    Args:
        base: One or more sessions of the one side.
        new: One or more sessions of the other.
        history: Sessions of the same machine in which nothing was changed.
        rules: What counts as a difference.
    """
    metrics = {(one.subject, one.case.id): one.metric for run in (*base, *new) for one in run.cases}
    here, there = _pooled(base), _pooled(new)
    pairs = _partners(here, there)
    given = rules or Rules()
    family = replace(given, alpha=given.alpha / max(1, len(pairs)))
    every = (*base, *new, *history)
    one_machine = len(_machines(every)) == 1
    known = session_variance(history) if one_machine else {}
    found: list[StoredComparison] = []
    for first, second in pairs:
        sides = _Sides(first, second, here[first], there[second])
        revised = _revised(first, second, base, new)
        spread = None if revised else known.get(first)
        if spread is None and not revised and one_machine and min(sides.sessions) >= _SESSIONS_EACH:
            spread = _added_variance([sides.base, sides.new])
        one = _compared(sides, metrics[first], spread, family)
        reason = "" if one.verdict is not None else revised or _why_not(every)
        found.append(replace(one, reason=reason))
    return tuple(found)


class _Sides(NamedTuple):
    """One case on both sides: its keys, and each session's values."""

    first: Key
    second: Key
    base: list[list[float]]
    new: list[list[float]]

    @property
    def sessions(self) -> tuple[int, int]:
        """How many sessions each side has."""
        return len(self.base), len(self.new)


def _compared(
    sides: _Sides, metric: Metric, spread: tuple[float, int] | None, rules: Rules
) -> StoredComparison:
    base = [value for one in sides.base for value in one]
    new = [value for one in sides.new for value in one]
    estimate = fmean(new) - fmean(base)
    interval = verdict = None
    if spread is not None and min(len(base), len(new)) > 1:
        logs = welch_interval(
            base,
            new,
            level=1.0 - rules.alpha,
            extra_variance=spread[0] * sum(1 / count for count in sides.sessions),
            extra_freedom=spread[1],
        )
        verdict = _verdict(logs, metric, rules)
        interval = Interval(*(math.exp(one) for one in logs))
    (subject, case), (other, _) = sides.first, sides.second
    return StoredComparison(
        subject=subject if subject == other else f"{subject} -> {other}",
        case=case,
        metric=metric,
        ratio=math.exp(estimate),
        interval=interval,
        agents=(len(base), len(new)),
        sessions=sides.sessions,
        verdict=verdict,
        reason="",
    )
