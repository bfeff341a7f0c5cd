"""
Looks of a comparison: when they are due, and the interval and p value at each.

The looks are fixed before the first measurement. Each look spends an equal
part of the error rate, so the intervals of all looks hold together at the
stated level whatever decides to stop, and the p value is the smallest of all
looks times their number. "Measure until it is significant" would be wrong in
one of seven comparisons of identical code after five looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from mpbench.analysis.stats import Interval, sign_flip_p, signed_rank_interval

__all__ = (
    "CONFIRMATION_EPISODES",
    "LOOKS",
    "InterimResult",
    "episodes_until",
    "episodes_until_p",
    "first_look",
    "interim_result",
    "plan_looks",
)

LOOKS = (8, 16, 32)
# A confirmation is looked at once, after so many episodes.
CONFIRMATION_EPISODES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimResult:
    """
    Where a comparison stands at its latest look.

    Args:
        episodes: How many episodes that look used; 0 before the first look.
        interval: Log ratio, estimated there, with what the intervals of all reached
            looks have in common: they hold together, and so it holds. None before the
            first look.
        p_value: Two-sided, the smallest of all looks, corrected for their number.
    """

    episodes: int
    interval: Interval | None
    p_value: float


def first_look(family: int, looks: int, rate: float) -> int:
    """
    Return the fewest episodes with which a single test of a family can be rejected.

    With n episodes no p value is below 2**(1 - n), and the strictest step of
    the false-discovery procedure asks for `rate / family`.

    Args:
        family: Comparisons that are judged together.
        looks: Planned looks.
        rate: The false-discovery rate.
    """
    return math.ceil(math.log2(2.0 * looks * family / rate))


def plan_looks(family: int, *, rate: float = 0.05, looks: Sequence[int] = LOOKS) -> tuple[int, ...]:
    """
    Return the numbers of episodes at which a session may decide.

    Args:
        family: Comparisons that are judged together.
        rate: The false-discovery rate.
        looks: What was asked for, in ascending order.
    """
    least = first_look(max(1, family), len(looks), rate)
    return tuple(sorted({max(least, look) for look in looks}))


def interim_result(
    log_ratios: Sequence[float], looks: Sequence[int], *, alpha: float = 0.05
) -> InterimResult:
    """
    Return what the episodes so far allow to say.

    Only the planned looks count: with 20 episodes and looks at 8, 16 and 32
    the first 16 are used.

    Args:
        log_ratios: One for each episode that counts, in the order in which they were made.
        looks: The planned looks.
        alpha: One minus the level that the intervals of all looks hold together.
    """
    reached = [look for look in looks if look <= len(log_ratios)]
    if not reached:
        return InterimResult(episodes=0, interval=None, p_value=1.0)
    smallest = min(sign_flip_p(log_ratios[:look]) for look in reached)
    level = 1.0 - alpha / len(looks)
    intervals = [signed_rank_interval(log_ratios[:look], level) for look in reached]
    return InterimResult(
        episodes=reached[-1],
        interval=_common([each for each in intervals if each is not None]),
        p_value=min(1.0, len(looks) * smallest),
    )


def _common(intervals: Sequence[Interval]) -> Interval | None:
    """Return what intervals have in common, with the last estimate moved into it."""
    if not intervals:
        return None
    low = max(each.low for each in intervals)
    high = min(each.high for each in intervals)
    if low > high:
        # One of them is wrong, which the level allows; nobody knows which.
        return intervals[-1]
    return Interval(low, min(max(low, intervals[-1].estimate), high), high)


def episodes_until_p(p_value: float, needed: float, episodes: int) -> int:
    """
    Return about how many episodes bring a p value down to a smaller one.

    The distance from 1 in standard errors grows with the square root of the
    number. An estimate, not a promise.

    Args:
        p_value: Two-sided, after *episodes*, below 1.
        needed: What it must become.
        episodes: How many it rests on.
    """
    now, then = (-NormalDist().inv_cdf(level / 2.0) for level in (p_value, needed))
    return max(episodes + 1, math.ceil(round(episodes * (then / now) ** 2, 6)))


def episodes_until(
    interval: Interval, episodes: int, *, effect: float, margin: float
) -> int | None:
    """
    Return about how many episodes a decision needs, from the width of the interval so far.

    The width shrinks with the square root of the number, the estimate stays. An
    interval that holds 1 may come to lie inside the margin or to leave 1 out;
    one that leaves 1 out may come to stay below the smallest effect. The
    nearest end counts. An estimate, not a promise.

    Args:
        interval: Of the log ratio, at the latest look.
        episodes: How many it rests on.
        effect: The smallest log ratio that is called a change.
        margin: The log ratio inside which a difference is called none.

    Returns:
        The number, or None when the estimate lies on a border, where no width decides.
    """
    half = (interval.high - interval.low) / 2.0
    away = abs(interval.estimate)
    holds_one = interval.low <= 0.0 <= interval.high
    targets = [margin - away] if holds_one else []
    # To leave 1 out is enough for a change; a small difference must stay below it as well.
    targets.append(away if away >= effect else min(away, effect - away))
    widest = max(targets)
    return max(episodes + 1, math.ceil(episodes * (half / widest) ** 2)) if widest > 0.0 else None
