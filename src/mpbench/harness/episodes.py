"""
One episode of a comparison: a fresh pair of live agents that take turns.

An episode samples what is fixed when a process starts (address layout, hash
seed, who was launched first); its slices, a few tens of milliseconds each,
cancel what the machine does in the meantime, because neighbours share it. The
agent that is launched first is a little slower whatever it runs, so a fair
coin decides which arm that is. The coin is also what makes the test on the
results exact, and it is stored with them.
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import WorkloadError
from mpbench.harness.agent_id import agent_id
from mpbench.harness.arm_agent import ArmAgent, Launcher, PreparedArm
from mpbench.model import EpisodePosition, Repetition, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.harness.launch import AgentExit
    from mpbench.harness.pair_calibration import PairCalibration

__all__ = ("EpisodeContext", "EpisodeResult", "run_episode")


# How many times slower than when it was calibrated a pair may be.
_SLOWEST = 20


class EpisodeContext(NamedTuple):
    """Which episode: its number, the first number of its records, when the session began."""

    episode: int
    number: int
    origin_ns: int


class EpisodeResult(NamedTuple):
    """Both arms' repetitions, the baseline's first, how their agents ended, and on which CPU."""

    repetitions: tuple[Repetition, ...]
    endings: tuple[AgentExit | None, ...]
    cpu: int | None = None


def _warm_up(players: Sequence[ArmAgent]) -> None:
    """Enter both set-ups and run each body once, in the order of the launch."""
    for player in players:
        if not player.side.setup_per_slice:
            player.open_setup()
    for player in players:
        if not player.side.setup_per_slice:
            player.measure(samples=0, warmups=1)


def _orders(pairs: int, coin: random.Random) -> list[tuple[int, int]]:
    """
    Return who takes the first turn in each pair of slices.

    Each arm begins half of the pairs, so that a steady drift cancels, in a
    random order, so that no disturbance can keep time with them.
    """
    orders = [(0, 1), (1, 0)] * (pairs // 2)
    if pairs % 2:
        orders.append((0, 1) if coin.random() < 0.5 else (1, 0))  # noqa: PLR2004 - a fair coin
    coin.shuffle(orders)
    return orders


def _play(players: Sequence[ArmAgent], pace: PairCalibration, coin: random.Random) -> None:
    """Let the arms take turns."""
    _warm_up(players)
    turn = 0
    expected_s = 2 * pace.pairs * pace.slice_ns / 1e9
    with ExitStack() as stack:
        for player in players:
            limit_s = player.side.workload.deadline_s + _SLOWEST * expected_s
            stack.enter_context(player.agent.shared_deadline(limit_s))
        started = time.perf_counter_ns()
        for number, order in enumerate(_orders(pace.pairs, coin)):
            spent = time.perf_counter_ns() - started
            if pace.limit_ns is not None and number >= pace.min_pairs and spent > pace.limit_ns:
                break
            for index in order:
                players[index].measure_slice(turn, pace.samples)
                turn += 1
    for player in players:
        if not player.side.setup_per_slice:
            player.close_setup()
        player.agent.take_snapshot()


def _record(
    player: ArmAgent, place: EpisodePosition, number: int, started: int, origin: int
) -> Repetition:
    failure = player.failure
    return Repetition(
        subject=player.side.subject.key,
        case=player.side.case,
        number=number,
        status=Status.OK if failure is None else Status(failure.status),
        reason=None if failure is None else failure.reason,
        iterations=player.iterations or 0,
        samples=tuple(player.samples) if failure is None else (),
        started_ns=started - origin,
        elapsed_ns=time.perf_counter_ns() - started,
        hash_seed=player.agent.hash_seed,
        agent=agent_id(player.agent.log),
        slice=place._replace(turns=tuple(player.turns) if failure is None else ()),
    )


def _end(players: Sequence[ArmAgent]) -> tuple[AgentExit | None, ...]:
    for player in players:
        if player.failure is None:
            player.agent.request_exit()
    for player in players:
        if player.failure is None:
            player.agent.stop()
    return tuple(player.agent.ending for player in players)


def run_episode(
    sides: tuple[PreparedArm, PreparedArm],
    pace: PairCalibration,
    *,
    coin: random.Random,
    episode_context: EpisodeContext,
    launcher: Launcher,
) -> EpisodeResult:
    """
    Launch a fresh pair, let it take turns, and end it.

    Args:
        sides: The baseline and the other arm.
        pace: What calibration found.
        coin: Says which arm is launched first and who begins each pair of slices.
        episode_context: Which episode it is.
        launcher: Starts an agent.

    Returns:
        Two repetitions, the baseline's first. When one arm failed, only the
        failed one's: the other measured something, but no ratio.
    """
    baseline_first = coin.random() < 0.5  # noqa: PLR2004 - a fair coin
    cpu = coin.choice(pace.cpus) if pace.cpus else None
    started = time.perf_counter_ns()
    with ExitStack() as stack:
        order = (0, 1) if baseline_first else (1, 0)
        launched = {
            index: ArmAgent(
                stack.enter_context(launcher(sides[index])),
                sides[index],
                pace.iterations[index],
                cpu=cpu,
            )
            for index in order
        }
        try:
            _play([launched[index] for index in order], pace, coin)
        except WorkloadError:
            failed = True
        else:
            failed = False
        players = (launched[0], launched[1])
        endings = _end([launched[index] for index in order])
        repetitions = tuple(
            _record(
                player,
                EpisodePosition(
                    player.side.arm, episode_context.episode, baseline_first == (index == 0), ()
                ),
                episode_context.number + index,
                started,
                episode_context.origin_ns,
            )
            for index, player in enumerate(players)
            if not failed or player.failure is not None
        )
    return EpisodeResult(repetitions, endings if baseline_first else endings[::-1], cpu)
