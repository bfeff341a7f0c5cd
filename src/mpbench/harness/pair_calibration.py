"""Calibration of a pair: iterations, slice length, slice pairs, CPUs."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import NamedTuple

from mpbench.harness.arm_agent import ArmAgent, Launcher, PreparedArm
from mpbench.harness.placement import Placement, one_cpu_hides_nothing, pinnable_cpus
from mpbench.harness.slice_length import SERIES_SLICES, best_length
from mpbench.model import Timing

__all__ = ("PairCalibration", "calibrate_pair")

# The length of a slice: long against the clock and the request (0.2 ms), short
# against a disturbance: on a busy machine of two cores, many pairs of 5 ms agreed
# better than fewer of 10 ms, and those better than few of 25 ms, in the same time.
SLICE_NS = 5_000_000
# A window shorter than this sees too few turns of a contended lock.
WINDOW_NS = 50_000_000
# Turns of one episode together; launching and ending take 0.2 s more. Longer ones
# cost more than they gain: the test wants nine episodes whatever their length, and
# what is fixed at the start of an agent does not average out inside it.
EPISODE_NS = 250_000_000
_FEWEST_PAIRS, _MOST_PAIRS = 4, 80
# Where a single turn takes longer than this, two pairs must do.
_LONG_TURN_NS = 500_000_000
_MOST_SAMPLES = 50
# Each arm calibrates itself so many times; with two, one pair of identical arms in 97
# was given 18 and 73 iterations, and the short slices read 23 % slower.
_PROBES = 3
# Turns that are this long are not joined to longer ones.
_LONGEST_JOINED_NS = 15_000_000
# Arms whose needs differ by less take the same number of iterations.
_COMMON = 4


class PairCalibration(NamedTuple):
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
    slice_ns: int = 0
    cpus: tuple[int, ...] = ()
    limit_ns: int | None = None
    min_pairs: int = 1


def _slice_ns(side: PreparedArm) -> int:
    return WINDOW_NS if side.workload.timing is Timing.WINDOW else SLICE_NS


class _Need(NamedTuple):
    """What one arm needs: iterations and nanoseconds of a turn, and turns to be joined to one."""

    iterations: int
    turn_ns: int
    joined: int


def _turn(player: ArmAgent) -> tuple[int, int]:
    """Let an arm calibrate itself; return its iterations and the nanoseconds of the turn."""
    started = time.perf_counter_ns()
    if player.side.setup_per_slice:
        player.open_setup()
    reply = player.measure(samples=1, warmups=0, sample_ns=_slice_ns(player.side))
    if player.side.setup_per_slice:
        player.close_setup()
        return reply["iterations"], time.perf_counter_ns() - started
    return reply["iterations"], int(reply["samples"][0]["wall_ns"])


def _samples_of(side: PreparedArm, turn_ns: int) -> int:
    """Return how many samples a turn has: several where one has a single operation."""
    if side.workload.timing is not Timing.ONCE:
        return 1
    return max(1, min(_MOST_SAMPLES, SLICE_NS // turn_ns))


def _joined(player: ArmAgent, iterations: int, turn_ns: int) -> int:
    """Return how many turns of an arm should be one; it is asked for a series of them."""
    samples = _samples_of(player.side, turn_ns)
    if (
        player.side.setup_per_slice
        or player.side.workload.timing is Timing.WINDOW
        or turn_ns * samples > _LONGEST_JOINED_NS
    ):
        return 1
    player.iterations = iterations
    reply = player.measure(samples=SERIES_SLICES * samples, warmups=0)
    walls = [float(sample["wall_ns"]) for sample in reply["samples"]]
    player.iterations = None
    return best_length([sum(walls[at : at + samples]) for at in range(0, len(walls), samples)])


def _probe(players: tuple[ArmAgent, ArmAgent]) -> tuple[_Need, _Need]:
    """
    Calibrate two arms, by turns.

    It is done several times and the largest count is kept: a disturbance can only
    make an operation look longer than it is. The first time is also the warm-up.
    """
    turns: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for player in players:
        if not player.side.setup_per_slice:
            player.open_setup()
    for _ in range(_PROBES):
        for player, taken in zip(players, turns):
            taken.append(_turn(player))
    needs: list[_Need] = []
    for player, taken in zip(players, turns):
        iterations = max(count for count, _ in taken)
        turn_ns = max(1, min(one_ns * iterations // count for count, one_ns in taken))
        # The baseline's rhythm is both arms': they do the same, or something alike.
        joined = _joined(player, iterations, turn_ns) if player is players[0] else 1
        needs.append(_Need(iterations, turn_ns, joined))
    for player in players:
        if not player.side.setup_per_slice:
            player.close_setup()
        player.agent.stop()
    return needs[0], needs[1]


def _equal_counts(sides: tuple[PreparedArm, PreparedArm], first: _Need, second: _Need) -> bool:
    """Whether both arms should take the same number of iterations."""
    if sides[0].subject.key == sides[1].subject.key and sides[0].case == sides[1].case:
        # They are the same; what calibration says of them is a disturbance.
        return True
    counts = first.iterations, second.iterations
    return max(counts) < _COMMON * min(counts)


def _places(
    sides: tuple[PreparedArm, PreparedArm],
    launcher: Launcher,
    placement: Placement,
    min_effect: float,
) -> tuple[int, ...]:
    """Return the CPUs of which each episode draws one; empty where both arms run on all."""
    cpus = pinnable_cpus()
    if placement is Placement.ALL or len(cpus) < 2:  # noqa: PLR2004 - one CPU needs no choice
        return ()
    if placement is Placement.ONE:
        return cpus
    different = {(side.subject.key, side.case): side for side in sides}
    fits = one_cpu_hides_nothing(
        tuple(different.values()),
        launcher=launcher,
        cpus=(cpus[-1], cpus[0]),
        sample_ns=SLICE_NS,
        min_effect=min_effect,
    )
    return cpus if fits else ()


def calibrate_pair(
    sides: tuple[PreparedArm, PreparedArm],
    *,
    launcher: Launcher,
    placement: Placement = Placement.AUTO,
    min_effect: float = 0.02,
) -> PairCalibration:
    """
    Find how the arms of a pair take their turns; used for all of its episodes.

    Both arms take the larger number of iterations, unless one is several
    times as fast as the other: slices of one length are then worth more than
    equal counts.

    Args:
        sides: The baseline and the other arm.
        launcher: Starts an agent.
        placement: Whether both arms run on one CPU; found out by measuring unless given.
        min_effect: What the choice must not hide: a relative difference.

    Raises:
        WorkloadError: One arm cannot be measured.
    """
    cpus = _places(sides, launcher, placement, min_effect)
    cpu = cpus[-1] if cpus else None
    with ExitStack() as stack:
        one, other = (
            ArmAgent(stack.enter_context(launcher(side)), side, None, cpu=cpu) for side in sides
        )
        first, second = _probe((one, other))
    if _equal_counts(sides, first, second):
        larger = max(first.iterations, second.iterations)
        first, second = (
            _Need(larger, need.turn_ns * larger // need.iterations, need.joined)
            for need in (first, second)
        )
    turn_ns = max(1, (first.turn_ns + second.turn_ns) // 2)
    samples = _samples_of(sides[0], turn_ns)
    joined = first.joined
    if sides[0].workload.timing is Timing.ONCE:
        samples = min(_MOST_SAMPLES, samples * joined)
        iterations = first.iterations, second.iterations
    else:
        iterations = first.iterations * joined, second.iterations * joined
        turn_ns *= joined
    pairs = round(EPISODE_NS / (2 * turn_ns * samples))
    fewest = 2 if turn_ns > _LONG_TURN_NS else _FEWEST_PAIRS
    kept = max(fewest, min(_MOST_PAIRS, pairs))
    return PairCalibration(
        iterations, samples, kept, turn_ns * samples, cpus, limit_ns=EPISODE_NS, min_pairs=fewest
    )
