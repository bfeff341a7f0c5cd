"""How a pair of arms takes its turns: calibrated once for both, then frozen."""

from __future__ import annotations

import time
from typing import NamedTuple

from mpbench.harness.placement import Placement, cpus_here, serves_on_one
from mpbench.harness.player import Launcher, Player, Side
from mpbench.model import Timing

__all__ = ("Pace", "calibrate_pair")

# The length of a slice: long against the clock and the request (0.2 ms), short
# against a disturbance: on a busy machine of two cores, many pairs of 5 ms agreed
# better than fewer of 10 ms, and those better than few of 25 ms, in the same time.
SLICE_NS = 5_000_000
# A window shorter than this sees too few turns of a contended lock.
WINDOW_NS = 50_000_000
# Slices of one episode together; with launching and ending, 0.9 s. Longer ones
# cost more than they gain: what is fixed at the start of an agent does not
# average out inside it.
EPISODE_NS = 600_000_000
_FEWEST_PAIRS, _MOST_PAIRS = 4, 80
# Where a single turn takes longer than this, two pairs must do.
_LONG_TURN_NS = 500_000_000
_MOST_SAMPLES = 50
# Arms whose needs differ by less take the same number of iterations.
_COMMON = 4


class Pace(NamedTuple):
    """
    How a pair takes its turns, calibrated once for both arms and then frozen.

    `turn_ns` is what a turn takes; it matters for the deadline only. `cpus` are those
    of which an episode draws one for both arms; empty leaves them to the scheduler.
    After `limit_ns` both arms have had turns enough, once there are `fewest` pairs: the
    clock of both together is blind to which of them is slower.
    """

    iterations: tuple[int, int]
    samples: int
    pairs: int
    turn_ns: int = 0
    cpus: tuple[int, ...] = ()
    limit_ns: int | None = None
    fewest: int = 1


def _slice_ns(side: Side) -> int:
    return WINDOW_NS if side.workload.timing is Timing.WINDOW else SLICE_NS


def _probe(player: Player) -> tuple[int, int]:
    """
    Calibrate one arm; return its iterations and the nanoseconds that a turn takes.

    It is done twice and the larger count is kept: a disturbance can only make
    an operation look longer than it is. The first time is also the warm-up.
    """
    found: list[tuple[int, int]] = []
    wanted = _slice_ns(player.side)
    if not player.side.apart:
        player.enter()
    for _ in range(2):
        started = time.perf_counter_ns()
        if player.side.apart:
            player.enter()
        reply = player.measure(samples=1, warmups=0, sample_ns=wanted)
        if player.side.apart:
            player.leave()
            found.append((reply["iterations"], time.perf_counter_ns() - started))
        else:
            found.append((reply["iterations"], int(reply["samples"][0]["wall_ns"])))
    if not player.side.apart:
        player.leave()
    iterations = max(count for count, _ in found)
    return iterations, min(taken * iterations // count for count, taken in found)


def _places(sides: tuple[Side, Side], launcher: Launcher, placement: Placement) -> tuple[int, ...]:
    """Return the CPUs of which each episode draws one; empty where both arms run on all."""
    cpus = cpus_here()
    if placement is Placement.ALL or len(cpus) < 2:  # noqa: PLR2004 - one CPU needs no choice
        return ()
    if placement is Placement.ONE:
        return cpus
    different = {(side.subject.key, side.case): side for side in sides}
    kept = all(
        serves_on_one(side, launcher=launcher, cpu=cpus[-1], sample_ns=SLICE_NS)
        for side in different.values()
    )
    return cpus if kept else ()


def calibrate_pair(
    sides: tuple[Side, Side], *, launcher: Launcher, placement: Placement = Placement.AUTO
) -> Pace:
    """
    Find how the arms of a pair take their turns; used for all of its episodes.

    Both arms take the larger number of iterations, unless one is several
    times as fast as the other: slices of one length are then worth more than
    equal counts.

    Args:
        sides: The baseline and the other arm.
        launcher: Starts an agent.
        placement: Whether both arms run on one CPU; found out by measuring unless given.

    Raises:
        WorkloadError: One arm cannot be measured.
    """
    found: list[tuple[int, int]] = []
    cpus = _places(sides, launcher, placement)
    for side in sides:
        with launcher(side) as agent:
            player = Player(agent, side, None, cpu=cpus[-1] if cpus else None)
            found.append(_probe(player))
            agent.stop()
    (first, first_ns), (second, second_ns) = found
    if max(first, second) < _COMMON * min(first, second):
        larger = max(first, second)
        first_ns, second_ns = first_ns * larger // first, second_ns * larger // second
        first = second = larger
    turn_ns = max(1, (first_ns + second_ns) // 2)
    samples = 1
    if sides[0].workload.timing is Timing.ONCE:
        samples = max(1, min(_MOST_SAMPLES, SLICE_NS // turn_ns))
    pairs = round(EPISODE_NS / (2 * turn_ns * samples))
    fewest = 2 if turn_ns > _LONG_TURN_NS else _FEWEST_PAIRS
    kept = max(fewest, min(_MOST_PAIRS, pairs))
    return Pace(
        (first, second), samples, kept, turn_ns * samples, cpus, limit_ns=EPISODE_NS, fewest=fewest
    )
