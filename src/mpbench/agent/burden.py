"""A known slowdown inside the timed region: how the harness shows what it can find."""

from __future__ import annotations

from mpbench.errors import WorkloadError
from mpbench.workload import Body, Check, Outcome, spin

__all__ = ("burdened",)


def burdened(body: Body, loops: float) -> Body:
    """
    Return a body that keeps its CPU busy a little longer for each iteration.

    The wait is a counted loop, not a watched clock, so that it is stretched by
    everything that stretches a real slowdown: a slow core, a busy neighbour.

    Args:
        body: The body to slow down.
        loops: Passes of `spin` for each iteration; a fraction adds up.
    """

    def slowed(iterations: int, /) -> int | Outcome | Check:
        done = body(iterations)
        spin(round(loops * iterations))
        return _timed_from_outside(done)

    return slowed


def _timed_from_outside(done: int | Outcome | Check) -> int | Outcome | Check:
    """Refuse a body that reads the clock itself: its slowdown would not be seen."""
    if callable(done):
        check = done
        return lambda: _settled(check())
    return _settled(done)


def _settled(done: int | Outcome) -> int | Outcome:
    if isinstance(done, Outcome) and done.elapsed_ns is not None:
        raise WorkloadError("a body that reads the clock itself cannot be slowed from outside")
    return done
