"""A/A control: test that identical arms do not differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mpbench.analysis.stats import hodges_lehmann, sign_flip_p, smallest_p

__all__ = ("ControlFinding", "inspect_control")


# An offset of half the margin would spoil verdicts; it is believed at this level.
# Without a test, two of ten sessions on a busy machine failed for offsets with
# p values of 0.15 and 0.64: identical arms whose few episodes spread widely.
_WEAK_LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlFinding:
    """
    What the control of identical arms found.

    Args:
        episodes: How many control episodes counted.
        log_ratio: Their pooled estimate; 0 is right.
        p_value: Of the exact sign-flip test over all of them.
        passed: Whether the session's verdicts stand.
        text: The finding for people.
    """

    episodes: int
    log_ratio: float
    p_value: float
    passed: bool
    text: str


def inspect_control(
    log_ratios: Sequence[float],
    *,
    spreads: Sequence[float] | None = None,
    alpha: float = 0.01,
    margin: float = 0.05,
) -> ControlFinding | None:
    """
    Judge the control episodes of a session, pooled over its cases.

    Args:
        log_ratios: One for each control episode that counts.
        spreads: How widely the episodes of its case spread, for each, taken from other
            episodes. An offset of 2 % is much where they spread by 1 %, and nothing
            where they spread by 15 %. None treats all alike.
        alpha: The level of the test. Good sessions fail that often, or up to 5 % where
            their episodes spread so widely that a chance offset passes half the margin.
        margin: Where the pooled ratio is off by more than half of it, weaker
            evidence will do; without any, the episodes are noisy and not wrong.

    Returns:
        The finding, or None when there are too few episodes to find anything.
    """
    count = len(log_ratios)
    if count == 0 or smallest_p(count) > alpha:
        return None
    scales = spreads or [1.0] * count
    scaled = [ratio / scale for ratio, scale in zip(log_ratios, scales, strict=True)]
    # Exact all the same: the coins of these episodes have nothing to do with the scales.
    estimate, p_value = hodges_lehmann(log_ratios), sign_flip_p(scaled)
    level = _WEAK_LEVEL if abs(estimate) > math.log1p(margin) / 2.0 else alpha
    passed = p_value >= level
    ratio = math.exp(estimate)
    if passed:
        text = f"control: identical arms differ by a factor of {ratio:.4f} (p = {p_value:.2g})"
    else:
        text = (
            f"the control failed: identical arms differ by a factor of {ratio:.4f} "
            f"(p = {p_value:.2g}, {count} episodes), so nothing this session says about "
            "different arms can be believed; run it again on a quieter machine"
        )
    return ControlFinding(
        episodes=count, log_ratio=estimate, p_value=p_value, passed=passed, text=text
    )
