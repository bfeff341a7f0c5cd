"""Series of one case over commits, on one machine and in one environment."""

from __future__ import annotations

import fnmatch
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mpbench.analysis.change_points import Change, CommitMedian, change_points
from mpbench.analysis.stats import median_interval
from mpbench.model import Case, Run

__all__ = ("Commit", "Series", "Step", "narrowed", "series_over_commits", "steps_of")


class Commit(NamedTuple):
    """A commit by its hash and its date (ISO 8601)."""

    name: str
    date: str


class Series(NamedTuple):
    """
    One case over commits; commits, medians (in seconds) and steps in the order of commits.

    Args:
        machine: Where it was measured.
        environment: The interpreter, and for imported results the environment's name.
        case: What was measured.
        commits: Those that have a value.
        levels: One for each of them.
        changes: Steps; `position` is an index into `commits`.
        places: Of each commit, its place among all commits of the machine and environment.
    """

    machine: str
    environment: str
    case: Case
    commits: tuple[Commit, ...]
    levels: tuple[CommitMedian, ...]
    changes: tuple[Change, ...]
    places: tuple[int, ...]


class Step(NamedTuple):
    """One step of one series: between which two commits, and how large."""

    series: Series
    change: Change

    @property
    def before(self) -> Commit:
        """The last commit that was measured before the step."""
        return self.series.commits[self.change.position - 1]

    @property
    def after(self) -> Commit:
        """The first commit that was measured after the step."""
        return self.series.commits[self.change.position]


def _level(values: Sequence[float]) -> CommitMedian:
    interval = median_interval(values)
    middle = statistics.median(values)
    if interval is None:
        return CommitMedian(middle)
    return CommitMedian(middle, interval.low, interval.high)


def _levels_of(run: Run) -> dict[Case, CommitMedian]:
    """Return the level of each case: the samples of a repetition count once, as their median."""
    values: dict[Case, list[float]] = defaultdict(list)
    for repetition in run.repetitions:
        if repetition.is_ok:
            seconds = [sample.seconds for sample in repetition.samples]
            values[repetition.case].append(statistics.median(seconds))
    levels = {case: _level(medians) for case, medians in values.items()}
    # A value of 0 has no logarithm, and no ratio to any other.
    return {case: level for case, level in levels.items() if level.value > 0}


def _of_one_place(machine: str, environment: str, runs: Sequence[Run]) -> Iterator[Series]:
    ordered = sorted(runs, key=lambda run: (run.header.started_utc, run.path))
    commits = [
        Commit(str(run.header.plan.get("commit", run.header.run)), run.header.started_utc)
        for run in ordered
    ]
    measured = [_levels_of(run) for run in ordered]
    for case in dict.fromkeys(case for levels in measured for case in levels):
        places = tuple(place for place, levels in enumerate(measured) if case in levels)
        levels = tuple(measured[place][case] for place in places)
        yield Series(
            machine,
            environment,
            case,
            tuple(commits[place] for place in places),
            levels,
            change_points(levels),
            places,
        )


def series_over_commits(runs: Sequence[Run]) -> tuple[Series, ...]:
    """
    Return every case over commits, by machine, environment and case.

    Args:
        runs: One for each commit, with the commit in their plans and its date in `started_utc`.
    """
    places: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        places[run.header.machine, ", ".join(run.header.subjects)].append(run)
    return tuple(
        series
        for (machine, environment), each in sorted(places.items())
        for series in _of_one_place(machine, environment, each)
    )


def narrowed(
    runs: Sequence[Run],
    *,
    select: Sequence[str],
    machines: Sequence[str],
    environments: Sequence[str],
) -> tuple[Run, ...]:
    """
    Return the runs of some machines and environments, with the cases of some workloads.

    Each argument is a list of patterns as a shell has them; an empty one means all.
    """

    def fits(name: str, patterns: Sequence[str]) -> bool:
        return not patterns or any(fnmatch.fnmatchcase(name, one) for one in patterns)

    return tuple(
        run._replace(
            cases=tuple(one for one in run.cases if fits(one.case.workload, select)),
            repetitions=tuple(one for one in run.repetitions if fits(one.case.workload, select)),
        )
        for run in runs
        if fits(run.header.machine, machines)
        and any(fits(name, environments) for name in run.header.subjects)
    )


def steps_of(series: Sequence[Series]) -> tuple[Step, ...]:
    """Return every step: those that became slower first, each kind by size."""
    steps = [Step(one, change) for one in series for change in one.changes]
    return tuple(sorted(steps, key=lambda step: -step.change.ratio))
