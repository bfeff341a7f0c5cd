"""Interleaved runs of several ways to measure the same thing, judged by the ratio of each round."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from mpbench.analysis.stats import signed_rank_interval
from mpbench.units import format_seconds

__all__ = ("interleaved", "row")

Reading = TypeVar("Reading")


def interleaved(
    ways: Mapping[str, Callable[[], Reading]], *, rounds: int, seed: int = 1
) -> dict[str, list[Reading]]:
    """Call each way once in each round, in an order drawn anew; return its readings."""
    chance = random.Random(seed)
    readings: dict[str, list[Reading]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name in chance.sample(list(ways), len(ways)):
            readings[name].append(ways[name]())
    return readings


def row(what: str, base: Sequence[float], other: Sequence[float]) -> str:
    """Return a line of a table: both medians, and the ratio with its 95 % interval."""
    logs = [math.log(two / one) for one, two in zip(base, other, strict=True)]
    found = signed_rank_interval(logs, 0.95)
    assert found is not None, "at least 6 rounds"
    low, middle, high = (math.exp(value) for value in (found.low, found.estimate, found.high))
    medians = [format_seconds(statistics.median(values)) for values in (base, other)]
    return (
        f"| {what} | {medians[0]} | {medians[1]} | {middle:.3f} ({low:.3f} to {high:.3f}) "
        f"| {len(logs)} |"
    )
