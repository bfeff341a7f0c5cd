"""
Comparison of result files from different sessions.

A session has a speed of its own (which host, which neighbours, how warm), and
sessions that follow each other share it. So the unit is a cluster of sessions
in time, and how much clusters vary is known only from a history that spans at
least the time between the two sides. Without one, a difference is described
and not judged.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import fmean, median
from typing import NamedTuple

from mpbench.analysis.clusters import (
    LONGEST_S,
    Cluster,
    Session,
    Variation,
    cluster_mean,
    cluster_sessions,
    variation,
)
from mpbench.analysis.stats import Interval, student_interval
from mpbench.analysis.verdict import DecisionRules, Verdict, claim
from mpbench.errors import UsageError
from mpbench.model import Metric, Run

__all__ = ("CLUSTERS_NEEDED", "StoredComparison", "compare_stored")

# With fewer clusters their variance is known so badly that it decides nothing.
CLUSTERS_NEEDED = 5
# Two sides of three clusters each know it about as well.
_CLUSTERS_EACH = 3
# Neighbours of a history are more alike than sides further apart, where days remember
# each other; this share of the error rate is kept for that.
_RESERVE = 0.5

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
        values: The median of base and new in the metric's unit, over agents; of several
            sessions the geometric mean. Their ratio is `ratio`.
        ratio: New to base.
        interval: Of the ratio; None when the session variance is not known.
        agents: How many agents each side has.
        sessions: How many sessions each side has.
        clusters: In how many clusters in time they lie.
        verdict: None when nothing but a description can be given.
        reason: Why there is no verdict, and how to get one.
    """

    subject: str
    case: str
    metric: Metric
    values: tuple[float, float]
    ratio: float
    interval: Interval | None
    agents: tuple[int, int]
    sessions: tuple[int, int]
    clusters: tuple[int, int]
    verdict: Verdict | None
    reason: str


def _log_medians(run: Run) -> Mapping[Key, list[float]]:
    """Return, by case, one number for each agent: the log of its median reading."""
    metrics = {(record.subject, record.case): record.metric for record in run.cases}
    by_case: dict[Key, list[float]] = defaultdict(list)
    for repetition in run.repetitions:
        if not repetition.is_ok or not repetition.samples:
            continue
        middle = median(repetition.values(metrics[repetition.subject, repetition.case]))
        if middle > 0.0:
            by_case[repetition.subject, repetition.case.id].append(math.log(middle))
    return by_case


def _started_s(run: Run) -> float:
    started = datetime.fromisoformat(run.header.started_utc)
    return (started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp()


def _sessions(runs: Sequence[Run]) -> Mapping[Key, list[Session]]:
    """Return, by case, each session that holds it."""
    by_case: dict[Key, list[Session]] = defaultdict(list)
    # A copy of a session is no second session.
    for run in {run.header.run: run for run in runs}.values():
        for key, values in _log_medians(run).items():
            by_case[key].append(Session(_started_s(run), tuple(values)))
    return by_case


def _revised(first: Key, second: Key, base: Sequence[Run], new: Sequence[Run]) -> str:
    """Return why a case of the same name is another one now, or nothing."""
    sides = ((first, base), (second, new))
    revisions = [
        {
            record.revision
            for run in runs
            for record in run.cases
            if (record.subject, record.case.id) == key
        }
        for key, runs in sides
    ]
    if revisions[0] == revisions[1]:
        return ""
    return (
        f"revision {sorted(revisions[0])} of the workload measured something else than "
        f"revision {sorted(revisions[1])}; measure both sides with one version of mpbench"
    )


def _machines(runs: Iterable[Run]) -> set[tuple[str, str]]:
    """Return the machines by name and hardware: a name may move to another host."""
    headers = (run.header for run in runs)
    return {(each.machine, str(each.environment.get("fingerprint", ""))) for each in headers}


def _several_machines(runs: Sequence[Run]) -> str:
    """Return why the runs' machines rule a verdict out, or nothing."""
    machines = _machines(runs)
    if len(machines) == 1:
        return ""
    names = {name for name, _ in machines}
    what = "different machines" if len(names) > 1 else "different hardware under the same name"
    return (
        f"{what}: only ratios inside one machine can be compared; "
        "see `mpbench report`, which shows each beside its floors"
    )


class _Sides(NamedTuple):
    """One case on both sides and in the history: keys and sessions."""

    first: Key
    second: Key
    base: list[Session]
    new: list[Session]
    past: list[Session]

    @property
    def width_s(self) -> float:
        """How long a cluster may be: as the sides lie apart, and half a day at most."""
        starts = [[session.started_s for session in side] for side in (self.base, self.new)]
        apart = max(max(starts[0]) - min(starts[1]), max(starts[1]) - min(starts[0]))
        return min(LONGEST_S, max(1.0, apart))

    @property
    def groups(self) -> tuple[tuple[Cluster, ...], ...]:
        """The clusters of base, new and history."""
        every = (self.base, self.new, self.past)
        return tuple(cluster_sessions(sessions, self.width_s) for sessions in every)

    @property
    def gap_s(self) -> float:
        """The time between the middles of the two sides."""
        base, new = (fmean(one.started_s for one in side) for side in (self.base, self.new))
        return abs(new - base)


def _span_s(clusters: Sequence[Cluster]) -> float:
    return clusters[-1][-1].started_s - clusters[0][0].started_s if clusters else 0.0


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "hours")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 60 else f"{seconds:.0f} s"  # noqa: PLR2004


