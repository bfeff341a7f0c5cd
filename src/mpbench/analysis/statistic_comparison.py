"""
Comparison of episode statistics by their spread on identical arms.

Every candidate changes its sign when the arms are swapped, so each is valid
under the sign-flip test; they differ in how far identical arms spread.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mpbench.analysis.episode import MetricRef, slice_values
from mpbench.analysis.stats import hodges_lehmann
from mpbench.analysis.validation import ValidationTable
from mpbench.model import Metric, Repetition, Run

__all__ = ("STATISTICS", "pairs_of_episode", "spread_by_statistic")

# One row for each pair of slices: baseline, candidate.
Pairs = NDArray[np.float64]

# From the median absolute value to the standard deviation of a normal law.
_NORMAL = 1.4826


def _logs(pairs: Pairs) -> Pairs:
    logs: Pairs = np.log(pairs[:, 1] / pairs[:, 0])
    return logs


def _calmest_half(pairs: Pairs) -> float:
    # The product of a pair does not know which arm is which.
    order = np.argsort(np.log(pairs).sum(axis=1))
    return float(np.median(_logs(pairs[order[: max(1, len(pairs) // 2)]])))


def _of_quantile(level: float) -> Callable[[Pairs], float]:
    def statistic(pairs: Pairs) -> float:
        first, second = np.quantile(pairs, level, axis=0)
        return math.log(second / first)

    return statistic


STATISTICS: Mapping[str, Callable[[Pairs], float]] = MappingProxyType(
    {
        "median of pairs (in use)": lambda pairs: float(np.median(_logs(pairs))),
        "Hodges-Lehmann of pairs": lambda pairs: hodges_lehmann(_logs(pairs).tolist()),
        "mean of pairs": lambda pairs: float(_logs(pairs).mean()),
        "median of the calmer half": _calmest_half,
        "ratio of medians, unpaired": _of_quantile(0.5),
        "ratio of lower quartiles, unpaired": _of_quantile(0.25),
        "ratio of minima, unpaired": _of_quantile(0.0),
    }
)


def pairs_of_episode(baseline: Repetition, candidate: Repetition, reading: MetricRef) -> Pairs:
    """Return the values of each pair of neighbouring slices."""
    first = {turn // 2: value for turn, value in slice_values(baseline, reading).items()}
    second = {turn // 2: value for turn, value in slice_values(candidate, reading).items()}
    both = sorted(first.keys() & second.keys())
    return np.asarray([(first[number], second[number]) for number in both], dtype=float).reshape(
        -1, 2
    )


def _episodes(run: Run) -> Iterable[tuple[str, Pairs]]:
    """Yield the case and the pairs of every complete episode of identical arms."""
    halves: dict[tuple[object, object], dict[str, Repetition]] = defaultdict(dict)
    for repetition in run.repetitions:
        if (
            repetition.is_ok
            and repetition.slice is not None
            and repetition.extra.get("part") == "main"
        ):
            key = (repetition.extra.get("pair"), repetition.slice.episode)
            halves[key][str(repetition.extra.get("role"))] = repetition
    plans = {pair["id"]: pair for pair in run.header.plan.get("pairs", ())}
    for (pair, _), both in halves.items():
        if both.keys() >= {"baseline", "candidate"}:
            entry = plans[pair]
            reading = MetricRef(metric=Metric.of(entry["readings"][0]["metric"]))
            pairs = pairs_of_episode(both["baseline"], both["candidate"], reading)
            if len(pairs) and (pairs > 0.0).all():
                yield entry["title"], pairs


def _spread(values: Sequence[float]) -> float:
    return _NORMAL * median(abs(value) for value in values)


def spread_by_statistic(runs: Iterable[Run]) -> ValidationTable:
    """Return how far each statistic spreads on episodes of identical arms, by case."""
    cases: dict[str, list[Pairs]] = defaultdict(list)
    for run in runs:
        for title, pairs in _episodes(run):
            cases[title].append(pairs)
    rows: list[tuple[str, ...]] = []
    for title, episodes in sorted(cases.items()):
        found = [[statistic(pairs) for pairs in episodes] for statistic in STATISTICS.values()]
        cells = [
            f"{100 * _spread(entry):.2f} / {100 * float(np.std(entry)):.2f}" for entry in found
        ]
        rows.append((title, str(len(episodes)), *cells))
    return ValidationTable(
        "The statistic of an episode",
        ("case", "episodes", *STATISTICS),
        tuple(rows),
        "Spread of the log ratio of identical arms in per cent: robust (from the median "
        "absolute value) / standard deviation. Less is better.",
    )
