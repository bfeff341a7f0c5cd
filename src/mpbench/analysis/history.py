"""Series of one case over commits, on one machine and in one environment."""

from __future__ import annotations

import fnmatch
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from mpbench.analysis.change_points import Change, CommitMedian, change_points
from mpbench.analysis.stats import median_interval
from mpbench.model import Case, Run

__all__ = (
    "Commit",
    "CommitRun",
    "Series",
    "Step",
    "commit_run",
    "narrowed",
    "series_over_commits",
    "steps_of",
)


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


class CommitRun(NamedTuple):
    """
    What one run says of one commit: the median of each case on one machine and interpreter.

    Args:
        machine: Where it was measured.
        environment: The interpreter, and for imported results the environment's name.
        commit: The commit, or the run where it has none.
        path: The file.
        medians: In seconds, with an interval where there are enough repetitions.
        repetitions: How many there were, failed ones included.
    """

    machine: str
    environment: str
    commit: Commit
    path: str
    medians: Mapping[Case, CommitMedian]
    repetitions: int

    def redated(self, dates: Mapping[tuple[str, str], str]) -> CommitRun:
        """Return it with another date, by the date that it has and the commit."""
        date = dates.get((self.commit.date, self.commit.name), self.commit.date)
        return self._replace(commit=self.commit._replace(date=date))


def _level(values: Sequence[float]) -> CommitMedian:
    middle = statistics.median(values)
    interval = median_interval(values) if len(values) > 1 else None
    if interval is None:
        return CommitMedian(middle)
    return CommitMedian(middle, interval.low, interval.high)


def commit_run(run: Run) -> CommitRun:
    """Return the median of each case: the samples of a repetition count once, as their median."""
    values: dict[Case, list[float]] = defaultdict(list)
    for repetition in run.repetitions:
        if repetition.is_ok:
            seconds = [sample.seconds for sample in repetition.samples]
            values[repetition.case].append(statistics.median(seconds))
    levels = {case: _level(medians) for case, medians in values.items()}
    header = run.header
    return CommitRun(
        header.machine,
        ", ".join(header.subjects),
        Commit(str(header.plan.get("commit", header.run)), header.started_utc),
        run.path,
        # A value of 0 has no logarithm, and no ratio to any other.
        {case: level for case, level in levels.items() if level.value > 0},
        len(run.repetitions),
    )


def _of_one_place(runs: Sequence[CommitRun]) -> Iterator[Series]:
    ordered = sorted(runs, key=lambda run: (run.commit.date, run.path))
    for case in dict.fromkeys(case for run in ordered for case in run.medians):
        places = tuple(place for place, run in enumerate(ordered) if case in run.medians)
        levels = tuple(ordered[place].medians[case] for place in places)
        yield Series(
            ordered[0].machine,
            ordered[0].environment,
            case,
            tuple(ordered[place].commit for place in places),
            levels,
            change_points(levels),
            places,
        )


def series_over_commits(runs: Sequence[Run | CommitRun]) -> tuple[Series, ...]:
    """
    Return every case over commits, by machine, environment and case.

    Args:
        runs: One for each commit, with the commit in their plans and its date in `started_utc`.
    """
    places: dict[tuple[str, str], list[CommitRun]] = defaultdict(list)
    for run in runs:
        one = commit_run(run) if isinstance(run, Run) else run
        places[one.machine, one.environment].append(one)
    return tuple(series for _, each in sorted(places.items()) for series in _of_one_place(each))


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
        return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    return tuple(
        run._replace(
            cases=tuple(case for case in run.cases if fits(case.case.workload, select)),
            repetitions=tuple(
                repetition
                for repetition in run.repetitions
                if fits(repetition.case.workload, select)
            ),
        )
        for run in runs
        if fits(run.header.machine, machines)
        and any(fits(name, environments) for name in run.header.subjects)
    )


def steps_of(series: Sequence[Series]) -> tuple[Step, ...]:
    """Return every step: those that became slower first, each kind by size."""
    steps = [Step(line, change) for line in series for change in line.changes]
    return tuple(sorted(steps, key=lambda step: -step.change.ratio))
