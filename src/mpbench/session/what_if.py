"""Predictions for a program that was just profiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.analysis.whatif.from_profile import program_of
from mpbench.analysis.whatif.predict import predict
from mpbench.analysis.whatif.prediction import WhatIf
from mpbench.environment.processors import usable_cpus
from mpbench.profiling.processes import Role
from mpbench.session.operation_costs import measure_costs

if TYPE_CHECKING:
    from mpbench.profiling.profile import Profile

__all__ = ("what_if_of",)


def what_if_of(profile: Profile) -> WhatIf:
    """
    Return what changes would do to a program, as far as that can be said.

    What starts and messages cost is measured first, with the program's interpreter; that
    takes about a second.

    Args:
        profile: What was recorded of one run of it.
    """
    cpus = usable_cpus()
    recorded = program_of(profile, None, cpus)
    if recorded.problem:
        return predict(recorded, None)
    main = next((process for process in profile.members if process.role is Role.MAIN), None)
    costs = measure_costs(
        profile.command[0], held_bytes=0 if main is None else main.peak_rss_bytes, cpus=cpus
    )
    return predict(program_of(profile, costs, cpus), costs)
