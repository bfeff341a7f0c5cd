"""
Log ratio of an episode, from the repetitions of its two agents.

The unit of a comparison is the episode, never the slice: slices of one agent
share its memory layout, its hash seed and its luck, so a hundred of them say
no more about another agent than a few do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from mpbench.model import Metric, Repetition, Sample

__all__ = (
    "EpisodeStatistic",
    "MetricRef",
    "counted",
    "episode_statistic",
    "pair_log_ratios",
    "slice_values",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRef:
    """Which number of a sample is compared: the workload's main reading, or one of its facts."""

    metric: Metric
    fact: str | None = None

    def of(self, sample: Sample) -> float:
        """Return the reading of one sample, in base units; NaN where it lacks."""
        if self.fact is None:
            return sample.value(self.metric)
        value = sample.facts.get(self.fact, math.nan)
        return value / 1e9 if self.metric.unit == "s" else value


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeStatistic:
    """
    What one episode says.

    Args:
        episode: Its number in the comparison.
        log_ratio: ln(candidate / baseline), the median over its pairs of slices.
        pairs: How many pairs of slices it has.
        baseline_first: What the coin said: whether the baseline was launched first.
        seconds: Wall-clock time that it took, launching included.
        dropped: Why it does not count, on evidence that is blind to the arms; None if it counts.
        cpu: The one that both arms ran on; None where they had all.
    """

    episode: int
    log_ratio: float
    pairs: int
    baseline_first: bool
    seconds: float
    dropped: str | None = None
    cpu: int | None = None


def slice_values(repetition: Repetition, reading: MetricRef) -> Mapping[int, float]:
    """Return one value for each slice of an arm, by its turn."""
    by_turn: dict[int, list[float]] = {}
    turns = repetition.slice.turns if repetition.slice is not None else ()
    for turn, sample in zip(turns, repetition.samples, strict=True):
        by_turn.setdefault(turn, []).append(reading.of(sample))
    return {turn: fmean(values) for turn, values in by_turn.items()}


def pair_log_ratios(baseline: Mapping[int, float], candidate: Mapping[int, float]) -> list[float]:
    """
    Return ln(candidate / baseline) for each pair of neighbouring slices.

    Turns 0 and 1 are a pair, 2 and 3 the next; which arm went first within a
    pair was drawn at random. A slice without its neighbour says nothing.
    """
    first = {turn // 2: value for turn, value in baseline.items()}
    second = {turn // 2: value for turn, value in candidate.items()}
    return [
        math.log(second[pair] / first[pair])
        for pair in sorted(first.keys() & second.keys())
        if first[pair] > 0.0 and second[pair] > 0.0
    ]


def episode_statistic(
    baseline: Repetition, candidate: Repetition, reading: MetricRef
) -> EpisodeStatistic | None:
    """
    Return the statistic of one episode, or None when no pair of slices can be compared.

    Args:
        baseline: What the baseline's agent measured.
        candidate: What the other arm's agent measured in the same episode.
        reading: Which number is compared.
    """
    if baseline.slice is None or candidate.slice is None:
        return None
    ratios = pair_log_ratios(slice_values(baseline, reading), slice_values(candidate, reading))
    if not ratios:
        return None
    return EpisodeStatistic(
        episode=baseline.slice.episode,
        log_ratio=median(ratios),
        pairs=len(ratios),
        baseline_first=baseline.slice.launched_first,
        seconds=float(baseline.extra.get("episode_ns", 0)) / 1e9,
        dropped=baseline.extra.get("dropped"),
        cpu=baseline.extra.get("cpu"),
    )


def counted(episodes: Iterable[EpisodeStatistic]) -> Sequence[float]:
    """Return the log ratios of the episodes that count, in the order in which they were made."""
    kept = [episode for episode in episodes if episode.dropped is None]
    return [episode.log_ratio for episode in sorted(kept, key=lambda episode: episode.episode)]
