"""From which task length on an efficiency is reached."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ("break_even",)


def break_even(
    lengths: Sequence[float], shares: Sequence[float | None], level: float
) -> float | None:
    """
    Return the task length at which an efficiency is reached, between measured lengths.

    Waste over work falls with the length in a straight line on logarithmic
    axes, so that is how it is interpolated.

    Args:
        lengths: Task lengths in ascending order.
        shares: The efficiency at each, None where it was not measured.
        level: Between 0 and 1.

    Returns:
        The shortest such length; None if no measured length reaches the level,
        the shortest measured one if that already does.
    """
    known = [(length, share) for length, share in zip(lengths, shares, strict=True) if share]
    for place, (length, share) in enumerate(known):
        if share < level:
            continue
        if place == 0:
            return length
        before, low = known[place - 1]
        first, last, wanted = (math.log(max(1e-9, 1 / one - 1)) for one in (low, share, level))
        part = (wanted - first) / (last - first) if last != first else 1.0
        reached = math.log(before) + min(1.0, max(0.0, part)) * math.log(length / before)
        return math.exp(reached)
    return None
