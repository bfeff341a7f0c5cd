"""One fresh agent's reading of a case, in seconds per operation."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from mpbench.catalog import discover
from mpbench.integrations.fresh_agents import AgentSettings, measure, median_seconds
from mpbench.model import Case, Scalar, StartMethod

__all__ = ("agent",)


def agent(name: str, method: str | None, fact: str = "", **params: Scalar) -> Callable[[], float]:
    """Return a function that measures a case in a fresh agent each time it is called."""
    one = discover()[name]
    values = {key: sweep.resolve(one.tier, 2)[0] for key, sweep in one.parameters.items()}
    case = Case.make(name, None if method is None else StartMethod(method), {**values, **params})

    def read() -> float:
        (repetition,) = measure(one, case, AgentSettings(1))
        if fact:
            return statistics.median(one.facts[fact] for one in repetition.samples) / 1e9
        return median_seconds(repetition)

    return read
