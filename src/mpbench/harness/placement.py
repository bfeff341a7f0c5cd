"""
Placement of a pair's agents: both on one CPU, or wherever the system puts them.

Two agents that the scheduler puts on two CPUs compare the CPUs: a CPU whose
sibling is busy with another guest is half as slow again for a tenth of a
second, and an agent often stays where it began for a whole episode. On one CPU,
drawn anew for each episode, both arms meet the same. An operation that keeps
two CPUs busy would become another one there, so it stays where it is; so do
arms that lose unequally there, whose difference would change.
"""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING

from mpbench.errors import WorkloadError
from mpbench.harness.arm_agent import ArmAgent
from mpbench.model import Timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.harness.arm_agent import Launcher, PreparedArm

__all__ = ("Placement", "one_cpu_hides_nothing", "pinnable_cpus")

# So much longer may an operation take on one CPU and still count as one that never
# uses two: the fastest of some turns repeats within a few per cent.
_MOST_LOST = 1.10
# Turns of each on a CPU. A CPU can be half as slow again for longer than a few turns
# of 5 ms take: with 6 on one CPU, 15 of 288 decisions were wrong.
_ROUNDS = 20
# Long operations do with fewer.
_FEWEST_ROUNDS, _ROUNDS_NS = 4, 400_000_000


class Placement(Enum):
    """Where the agents of a pair run."""

    AUTO = "auto"
    ONE = "one"
    ALL = "all"


def pinnable_cpus() -> tuple[int, ...]:
    """Return the CPUs that agents can be put on; none where the platform cannot do it."""
    try:
        cpus = os.sched_getaffinity(0)
        # A sandbox may tell the CPUs and refuse to choose among them.
        os.sched_setaffinity(0, cpus)
    except (AttributeError, OSError):
        return ()
    return tuple(sorted(cpus))


def _fastest(players: tuple[ArmAgent, ArmAgent], sample_ns: int) -> tuple[float, float]:
    """
    Return nanoseconds an operation in the fastest of some turns of each.

    The turns have equal counts and are taken alternately.
    """
    for player in players:
        player.open_setup()
    counts = [
        player.measure(samples=1, warmups=1, sample_ns=sample_ns)["iterations"]
        for player in players
    ]
    best = [math.inf, math.inf]
    for player in players:
        player.iterations = max(counts)
    spent = 0
    for number in range(_ROUNDS):
        if number >= _FEWEST_ROUNDS and spent > _ROUNDS_NS:
            break
        for index, player in enumerate(players):
            reply = player.measure(samples=1, warmups=0)
            taken = int(reply["samples"][0]["wall_ns"])
            best[index] = min(best[index], taken / max(counts))
            spent += taken
    for player in players:
        player.close_setup()
        player.agent.stop()
    return best[0], best[1]


def _tried(side: PreparedArm, cpu: int, launcher: Launcher, sample_ns: int) -> tuple[float, float]:
    """Return nanoseconds an operation of an arm, at its fastest: anywhere, and on one CPU."""
    with ExitStack() as stack:
        free = ArmAgent(stack.enter_context(launcher(side)), side, None)
        placed = ArmAgent(stack.enter_context(launcher(side)), side, None, cpu=cpu)
        return _fastest((free, placed), sample_ns)


def one_cpu_hides_nothing(
    sides: Sequence[PreparedArm],
    *,
    launcher: Launcher,
    cpus: Sequence[int],
    sample_ns: int,
    min_effect: float,
) -> bool:
    """
    Measure whether arms may share one CPU: no arm needs a second one, and all lose alike.

    The ratio of two arms on one CPU is their ratio on all, times the ratio of what
    they lose. Where that is within the smallest effect, no larger one can hide or appear.

    Args:
        sides: The arms that differ; one where both are the same.
        launcher: Starts an agent.
        cpus: The CPUs to try until one serves; one that is slow now says nothing.
        sample_ns: The length of a turn, in nanoseconds.
        min_effect: The smallest relative difference that matters.

    Returns:
        False as well where an arm cannot run on one CPU at all.
    """
    if any(side.setup_per_slice or side.workload.timing is Timing.WINDOW for side in sides):
        return False
    fastest = [(math.inf, math.inf)] * len(sides)
    try:
        for cpu in cpus:
            for index, side in enumerate(sides):
                free, placed = _tried(side, cpu, launcher, sample_ns)
                fastest[index] = min(fastest[index][0], free), min(fastest[index][1], placed)
            losses = [placed / free for free, placed in fastest]
            if max(losses) <= min(_MOST_LOST, (1.0 + min_effect) * min(losses)):
                return True
    except WorkloadError:
        # An arm that fails everywhere says so when it is calibrated.
        return False
    return False
