"""
How often steps over commits are found where there are none, and where there are some.

    python tests/agreement/change_points.py [SERIES]

False steps: 365 equal commits, as a year of daily ones. Power: 100 commits with noise of 1 %
(standard deviation), one level that lasts for some commits and goes away again; found when both
of its ends are, within one commit.
"""

from __future__ import annotations

import sys

import numpy as np

from mpbench.analysis.change_points import CommitMedian, change_points

_YEAR = 365
_NOISE = 0.01


def noise(kind: str, count: int, random: np.random.Generator) -> np.ndarray:
    """Return noise of unit size: normal, heavy-tailed, with outliers, or correlated."""
    if kind == "Student's t, 3 degrees":
        return random.standard_t(3, size=count)
    values = random.normal(size=count)
    if kind == "5 % outliers":
        is_far = random.random(count) < 0.05
        values[is_far] += (
            random.choice([-1, 1], count)[is_far] * random.uniform(4, 15, count)[is_far]
        )
    if kind.startswith("correlated"):
        share = float(kind.rpartition(" ")[2])
        for place in range(1, count):
            values[place] = share * values[place - 1] + values[place] * (1 - share**2) ** 0.5
    return values


def positions(logs: np.ndarray) -> list[int]:
    """Return where the series with these logarithms steps."""
    return [one.position for one in change_points([CommitMedian(v) for v in np.exp(logs)])]


def false_steps(series: int, random: np.random.Generator) -> None:
    """Print the false steps in a year for each kind of noise."""
    print("| noise | false steps in 365 commits |\n|---|---|")
    kinds = ("normal", "Student's t, 3 degrees", "5 % outliers", "correlated 0.3", "correlated 0.5")
    for kind in kinds:
        counts = [len(positions(_NOISE * noise(kind, _YEAR, random))) for _ in range(series)]
        print(f"| {kind} | {np.mean(counts):.2f} |")


def power(series: int, random: np.random.Generator) -> None:
    """Print how often a level is found, by its size and by how many commits it lasts."""
    lengths = (2, 5, 10, 20)
    print("\n| size | " + " | ".join(f"{length} commits" for length in lengths) + " |")
    print("|---" * (len(lengths) + 1) + "|")
    for ratio in (1.03, 1.05, 1.1, 1.3, 2.0):
        row = []
        for length in lengths:
            hits = 0
            for _ in range(series):
                logs = _NOISE * noise("normal", 100, random)
                logs[40 : 40 + length] += np.log(ratio)
                found = positions(logs)
                hits += all(any(abs(p - end) <= 1 for p in found) for end in (40, 40 + length))
            row.append(f"{hits / series:.0%}")
        print(f"| x{ratio:g} | " + " | ".join(row) + " |")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    false_steps(count, np.random.default_rng(1))
    power(count, np.random.default_rng(2))
