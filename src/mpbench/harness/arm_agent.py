"""One live agent of an episode: what it is asked and what it has answered."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Protocol

from mpbench.agent.protocol import sample_from_wire
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.harness.launch import launch
from mpbench.harness.private import LONGEST_PREFIX

if TYPE_CHECKING:
    from mpbench.harness.launch import AgentExit, AgentHandle, Interpreter
    from mpbench.model import Case, Sample
    from mpbench.workload import Workload

__all__ = ("AgentWrapper", "ArmAgent", "EpisodeAgent", "Launcher", "PreparedArm", "fresh_agents")


class EpisodeAgent(Protocol):
    """What an episode needs of a live agent; `AgentHandle` is one."""

    log: Path

    @property
    def hash_seed(self) -> int | None:
        """Its `PYTHONHASHSEED`; None where it was not set."""

    @property
    def ending(self) -> AgentExit | None:
        """How it ended; None while it lives."""

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> dict[str, Any]:
        """Send one request and return the reply."""

    def shared_deadline(self, deadline_s: float) -> AbstractContextManager[None]:
        """Set one deadline for all requests inside."""

    def take_snapshot(self) -> Mapping[str, Any]:
        """Let the supervisor read what the tree holds now."""

    def request_exit(self) -> None:
        """Tell the agent to end, and do not wait for it; `stop` does."""

    def stop(self, *, deadline_s: float = 10.0) -> AgentExit:
        """End the agent in good order."""


class PreparedArm(NamedTuple):
    """
    One arm of a pair, ready to be measured.

    `apart` means that the set-up is entered for each turn and left after it:
    for workloads that keep their load on while nobody measures. `injection`
    names a function of the standard library that is slowed down, and by how
    many passes of a busy wait. `watched` means that a sampler looks on.
    """

    arm: str
    subject: Interpreter
    workload: Workload
    case: Case
    setup_per_slice: bool = False
    slowdown: tuple[str, int] | None = None
    is_sampled: bool = False


# Starts one fresh agent for an arm.
Launcher = Callable[[PreparedArm], AbstractContextManager[EpisodeAgent]]


# Puts something between the agent of a side and whoever asks it.
AgentWrapper = Callable[[PreparedArm, "AgentHandle"], AbstractContextManager[EpisodeAgent]]


def _nothing_between(side: PreparedArm, agent: AgentHandle) -> AbstractContextManager[EpisodeAgent]:
    del side
    return nullcontext(agent)


def fresh_agents(folder: Path, *, watch: AgentWrapper = _nothing_between) -> Launcher:
    """
    Return a launcher of real agents.

    Args:
        folder: Private; each agent gets a folder of its own in it, with a name of random length.
        watch: Entered with each agent, and left when it has ended.
    """

    @contextmanager
    def start(side: PreparedArm) -> Iterator[EpisodeAgent]:
        with (
            tempfile.TemporaryDirectory(
                dir=folder,
                prefix="a" * (1 + secrets.randbelow(LONGEST_PREFIX)),
                ignore_cleanup_errors=True,
            ) as own,
            launch(side.subject, folder=Path(own)) as agent,
            watch(side, agent) as watched,
        ):
            yield watched

    return start


class ArmAgent:
    """One live agent and its place in the episode; `cpu` is the only one that it may use."""

    def __init__(
        self,
        agent: EpisodeAgent,
        side: PreparedArm,
        iterations: int | None,
        *,
        cpu: int | None = None,
    ) -> None:
        self.agent = agent
        self.cpu = cpu
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
            error.arm = self.side.arm
            raise
        return reply

    def open_setup(self) -> None:
        """Enter the set-up."""
        case = self.side.case
        request: dict[str, Any] = {
            "do": "open",
            "module": self.side.workload.module,
            "workload": self.side.workload.name,
            "method": None if case.method is None else case.method.value,
            "params": dict(case.params),
        }
        if self.side.slowdown is not None:
            request["inject"] = list(self.side.slowdown)
        if self.cpu is not None:
            request["cpu"] = self.cpu
        self.ask(request)

    def close_setup(self) -> None:
        """Leave the set-up; the agent looks at what was left behind."""
        self.ask({"do": "close"})

    def measure(self, *, samples: int, warmups: int, sample_ns: int = 0) -> dict[str, Any]:
        """Run the body; without a number of iterations the agent calibrates."""
        request = {
            "do": "measure",
            "params": dict(self.side.case.params),
            "iterations": self.iterations,
            "sample_ns": sample_ns,
            "samples": samples,
            "warmups": warmups,
        }
        return self.ask(request)

    def measure_slice(self, turn: int, samples: int) -> None:
        """Measure one slice."""
        if self.side.setup_per_slice:
            self.open_setup()
        reply = self.measure(samples=samples, warmups=0)
        if self.side.setup_per_slice:
            self.close_setup()
        self.samples += [sample_from_wire(wire) for wire in reply["samples"]]
        self.turns += [turn] * samples
