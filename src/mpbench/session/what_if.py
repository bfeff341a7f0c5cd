"""Predictions for a program that was just profiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.analysis.whatif.prediction import WhatIf

if TYPE_CHECKING:
    from mpbench.profiling.profile import Profile

__all__ = ("what_if_of",)


def what_if_of(profile: Profile) -> WhatIf:
    """
    Return what changes would do to a program, as far as that can be said.

    Args:
        profile: What was recorded of one run of it.
    """
    return WhatIf(
        measured_s=profile.wall_ns / 1e9,
        simulated_s=None,
        withheld="the replay of recorded programs is not built yet",
    )
