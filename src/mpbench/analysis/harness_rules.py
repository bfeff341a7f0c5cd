"""
Decision rules of other benchmark harnesses.

Each rule is written from its project's documentation. It is given what its
harness would have: one process or several, so many values of each. That the
samples were taken in turns helps every rule; what the harnesses do on their
own, one side after the other, is measured by the selftest's side-by-side part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

__all__ = ("RULES", "DecisionRule", "scaled")

# One list of values for each agent, in seconds per operation or the like.
Agents = Sequence[Sequence[float]]

# What the projects' documentation gives as their defaults.
_ASV_FACTOR, _ASV_LEVEL = 1.1, 0.002
_PYTEST_FACTOR = 1.05
_CRITERION_NOISE = 0.01
_LEVEL = 0.05

# How often criterion resamples; its default is 100,000, which changes little here.
_RESAMPLES = 2_000


class DecisionRule(NamedTuple):
    """
    When a harness says that something changed.

    `decide` returns 1 when the second side is said to be larger, -1 when it
    is said to be smaller, 0 when nothing is said.
    """

    text: str
    decide: Callable[[Agents, Agents], int]


def scaled(agents: Agents, factor: float) -> list[list[float]]:
    """Return the samples as they would be if every operation took *factor* times as long."""
    return [[value * factor for value in agent] for agent in agents]


def _flat(agents: Agents, processes: int, each: int) -> np.ndarray:
    return np.asarray(
        [value for agent in agents[:processes] for value in agent[:each]], dtype=float
    )


def _sign(base: float, new: float) -> int:
    return int(new > base) - int(new < base)


def _pyperf(base: Agents, new: Agents) -> int:
    from scipy import stats  # noqa: PLC0415 - takes a second, and only the selftest needs it

    first, second = _flat(base, len(base), 3), _flat(new, len(new), 3)
    significant = stats.ttest_ind(first, second).pvalue < _LEVEL
    return _sign(float(first.mean()), float(second.mean())) if significant else 0


def _asv(base: Agents, new: Agents) -> int:
    from scipy import stats  # noqa: PLC0415 - as above

    first, second = _flat(base, 2, 10), _flat(new, 2, 10)
    ratio = float(np.median(second) / np.median(first))
    if 1 / _ASV_FACTOR < ratio < _ASV_FACTOR:
        return 0
    p_value = stats.mannwhitneyu(first, second, alternative="two-sided").pvalue
    return _sign(1.0, ratio) if p_value < _ASV_LEVEL else 0


def _pytest_benchmark(base: Agents, new: Agents) -> int:
    ratio = min(new[0]) / min(base[0])
    return 0 if 1 / _PYTEST_FACTOR < ratio < _PYTEST_FACTOR else _sign(1.0, ratio)


def _benchstat(base: Agents, new: Agents) -> int:
    from scipy import stats  # noqa: PLC0415 - as above

    first, second = _flat(base, 1, 10), _flat(new, 1, 10)
    p_value = stats.mannwhitneyu(first, second, alternative="two-sided").pvalue
    if p_value >= _LEVEL:
        return 0
    return _sign(float(np.median(first)), float(np.median(second)))


def _criterion(base: Agents, new: Agents) -> int:
    first, second = np.asarray(base[0], dtype=float), np.asarray(new[0], dtype=float)
    chance = np.random.default_rng(len(first))
    pooled = np.concatenate([first, second])

    def t_values(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        error = np.sqrt(
            one.var(-1, ddof=1) / one.shape[-1] + other.var(-1, ddof=1) / other.shape[-1]
        )
        found: np.ndarray = (other.mean(-1) - one.mean(-1)) / np.where(error > 0.0, error, 1.0)
        return found

    drawn = chance.choice(pooled, (_RESAMPLES, len(pooled)))
    null = t_values(drawn[:, : len(first)], drawn[:, len(first) :])
    seen = float(t_values(first, second))
    if np.mean(np.abs(null) >= abs(seen)) >= _LEVEL:
        return 0
    means = [chance.choice(one, (_RESAMPLES, len(one))).mean(axis=1) for one in (first, second)]
    low, high = np.quantile(means[1] / means[0] - 1.0, (0.025, 0.975))
    # The interval of the change must leave the noise threshold.
    if low > _CRITERION_NOISE:
        return 1
    return -1 if high < -_CRITERION_NOISE else 0


RULES: Mapping[str, DecisionRule] = MappingProxyType(
    {
        "pyperf": DecisionRule("Student's t test at 5 % on 3 values of each process", _pyperf),
        "asv": DecisionRule(
            "factor 1.1 and Mann-Whitney U below 0.002, 10 values of 2 processes", _asv
        ),
        "pytest-benchmark": DecisionRule("minimum differs by 5 %, one process", _pytest_benchmark),
        "criterion": DecisionRule(
            "bootstrap t test at 5 % and 1 % noise threshold, one process", _criterion
        ),
        "benchstat": DecisionRule("Mann-Whitney U at 5 %, 10 values of one process", _benchstat),
    }
)
