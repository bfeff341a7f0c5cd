"""
Simulated machine and agents with a known truth.

The real episode code runs on it, so that its error rates cover the coin, the
order of turns, the pairing and the analysis together. The machine's speed
wanders in a way that both arms share; what is fixed when an agent starts, and
the penalty of being launched first, are drawn for each agent.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.agent.user_function import user_function
from mpbench.analysis.episode import MetricRef, counted, episode_statistic
from mpbench.harness.arm_agent import PreparedArm
from mpbench.harness.episodes import EpisodeContext, run_episode
from mpbench.harness.launch import AgentExit, Interpreter
from mpbench.harness.pair_calibration import PairCalibration
from mpbench.model import Case, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mpbench.harness.arm_agent import EpisodeAgent, Launcher
    from mpbench.model import Repetition

__all__ = (
    "NOISES",
    "READING",
    "SIDES",
    "Noise",
    "NoiseModel",
    "SimulatedMachine",
    "episodes_on",
    "log_ratios_of",
    "simulated_launcher",
)

# Given a generator and the machine's last log speed, returns its next one.
Noise = Callable[[random.Random, float], float]

READING = MetricRef(metric=Metric.TIME)

_OPERATION_NS = 1_000_000
_PACE = PairCalibration((1, 1), 1, 10)
_SUBJECT = Interpreter("simulated", "python", "nowhere")
SIDES = (
    PreparedArm("a", _SUBJECT, user_function, Case.make("call/function", None, {})),
    PreparedArm("b", _SUBJECT, user_function, Case.make("call/function", None, {})),
)


class NoiseModel(NamedTuple):
    """
    What makes agents and slices differ, in log time.

    The penalty of the agent that is launched first is what was seen on a
    virtual machine with two cores; the other two are of the same order.
    """

    first_penalty: float = 0.012
    agent_sd: float = 0.004
    slice_sd: float = 0.010


class SimulatedMachine:
    """
    Gets slower and faster on its own.

    Args:
        noise: The law that its speed follows.
        seed: Everything that happens follows from it.
        disturbance: What makes agents and slices differ.
    """

    def __init__(
        self,
        noise: Noise,
        seed: int,
        disturbance: NoiseModel = NoiseModel(),  # noqa: B008 - it is a constant
    ) -> None:
        self.chance = random.Random(f"machine:{seed}")
        self.launched = 0
        self.disturbance = disturbance
        self._noise = noise
        self._level = 0.0

    def operation_ns(self, own: float) -> int:
        """Return what an operation takes now, in an agent whose own log time is *own*."""
        self._level = self._noise(self.chance, self._level)
        private = self.chance.gauss(0, self.disturbance.slice_sd)
        return max(1, round(_OPERATION_NS * math.exp(self._level + own + private)))


class _SimulatedAgent:
    """Answers as an agent does, in no time."""

    def __init__(self, machine: SimulatedMachine, own: float) -> None:
        self._machine = machine
        self._own = own
        self.hash_seed = 0
        self.ending: AgentExit | None = None
        self.log = Path("agent-0.log")

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> dict[str, Any]:
        """Answer one request."""
        del deadline_s
        if request["do"] != "measure":
            return {"ok": True}
        taken = [self._machine.operation_ns(self._own) for _ in range(request["samples"])]
        samples = [
            {"elapsed_ns": elapsed_ns, "operations": 1, "wall_ns": elapsed_ns}
            for elapsed_ns in taken
        ]
        return {"ok": True, "iterations": 1, "samples": samples}

    def shared_deadline(self, deadline_s: float) -> AbstractContextManager[None]:
        """Have no deadline."""
        del deadline_s
        return nullcontext()

    def take_snapshot(self) -> Mapping[str, Any]:
        """Hold nothing."""
        return {}

    def request_exit(self) -> None:
        """Be told to end."""

    def stop(self, *, deadline_s: float = 10.0) -> AgentExit:
        """End at once."""
        del deadline_s
        return AgentExit("exited", 0, {}, {})


def simulated_launcher(machine: SimulatedMachine, effect: float) -> Launcher:
    """Return a launcher of simulated agents; *effect* is the arm `b`'s log ratio to `a`."""

    @contextmanager
    def launch(side: PreparedArm) -> Iterator[EpisodeAgent]:
        is_first = machine.launched % 2 == 0
        machine.launched += 1
        own = machine.chance.gauss(0, machine.disturbance.agent_sd)
        own += machine.disturbance.first_penalty * is_first + effect * (side.arm == "b")
        yield _SimulatedAgent(machine, own)

    return launch


def episodes_on(
    machine: SimulatedMachine, count: int, *, effect: float = 0.0, coin: random.Random | None = None
) -> list[tuple[Repetition, ...]]:
    """
    Run episodes on a simulated machine.

    Args:
        machine: Where.
        count: How many.
        effect: The true log ratio of the second arm to the first.
        coin: Says who is launched first; a fair one by default.
    """
    fair = coin or random.Random(machine.chance.random())
    launcher = simulated_launcher(machine, effect)
    return [
        run_episode(
            SIDES,
            _PACE,
            coin=fair,
            episode_context=EpisodeContext(episode, 2 * episode, 0),
            launcher=launcher,
        ).repetitions
        for episode in range(count)
    ]


def log_ratios_of(episodes: Iterable[tuple[Repetition, ...]]) -> list[float]:
    """Return the log ratios that the analysis makes of episodes."""
    statistics = (episode_statistic(first, second, READING) for first, second in episodes)
    return list(counted(statistic for statistic in statistics if statistic is not None))


def _iid(chance: random.Random, level: float) -> float:
    """Forget everything between two slices."""
    del level
    return chance.gauss(0, 0.03)


def _ar1(chance: random.Random, level: float) -> float:
    """Remember nine tenths."""
    return 0.9 * level + chance.gauss(0, 0.02)


def _random_walk(chance: random.Random, level: float) -> float:
    """Remember everything."""
    return level + chance.gauss(0, 0.02)


def _lognormal(chance: random.Random, level: float) -> float:
    """Be disturbed in one direction only, sometimes badly."""
    del level
    return math.log1p(0.05 * chance.lognormvariate(0, 1))


def _bimodal(chance: random.Random, level: float) -> float:
    """Switch between two speeds now and then."""
    fast, slow = 0.0, 0.3
    if chance.random() < 0.05:  # noqa: PLR2004 - once in two episodes' slices
        return slow if level == fast else fast
    return level


NOISES: Mapping[str, Noise] = MappingProxyType(
    {
        "independent": _iid,
        "autoregressive": _ar1,
        "random walk": _random_walk,
        "lognormal": _lognormal,
        "bimodal": _bimodal,
    }
)
