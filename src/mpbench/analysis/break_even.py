"""Interpolation of the task length that reaches an efficiency."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ("break_even",)


def _waste(share: float) -> float:
    """Return the logarithm of waste over work; the ends are kept finite."""
    return math.log(max(1e-9, 1 / max(1e-9, share) - 1))


def break_even(
    lengths: Sequence[float], shares: Sequence[float | None], level: float
) -> float | None:
    """
    Return the task length from which on an efficiency is reached, between measured lengths.

    Waste over work falls with the length in a straight line on logarithmic
    axes, so that is how it is interpolated. A length counts only if no longer
    one misses the level again.

    Args:
        lengths: Task lengths in ascending order.
        shares: The efficiency at each, None where it was not measured.
        level: Between 0 and 1.

    Returns:
        The shortest such length; None if the longest measured one misses the
        level, the shortest measured one if none does.
    """
    known = [
        (length, share) for length, share in zip(lengths, shares, strict=True) if share is not None
    ]
    last = max((place for place, (_, share) in enumerate(known) if share < level), default=-1)
    if last + 1 == len(known):
        return None
    length, share = known[last + 1]
    if last < 0:
        return length
    before, low = known[last]
    first, end, wanted = _waste(low), _waste(share), _waste(level)
    part = (wanted - first) / (end - first) if end != first else 1.0
    return math.exp(math.log(before) + min(1.0, max(0.0, part)) * math.log(length / before))
