"""A live agent with a sampler over it that looks only while it may."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mpbench.model import Case, StartMethod
from mpbench.sampling.case_usage import TimeWindow
from mpbench.sampling.sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from mpbench.harness.agents import RunAgent
    from mpbench.harness.launch import AgentExit
    from mpbench.sampling.sampler import SamplerResult

__all__ = ("INTERVAL_S", "SampledAgent")

# A sample is some tens of milliseconds long, so that a line over it needs
# looks this close; the share of a CPU that they may use spaces them further.
INTERVAL_S = 0.02


class SampledAgent:
    """
    Passes requests on to an agent and lets a sampler look while it measures.

    Args:
        agent: The agent.
        root: Its supervisor's pid.
        allowed: Whether the samples of a case may be watched.
        closely: Whether there is a look right before and right after each
            request, while nothing is timed; turns of a few milliseconds would
            leave no other.
    """

    def __init__(
        self, agent: RunAgent, *, root: int, allowed: Callable[[Case], bool], closely: bool
    ) -> None:
        self._agent = agent
        self._allowed = allowed
        self._closely = closely
        self._sampler = Sampler(root, interval_s=INTERVAL_S)
        self._open: tuple[str, StartMethod | None] | None = None
        self.root = root
        self.log = agent.log
        self.hash_seed = agent.hash_seed
        self.spans: dict[Case, TimeWindow] = {}

    @property
    def ending(self) -> AgentExit | None:
        """How it ended, when it has."""
        return self._agent.ending

    def _case(self, request: Mapping[str, Any]) -> Case | None:
        """Return the case that a request measures, if it measures one."""
        if request["do"] == "open":
            method = request["method"]
            self._open = request["workload"], None if method is None else StartMethod(method)
        if request["do"] != "measure" or self._open is None:
            return None
        return Case.make(*self._open, request["params"])

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> dict[str, Any]:
        """Send one request and return the reply; the sampler looks on if it may."""
        case = self._case(request)
        if case is None or not self._allowed(case):
            return self._agent.ask(request, deadline_s=deadline_s)
        began = time.perf_counter_ns()
        if self._closely:
            self._sampler.look()
        self._sampler.resume()
        try:
            return self._agent.ask(request, deadline_s=deadline_s)
        finally:
            self._sampler.pause()
            if self._closely:
                self._sampler.look()
            first = self.spans.get(case, TimeWindow(began, began)).begin_ns
            self.spans[case] = TimeWindow(first, time.perf_counter_ns())

    def shared_deadline(self, deadline_s: float) -> AbstractContextManager[None]:
        """Set one deadline for all requests inside."""
        return self._agent.shared_deadline(deadline_s)

    def take_snapshot(self) -> Mapping[str, Any]:
        """Let the supervisor read what the tree holds now."""
        return self._agent.take_snapshot()

    def log_tail(self) -> str:
        """Return the end of what the agent and its children printed."""
        return self._agent.log_tail()

    def request_exit(self) -> None:
        """Tell the agent to end."""
        self._agent.request_exit()

    def stop(self, *, deadline_s: float = 10.0) -> AgentExit:
        """End the agent in good order."""
        return self._agent.stop(deadline_s=deadline_s)

    def kill(self) -> AgentExit:
        """End the agent and everything it started."""
        return self._agent.kill()

    def stop_sampling(self) -> None:
        """Stop the sampler for good."""
        self._sampler.stop()

    def seen(self) -> SamplerResult | None:
        """Return what the sampler saw; None when it never looked."""
        seen = self._sampler.seen()
        return seen if seen.ticks else None
