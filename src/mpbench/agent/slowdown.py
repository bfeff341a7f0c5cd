"""A known slowdown inside an operation: how the harness shows what it can find."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.workload import spin

__all__ = ("injected_slowdown", "wrapper_overhead_ns")


def _slowed(function: Callable[..., Any], loops: int) -> Callable[..., Any]:
    """
    Return a function that keeps its CPU busy before it calls another one.

    The wait is a counted loop, not a watched clock, so that it is stretched by
    everything that stretches a real slowdown: a slow core, a busy neighbour.
    """

    def slowed(*arguments: Any, **named: Any) -> Any:
        spin(loops)
        return function(*arguments, **named)

    return slowed


@contextmanager
def injected_slowdown(target: str, loops: int) -> Iterator[None]:
    """
    Slow a function of the standard library down while a set-up is entered.

    Processes that are forked meanwhile are slowed as well; spawned ones are not.

    Args:
        target: `package.module:Class.function`.
        loops: Passes of `spin` before each call.
    """
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for one in owners:
        owner = getattr(owner, one)
    original = getattr(owner, name)
    setattr(owner, name, _slowed(original, loops))
    try:
        yield
    finally:
        setattr(owner, name, original)


def wrapper_overhead_ns(*, calls: int = 20_000, readings: int = 7) -> float:
    """Return what the wrapper itself adds to a call, so that it can be counted as injected."""

    def plain() -> None:
        """Do nothing."""

    found: list[float] = []
    for function in (plain, _slowed(plain, 0)):
        fastest = 0
        for _ in range(readings):
            started = monotonic_ns()
            for _ in range(calls):
                function()
            elapsed = monotonic_ns() - started
            fastest = elapsed if not fastest else min(fastest, elapsed)
        found.append(fastest / calls)
    return max(0.0, found[1] - found[0])