def _lacking(sides: _Sides) -> str:
    """Return what history is lacking for a verdict, or nothing."""
    base, new, past = sides.groups
    span, gap = max(map(_span_s, sides.groups)), sides.gap_s
    enough = len(past) >= CLUSTERS_NEEDED or min(len(base), len(new)) >= _CLUSTERS_EACH
    if enough and span >= gap:
        return ""
    apart, close = _duration(gap), _duration(sides.width_s)
    return (
        f"how much sessions of this machine vary over the {apart} between the sides is not known: "
        f"the history has {len(sides.past)} sessions at {len(past)} different times (those within "
        f"{close} count as one) and spans {_duration(span)}; give runs of the same code with "
        f"--history that lie at {CLUSTERS_NEEDED} such times or more and span {apart}, or let "
        "`mpbench compare --arm ... --arm ...` measure both sides now"
    )


def _partners(base: Iterable[Key], new: Iterable[Key]) -> list[tuple[Key, Key]]:
    """Pair the keys of two sides; a file with one interpreter each is paired by case."""
    first, second = list(base), list(new)
    subjects = {key[0] for key in first}, {key[0] for key in second}
    if all(len(names) == 1 for names in subjects):
        there = {case: subject for subject, case in second}
        return [(key, (there[key[1]], key[1])) for key in first if key[1] in there]
    return [(key, key) for key in first if key in set(second)]


def _check_units(pairs: Iterable[tuple[Key, Key]], base: Sequence[Run], new: Sequence[Run]) -> None:
    """
    Make sure that both sides of each case have one unit.

    Raises:
        UsageError: They have two, and a ratio of them would say nothing.
    """
    sides = [
        {(case.subject, case.case.id): case.metric.unit for run in runs for case in run.cases}
        for runs in (base, new)
    ]
    for first, second in pairs:
        units = sides[0][first], sides[1][second]
        if units[0] != units[1]:
            raise UsageError(
                f"{first[1]} is in {units[0]} on the one side and in {units[1]} on the other, and "
                "a ratio of them says nothing; compare files that hold it in one unit"
            )


def compare_stored(
    base: Sequence[Run],
    new: Sequence[Run],
    *,
    history: Sequence[Run] = (),
    rules: DecisionRules | None = None,
) -> tuple[StoredComparison, ...]:
    """
    Compare results that were not measured together.

    The intervals of all cases hold together (Bonferroni). The unit is a cluster
    of sessions in time. Its mean varies as the means of the history's clusters
    do around their mean, or those of the sides' own; Student's t has as many
    degrees of freedom as there were clusters to tell (less one for each group).

    Args:
        base: One or more sessions of the one side.
        new: One or more sessions of the other.
        history: Sessions of the same machine in which nothing was changed.
        rules: What counts as a difference.

    Raises:
        UsageError: A case has two units.
    """
    every = (*base, *new, *history)
    metrics = {
        (record.subject, record.case.id): record.metric for run in every for record in run.cases
    }
    here, there = _sessions(base), _sessions(new)
    # What is compared is no evidence of how sessions vary beside.
    sides_runs = {run.header.run for run in (*base, *new)}
    past = _sessions([run for run in history if run.header.run not in sides_runs])
    pairs = _partners(here, there)
    _check_units(pairs, base, new)
    given = rules or DecisionRules()
    family = replace(given, alpha=given.alpha / max(1, len(pairs)))
    machines = _several_machines(every)
    comparisons: list[StoredComparison] = []
    for first, second in pairs:
        sides = _Sides(first, second, here[first], there[second], past.get(first, []))
        why_not = machines or _revised(first, second, base, new) or _lacking(sides)
        comparisons.append(_compared(sides, metrics[first], why_not, family))
    return tuple(comparisons)


def _interval(
    estimate: float, groups: Sequence[Sequence[Cluster]], varied: Variation, level: float
) -> Interval:
    squared = sum(
        sum(map(varied.of_mean, clusters)) / len(clusters) ** 2 for clusters in groups[:2]
    )
    return student_interval(estimate, math.sqrt(squared), varied.freedom, level=level)


def _compared(
    sides: _Sides, metric: Metric, why_not: str, rules: DecisionRules
) -> StoredComparison:
    groups = sides.groups
    base, new = (fmean(map(cluster_mean, clusters)) for clusters in groups[:2])
    interval = verdict = None
    varied = None if why_not else variation(groups)
    if varied is not None:
        logs = _interval(new - base, groups, varied, 1.0 - _RESERVE * rules.alpha)
        verdict = claim(logs, metric, rules)
        interval = Interval(*(math.exp(log) for log in logs))
        if verdict is Verdict.INCONCLUSIVE:
            why_not = (
                f"how much sessions vary is known from {varied.freedom} degrees of freedom; more "
                "runs of the same code with --history make the interval narrower"
            )
    (subject, case), (other, _) = sides.first, sides.second
    return StoredComparison(
        subject=subject if subject == other else f"{subject} -> {other}",
        case=case,
        metric=metric,
        values=(math.exp(base), math.exp(new)),
        ratio=math.exp(new - base),
        interval=interval,
        agents=(
            sum(len(session.values) for session in sides.base),
            sum(len(session.values) for session in sides.new),
        ),
        sessions=(len(sides.base), len(sides.new)),
        clusters=(len(groups[0]), len(groups[1])),
        verdict=verdict,
        reason=why_not,
    )
