"""Samplers around agents: whom they may watch, and what is kept of what they saw."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from mpbench.model import Timing
from mpbench.plan import Sampling
from mpbench.sampling.accounting import resource_usage
from mpbench.sampling.case_usage import case_usage
from mpbench.sampling.sampler import may_sample
from mpbench.session.sampled_agent import SampledAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mpbench.harness.agents import RunAgent
    from mpbench.harness.arm_agent import EpisodeAgent, PreparedArm
    from mpbench.harness.launch import AgentExit, AgentHandle
    from mpbench.model import Case, Repetition

__all__ = ("AgentSamplers", "Durations", "may_sample_case")


class Durations:
    """
    How long the thing takes that a clock is put around, for each case.

    Args:
        timings: How each workload is timed, by its name.
    """

    def __init__(self, timings: Mapping[str, Timing]) -> None:
        self._timings = timings
        self._known: dict[tuple[str, Case], float] = {}

    def note(self, repetition: Repetition) -> None:
        """Learn from a repetition that went well."""
        timing = self._timings.get(repetition.case.workload)
        if timing is None or not repetition.samples or repetition.iterations < 1:
            return
        shortest: float = min(sample.elapsed_ns for sample in repetition.samples)
        if timing is Timing.LOOP:
            shortest /= repetition.iterations
        elif timing is Timing.WINDOW:
            # Nobody waits for the window: what counts is what its workers do in it.
            shortest = min(
                sample.elapsed_ns * max(1, len(sample.workers)) / sample.operations
                for sample in repetition.samples
            )
        self._known.setdefault((repetition.subject, repetition.case), shortest)

    def of(self, subject: str, case: Case) -> float | None:
        """Return nanoseconds; None while no agent has measured the case."""
        return self._known.get((subject, case))


def may_sample_case(sampling: Sampling, duration_ns: float | None) -> bool:
    """
    Return whether a sampler may look while a case is measured.

    Args:
        sampling: What the user wants.
        duration_ns: How long one timed call takes; None where it is not known.
    """
    if sampling is Sampling.OFF:
        return False
    return may_sample(duration_ns, asked=sampling is Sampling.ON)


class AgentSamplers:
    """
    The samplers of a session, one for each agent.

    Args:
        allowed: Whether a case of a subject may be watched.
        closely: Whether each request is also looked at right before and after it.
    """

    def __init__(self, allowed: Callable[[str, Case], bool], *, closely: bool = True) -> None:
        self._allowed = allowed
        self._closely = closely
        self._agents: dict[int, SampledAgent] = {}

    @contextmanager
    def attach_to_agent(self, subject: str, agent: AgentHandle) -> Iterator[RunAgent]:
        """
        Watch an agent until it has ended.

        Args:
            subject: The key of its interpreter.
            agent: The agent.
        """
        watched = SampledAgent(
            agent,
            root=agent.pid,
            allowed=lambda case: self._allowed(subject, case),
            closely=self._closely,
        )
        self._agents[agent.serial] = watched
        try:
            yield watched
        finally:
            watched.stop_sampling()

    @contextmanager
    def attach_to_arm(self, side: PreparedArm, agent: AgentHandle) -> Iterator[EpisodeAgent]:
        """Watch the agent of a side of a comparison, if it asks for it."""
        if not side.is_sampled:
            yield agent
            return
        with self.attach_to_agent(side.subject.key, agent) as watched:
            yield watched

    def add_usage(
        self, repetition: Repetition, ending: AgentExit | None, *, origin_ns: int
    ) -> Repetition:
        """
        Add to a record what its agent used and what was seen of it.

        Args:
            repetition: As the agent gave it.
            ending: How the agent ended, where that is known.
            origin_ns: The start of the session.
        """
        watched = self._agents.get(repetition.agent)
        seen = None if watched is None else watched.seen()
        account = None if ending is None else resource_usage(ending, seen)
        span = None if watched is None else watched.spans.get(repetition.case)
        if watched is None or seen is None or span is None:
            return repetition._replace(account=account)
        # In turns an agent is idle between two looks: what it used then is no share of anything.
        workers = _workers(repetition.case) if self._closely else None
        sampled = case_usage(seen, span, root=watched.root, workers=workers, origin_ns=origin_ns)
        return repetition._replace(account=account, sampled=sampled)

    def clear(self) -> None:
        """Drop what was seen of agents whose records are complete."""
        self._agents.clear()


def _workers(case: Case) -> int | None:
    """Return how many workers a case has, if that is one of its parameters."""
    count = dict(case.params).get("workers")
    return count if isinstance(count, int) and not isinstance(count, bool) else None
