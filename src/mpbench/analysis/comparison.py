"""Comparisons in a result file of `mpbench compare`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any, NamedTuple

from mpbench.analysis.episode import EpisodeStatistic, MetricRef, counted, episode_statistic
from mpbench.model import Metric, Repetition, Run, Status

__all__ = ("Comparison", "Phase", "comparisons_in", "comparisons_of", "control_episodes")

# A case that failed once may have met the machine's worst moment; twice is its own doing.
FAILURES_ALLOWED = 1
# With fewer episodes nobody knows how widely a case spreads.
_FEWEST_FOR_SPREAD = 4


class Phase(StrEnum):
    """Which part of a session an episode belongs to."""

    MAIN = "main"
    # Identical arms: what the session says about nothing.
    CONTROL = "control"
    # A second session with new coins, for what the first one called a change.
    CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    Two arms of one case and what their episodes say.

    Args:
        pair: The key of the two measured arms in the file's plan.
        title: The case, for people.
        baseline: The name of the arm compared with.
        candidate: The name of the other arm.
        reading: Which number is compared.
        episodes: One statistic for each episode, in order, dropped ones included.
        problem: Why nothing can be said whatever the episodes hold; None normally.
        refused: Whether that was known before anything was measured.
    """

    pair: str
    title: str
    baseline: str
    candidate: str
    reading: MetricRef
    episodes: tuple[EpisodeStatistic, ...]
    problem: str | None = None
    refused: bool = False

    @property
    def dropped_share(self) -> float:
        """The share of episodes that were dropped as too noisy."""
        dropped = sum(episode.dropped is not None for episode in self.episodes)
        return dropped / len(self.episodes) if self.episodes else 0.0

    @property
    def on_one_cpu(self) -> bool:
        """Whether both arms ran on one CPU, drawn for each episode."""
        return any(episode.cpu is not None for episode in self.episodes)

    @property
    def seconds(self) -> float:
        """Wall-clock time spent on its episodes."""
        return sum(episode.seconds for episode in self.episodes)

    @property
    def seconds_each(self) -> float | None:
        """Wall-clock time of one counted episode, the dropped ones shared out."""
        kept = len(counted(self.episodes))
        return self.seconds / kept if kept else None


def _by_pair(repetitions: Iterable[Repetition], part: Phase) -> Mapping[str, list[Repetition]]:
    by_pair: dict[str, list[Repetition]] = defaultdict(list)
    for repetition in repetitions:
        if (
            repetition.slice is not None
            and repetition.extra.get("part", Phase.MAIN.value) == part.value
        ):
            by_pair[str(repetition.extra.get("pair"))].append(repetition)
    return by_pair


def _problem(repetitions: Iterable[Repetition]) -> str | None:
    """Return why a pair cannot be compared: the commonest reason of its failures."""
    failed = [
        repetition
        for repetition in repetitions
        if not repetition.is_ok and repetition.status is not Status.INTERRUPTED
    ]
    hopeless = [
        repetition
        for repetition in failed
        if repetition.status in {Status.UNSUPPORTED, Status.SKIPPED}
    ]
    if not hopeless and len(failed) <= FAILURES_ALLOWED:
        return None
    (status, reason), _ = Counter(
        (repetition.status.value, repetition.reason) for repetition in failed
    ).most_common(1)[0]
    return f"{status}: {reason}"


def _episodes(
    repetitions: Iterable[Repetition], reading: MetricRef
) -> tuple[EpisodeStatistic, ...]:
    by_episode: dict[int, dict[str, Repetition]] = defaultdict(dict)
    for repetition in repetitions:
        if repetition.is_ok and repetition.slice is not None:
            by_episode[repetition.slice.episode][str(repetition.extra.get("role"))] = repetition
    found = [
        episode_statistic(both["baseline"], both["candidate"], reading)
        for _, both in sorted(by_episode.items())
        if both.keys() >= {"baseline", "candidate"}
    ]
    return tuple(entry for entry in found if entry is not None)


def _reading(entry: Mapping[str, Any]) -> MetricRef:
    return MetricRef(metric=Metric.of(entry["metric"]), fact=entry.get("fact"))


def comparisons_in(
    pairs: Iterable[Mapping[str, Any]],
    repetitions: Iterable[Repetition],
    *,
    part: Phase = Phase.MAIN,
) -> tuple[Comparison, ...]:
    """
    Return what a plan's pairs were found to differ in, one comparison for each reading.

    Args:
        pairs: The entries `pairs` of the plan.
        repetitions: Everything measured so far.
        part: Which part of the session.
    """
    by_pair = _by_pair(repetitions, part)
    return tuple(
        _comparison(pair, _reading(entry), by_pair.get(pair["id"], []))
        for pair in pairs
        for entry in pair["readings"]
    )


def _comparison(
    pair: Mapping[str, Any], reading: MetricRef, repetitions: Sequence[Repetition]
) -> Comparison:
    episodes = _episodes(repetitions, reading)
    problem = pair.get("refused") or _problem(repetitions)
    if problem is None and any(repetition.is_ok for repetition in repetitions) and not episodes:
        problem = "no positive reading to compare in both arms"
    return Comparison(
        pair=pair["id"],
        title=pair["title"],
        baseline=pair["baseline"],
        candidate=pair["candidate"],
        reading=reading,
        episodes=episodes,
        problem=problem,
        refused=bool(pair.get("refused")),
    )


def comparisons_of(run: Run, *, part: Phase = Phase.MAIN) -> tuple[Comparison, ...]:
    """Return the comparisons of a stored session; none when the file is no comparison."""
    return comparisons_in(run.header.plan.get("pairs", ()), run.repetitions, part=part)


class ControlEpisodes(NamedTuple):
    """The control episodes that count: log ratios, and how widely their cases spread."""

    log_ratios: tuple[float, ...]
    spreads: tuple[float, ...]


def control_episodes(
    controls: Iterable[Comparison], mains: Iterable[Comparison]
) -> ControlEpisodes:
    """
    Return the control episodes that count, main readings only.

    A spread is that of the same case's other episodes around their middle, the median
    absolute deviation of the log ratios; a case with fewer than four, or
    without any spread, gets the median of the others, or 1.

    Args:
        controls: The comparisons of identical arms.
        mains: The comparisons of the same pairs.
    """
    known: dict[str, float] = {}
    for main in mains:
        ratios = counted(main.episodes)
        if main.reading.fact is None and len(ratios) >= _FEWEST_FOR_SPREAD:
            middle = median(ratios)
            known[main.pair] = median(abs(ratio - middle) for ratio in ratios)
    usual = median(found) if (found := [one for one in known.values() if one > 0.0]) else 1.0
    pairs = [
        (ratio, known.get(control.pair) or usual)
        for control in controls
        if control.reading.fact is None
        for ratio in counted(control.episodes)
    ]
    return ControlEpisodes(tuple(pair for pair, _ in pairs), tuple(pair for _, pair in pairs))
