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
from statistics import fmean, harmonic_mean, median, variance
from typing import NamedTuple

from mpbench.analysis.stats import Interval, student_interval
from mpbench.analysis.verdict import DecisionRules, Verdict
from mpbench.model import Better, Metric, Run

__all__ = ("SESSIONS_NEEDED", "StoredComparison", "Variation", "compare_stored", "variation")

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


class Variation(NamedTuple):
    """
    How much the means of sessions of the same thing vary.

    `of_means` is the variance of a session's mean, `freedom` with how many degrees of
    freedom it was estimated, `of_agents` the variance of the agents inside a session,
    and `agents` how many of them a session had (the harmonic mean).
    """

    of_means: float
    freedom: int
    of_agents: float
    agents: float

    def of_mean(self, agents: int) -> float:
        """Return the variance of the mean of a session with so many agents, never less."""
        return self.of_means + max(0.0, self.of_agents * (1.0 / agents - 1.0 / self.agents))


def variation(groups: Sequence[Sequence[Sequence[float]]]) -> Variation | None:
    """
    Return how much session means vary around their groups' means.

    The session is the unit: what its agents do inside it is part of how its mean
    varies, and no number of them gives more degrees of freedom.

    Args:
        groups: Groups of sessions of the same thing; a session is its agents' values.

    Returns:
        None where no group has two sessions.
    """
    several = [sessions for sessions in groups if len(sessions) > 1]
    freedom = sum(len(sessions) - 1 for sessions in several)
    if not freedom:
        return None
    squares = sum(
        variance([fmean(one) for one in sessions]) * (len(sessions) - 1) for sessions in several
    )
    every = [one for sessions in several for one in sessions]
    inside = [one for one in every if len(one) > 1]
    spare = sum(len(one) - 1 for one in inside)
    within = sum(variance(one) * (len(one) - 1) for one in inside) / spare if spare else 0.0
    return Variation(squares / freedom, freedom, within, harmonic_mean(map(len, every)))


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


def _verdict(ratio: Interval, metric: Metric, rules: DecisionRules) -> Verdict:
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
    rules: DecisionRules | None = None,
) -> tuple[StoredComparison, ...]:
    """
    Compare results that were not measured together.

    The intervals of all cases hold together (Bonferroni). The unit is the
    session. Its mean varies as the means of the history's sessions do around their
    mean, or those of the sides' own; Student's t has as many degrees of freedom as
    there were sessions to tell (less one for each group).

    Args:
        base: One or more sessions of the one side.
        new: One or more sessions of the other.
        history: Sessions of the same machine in which nothing was changed.
        rules: What counts as a difference.
    """
    metrics = {(one.subject, one.case.id): one.metric for run in (*base, *new) for one in run.cases}
    here, there = _pooled(base), _pooled(new)
    pairs = _partners(here, there)
    given = rules or DecisionRules()
    family = replace(given, alpha=given.alpha / max(1, len(pairs)))
    every = (*base, *new, *history)
    one_machine = len(_machines(every)) == 1
    # What is compared is no evidence of how sessions vary beside.
    compared = {run.header.run for run in (*base, *new)}
    past = _pooled([run for run in history if run.header.run not in compared])
    found: list[StoredComparison] = []
    for first, second in pairs:
        sides = _Sides(first, second, here[first], there[second])
        revised = _revised(first, second, base, new)
        known = past.get(first, [])
        enough = len(known) >= SESSIONS_NEEDED or min(sides.sessions) >= _SESSIONS_EACH
        may_judge = enough and one_machine and not revised
        varied = variation([known, sides.base, sides.new]) if may_judge else None
        one = _compared(sides, metrics[first], varied, family)
        reason = one.reason if one.verdict is not None else revised or _why_not(every)
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
    sides: _Sides, metric: Metric, varied: Variation | None, rules: DecisionRules
) -> StoredComparison:
    base, new = ([fmean(one) for one in side] for side in (sides.base, sides.new))
    estimate = fmean(new) - fmean(base)
    interval = verdict = None
    reason = ""
    if varied is not None:
        squared = sum(
            sum(varied.of_mean(len(one)) for one in side) / len(side) ** 2
            for side in (sides.base, sides.new)
        )
        logs = student_interval(
            estimate, math.sqrt(squared), varied.freedom, level=1.0 - rules.alpha
        )
        verdict = _verdict(logs, metric, rules)
        interval = Interval(*(math.exp(one) for one in logs))
        if verdict is Verdict.INCONCLUSIVE:
            reason = (
                f"how much sessions vary is known from {varied.freedom} degrees of freedom; more "
                "runs of the same code with --history make the interval narrower"
            )
    (subject, case), (other, _) = sides.first, sides.second
    return StoredComparison(
        subject=subject if subject == other else f"{subject} -> {other}",
        case=case,
        metric=metric,
        ratio=math.exp(estimate),
        interval=interval,
        agents=(sum(map(len, sides.base)), sum(map(len, sides.new))),
        sessions=sides.sessions,
        verdict=verdict,
        reason=reason,
    )
