"""
Where the agents of a pair may run: on one CPU, the same for both, or wherever the system puts them.

Two agents that the scheduler puts on two CPUs compare the CPUs: a CPU whose
sibling is busy with another guest is half as slow again for a tenth of a
second, and an agent often stays where it began for a whole episode. On one CPU,
drawn anew for each episode, both arms meet the same. An operation that keeps
two CPUs busy would become another one there, so it stays where it is.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from enum import Enum
from typing import TYPE_CHECKING

from mpbench.errors import WorkloadError
from mpbench.harness.player import Player
from mpbench.model import Timing

if TYPE_CHECKING:
    from mpbench.harness.player import Launcher, Side

__all__ = ("Placement", "cpus_here", "serves_on_one")

# So much longer may an operation take on one CPU and still count as one that never
# uses two: the fastest of some turns repeats within a few per cent.
_MOST_LOST = 1.10
_ROUNDS = 6


class Placement(Enum):
    """Where the agents of a pair run."""

    AUTO = "auto"
    ONE = "one"
    ALL = "all"


def cpus_here() -> tuple[int, ...]:
    """Return the CPUs that agents can be put on; none where the platform cannot do it."""
    if not hasattr(os, "sched_setaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


def _fastest(players: tuple[Player, Player], sample_ns: int) -> tuple[int, int]:
    """Return the fastest of some turns of each, with equal counts, taken alternately."""
    for player in players:
        player.enter()
    counts = [
        player.measure(samples=1, warmups=1, sample_ns=sample_ns)["iterations"]
        for player in players
    ]
    best = [0, 0]
    for player in players:
        player.iterations = max(counts)
    for _ in range(_ROUNDS):
        for index, player in enumerate(players):
            reply = player.measure(samples=1, warmups=0)
            taken = int(reply["samples"][0]["wall_ns"])
            best[index] = min(best[index] or taken, taken)
    for player in players:
        player.leave()
        player.agent.stop()
    return best[0], best[1]


def serves_on_one(side: Side, *, launcher: Launcher, cpu: int, sample_ns: int) -> bool:
    """
    Measure whether an arm loses nothing on one CPU: whether it never needs a second one.

    Args:
        side: The arm.
        launcher: Starts an agent.
        cpu: The CPU to try.
        sample_ns: The length of a turn, in nanoseconds.

    Returns:
        False as well where it cannot run on one CPU at all.
    """
    if side.apart or side.workload.timing is Timing.WINDOW:
        return False
    try:
        with ExitStack() as stack:
            free = Player(stack.enter_context(launcher(side)), side, None)
            placed = Player(stack.enter_context(launcher(side)), side, None, cpu=cpu)
            anywhere, here = _fastest((free, placed), sample_ns)
    except WorkloadError:
        # An arm that fails everywhere says so when it is calibrated.
        return False
    return here <= _MOST_LOST * anywhere
