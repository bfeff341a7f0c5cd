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
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Protocol

from mpbench.agent.protocol import sample_from_wire
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.harness.launch import launch
from mpbench.model import Case, Repetition, Sample, Slice, Status, Timing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mpbench.harness.launch import Ending, Subject
    from mpbench.workload import Workload

__all__ = (
    "Answering",
    "EpisodeResult",
    "Launcher",
    "Occasion",
    "Pace",
    "Side",
    "calibrate_pair",
    "fresh_agents",
    "run_episode",
)

# The length of a slice: long against the clock and the request, short against
# the seconds in which a machine's speed wanders.
SLICE_NS = 25_000_000
# A window shorter than this sees too few turns of a contended lock.
WINDOW_NS = 50_000_000
# Slices of one episode together. Longer episodes cost more than they gain:
# what is fixed at the start of an agent does not average out inside it.
EPISODE_NS = 800_000_000
_FEWEST_PAIRS, _MOST_PAIRS = 2, 24
_MOST_SAMPLES = 50
# Arms whose needs differ by less take the same number of iterations.
_COMMON = 4


class Answering(Protocol):
    """What an episode needs of a live agent; `AgentHandle` is one."""

    hash_seed: int
    ending: Ending | None
    log: Path

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> dict[str, Any]:
        """Send one request and return the reply."""

    def look(self) -> Mapping[str, Any]:
        """Let the supervisor read what the tree holds now."""

    def stop(self, *, deadline_s: float = 10.0) -> Ending:
        """End the agent in good order."""


class Side(NamedTuple):
    """
    One arm of a pair, ready to be measured.

    `apart` means that the set-up is entered for each turn and left after it:
    for workloads that keep their load on while nobody measures. `inject_loops`
    is a busy wait inside the timed region, in passes per iteration.
    """

    arm: str
    subject: Subject
    workload: Workload
    case: Case
    apart: bool = False
    inject_loops: float = 0.0


class Pace(NamedTuple):
    """How a pair takes its turns, calibrated once for both arms and then frozen."""

    iterations: tuple[int, int]
    samples: int
    pairs: int


class Occasion(NamedTuple):
    """Which episode: its number, the first number of its records, when the session began."""

    episode: int
    number: int
    origin_ns: int


class EpisodeResult(NamedTuple):
    """Both arms' repetitions, the baseline's first, and how their agents ended."""

    repetitions: tuple[Repetition, ...]
    endings: tuple[Ending | None, ...]


# Starts one fresh agent for an arm.
Launcher = Callable[[Side], AbstractContextManager[Answering]]


def fresh_agents(folder: Path) -> Launcher:
    """
    Return a launcher of real agents.

    Args:
        folder: Private; each agent gets a folder of its own in it.
    """

    @contextmanager
    def start(side: Side) -> Iterator[Answering]:
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix="a", ignore_cleanup_errors=True) as own,
            launch(side.subject, folder=Path(own)) as agent,
        ):
            yield agent

    return start


class _Player:
    """One live agent and its place in the episode."""

    def __init__(self, agent: Answering, side: Side, iterations: int | None) -> None:
        self.agent = agent
        self.side = side
        self.iterations = iterations
        self.samples: list[Sample] = []
        self.turns: list[int] = []
        self.failure: WorkloadError | None = None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """
        Send a request.

        Raises:
            WorkloadError: The agent could not do it.
        """
        try:
            reply = self.agent.ask(request, deadline_s=self.side.workload.deadline_s)
            if not reply.get("ok"):
                kind = UnsupportedError if reply.get("status") == "unsupported" else WorkloadError
                raise kind(reply["reason"])
        except WorkloadError as error:
            self.failure = error
            raise
        return reply

    def enter(self) -> None:
        """Enter the set-up."""
        case = self.side.case
        self.ask(
            {
                "do": "open",
                "module": self.side.workload.module,
                "workload": self.side.workload.name,
                "method": None if case.method is None else case.method.value,
                "params": dict(case.params),
            }
        )

    def leave(self) -> None:
        """Leave the set-up; the agent looks at what was left behind."""
        self.ask({"do": "close"})

    def measure(self, *, samples: int, warmups: int, sample_ns: int = 0) -> dict[str, Any]:
        """Run the body; without a number of iterations the agent calibrates."""
        request: dict[str, Any] = {
            "do": "measure",
            "params": dict(self.side.case.params),
            "iterations": self.iterations,
            "sample_ns": sample_ns,
            "samples": samples,
            "warmups": warmups,
        }
        if self.side.inject_loops:
            request["inject_loops"] = self.side.inject_loops
        return self.ask(request)

    def take_turn(self, turn: int, samples: int) -> None:
        """Measure one slice."""
        if self.side.apart:
            self.enter()
        reply = self.measure(samples=samples, warmups=0)
        if self.side.apart:
            self.leave()
        self.samples += [sample_from_wire(wire) for wire in reply["samples"]]
        self.turns += [turn] * samples


def _warm_up(players: Sequence[_Player]) -> None:
    """Enter both set-ups and run each body once, in the order of the launch."""
    for player in players:
        if not player.side.apart:
            player.enter()
    for player in players:
        if not player.side.apart:
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


def _play(players: Sequence[_Player], pace: Pace, coin: random.Random) -> None:
    """Let the arms take turns."""
    _warm_up(players)
    turn = 0
    for order in _orders(pace.pairs, coin):
        for index in order:
            players[index].take_turn(turn, pace.samples)
            turn += 1
    for player in players:
        if not player.side.apart:
            player.leave()
        player.agent.look()


def _record(player: _Player, place: Slice, number: int, started: int, origin: int) -> Repetition:
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
        agent=int(player.agent.log.stem.rpartition("-")[2], 16),
        slice=place._replace(turns=tuple(player.turns) if failure is None else ()),
    )


def _end(players: Sequence[_Player]) -> tuple[Ending | None, ...]:
    for player in players:
        if player.failure is None:
            player.agent.stop()
    return tuple(player.agent.ending for player in players)


def run_episode(
    sides: tuple[Side, Side],
    pace: Pace,
    *,
    coin: random.Random,
    occasion: Occasion,
    launcher: Launcher,
) -> EpisodeResult:
    """
    Launch a fresh pair, let it take turns, and end it.

    Args:
        sides: The baseline and the other arm.
        pace: What calibration found.
        coin: Says which arm is launched first and who begins each pair of slices.
        occasion: Which episode it is.
        launcher: Starts an agent.

    Returns:
        Two repetitions, the baseline's first. When one arm failed, only the
        failed one's: the other measured something, but no ratio.
    """
    baseline_first = coin.random() < 0.5  # noqa: PLR2004 - a fair coin
    started = time.perf_counter_ns()
    with ExitStack() as stack:
        order = (0, 1) if baseline_first else (1, 0)
        launched = {
            index: _Player(
                stack.enter_context(launcher(sides[index])), sides[index], pace.iterations[index]
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
                Slice(player.side.arm, occasion.episode, baseline_first == (index == 0), ()),
                occasion.number + index,
                started,
                occasion.origin_ns,
            )
            for index, player in enumerate(players)
            if not failed or player.failure is not None
        )
    return EpisodeResult(repetitions, endings if baseline_first else endings[::-1])


def _slice_ns(side: Side) -> int:
    return WINDOW_NS if side.workload.timing is Timing.WINDOW else SLICE_NS


def _probe(player: _Player) -> tuple[int, int]:
    """Calibrate one arm; return its iterations and the nanoseconds that a turn takes."""
    wanted = _slice_ns(player.side)
    if not player.side.apart:
        player.enter()
        player.measure(samples=0, warmups=0, sample_ns=wanted)
    started = time.perf_counter_ns()
    if player.side.apart:
        player.enter()
    # The second calibration counts: the first one was also the warm-up.
    reply = player.measure(samples=1, warmups=0, sample_ns=wanted)
    if player.side.apart:
        player.leave()
        return reply["iterations"], time.perf_counter_ns() - started
    player.leave()
    return reply["iterations"], int(reply["samples"][0]["wall_ns"])


def calibrate_pair(sides: tuple[Side, Side], *, launcher: Launcher) -> Pace:
    """
    Find how the arms of a pair take their turns; used for all of its episodes.

    Both arms take the larger number of iterations, unless one is several
    times as fast as the other: slices of one length are then worth more than
    equal counts.

    Args:
        sides: The baseline and the other arm.
        launcher: Starts an agent.

    Raises:
        WorkloadError: One arm cannot be measured.
    """
    found: list[tuple[int, int]] = []
    for side in sides:
        with launcher(side) as agent:
            player = _Player(agent, side, None)
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
    return Pace((first, second), samples, max(_FEWEST_PAIRS, min(_MOST_PAIRS, pairs)))
