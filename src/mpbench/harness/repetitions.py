"""Measure one group of cases in one fresh agent."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.agent.protocol import sample_from_wire
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.harness.agent_id import agent_id
from mpbench.model import Repetition, Status, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mpbench.harness.agents import AgentFactory, RunAgent
    from mpbench.harness.launch import AgentExit, Interpreter
    from mpbench.harness.schedule import CaseGroup, SetUpGroup
    from mpbench.model import Case

__all__ = ("GroupResult", "MeasurementSettings", "StoppedError", "measure_group")


# What multiprocessing's own tracker prints, in every Python since 3.8.
_LEAKED = re.compile(r"There appear to be (\d+ leaked \w+ objects)")


class MeasurementSettings(NamedTuple):
    """
    How much is done in one agent.

    `iterations` holds the counts that earlier agents calibrated, so that every
    repetition of a case takes samples of the same number of operations.
    """

    number: int
    samples: int
    sample_ns: int
    window_ms: int
    iterations: Mapping[tuple[str, Case], int]
    verify: bool = False
    trace: str | None = None


class GroupResult(NamedTuple):
    """What one agent gave: a repetition for each case, and how its life ended."""

    repetitions: tuple[Repetition, ...]
    ending: AgentExit | None
    leaks: tuple[str, ...]


class StoppedError(KeyboardInterrupt):
    """
    The user wants everything to end at once.

    Args:
        results: What was measured before; the last agent's life has no account.
    """

    def __init__(self, results: tuple[GroupResult, ...]) -> None:
        self.results = results
        super().__init__("stopped by the user")


def _never() -> bool:
    return False


class _GroupAgent:
    """One agent at work on a group."""

    def __init__(
        self, agent: RunAgent, group: CaseGroup, effort: MeasurementSettings, origin_ns: int
    ) -> None:
        self._agent = agent
        self._group = group
        self._effort = effort
        self._origin = origin_ns
        self._serial = agent_id(agent.log)
        self.left: list[str] = []
        # Whether another set-up may be entered in it.
        self.is_usable = True

    def repetition(self, case: Case, started: int, **known: Any) -> Repetition:
        """Build the record of one case."""
        now = time.perf_counter_ns()
        given: dict[str, Any] = {"reason": None, "iterations": 0, "samples": (), **known}
        return Repetition(
            subject=self._group.subject,
            case=case,
            number=self._effort.number,
            started_ns=started - self._origin,
            elapsed_ns=now - started,
            hash_seed=self._agent.hash_seed,
            agent=self._serial,
            **given,
        )

    def serve(self, set_up: SetUpGroup) -> Iterator[Repetition]:
        """Enter a set-up and measure its cases; a failure ends the set-up."""
        started = time.perf_counter_ns()
        waiting = list(set_up.cases)
        try:
            self._open(set_up)
            while waiting:
                started = time.perf_counter_ns()
                measured = self._measure(set_up, waiting[0], started)
                waiting.pop(0)
                yield measured
            self._agent.take_snapshot()
            self._close(set_up)
        except WorkloadError as error:
            self.is_usable = False
            if not waiting:
                self.left.append(f"{set_up.workload.name} did not leave its set-up: {error.reason}")
            for case in waiting:
                yield self.repetition(
                    case,
                    started,
                    status=Status(error.status),
                    reason=error.reason,
                    extra={"log": self._agent.log_tail()},
                )
                # What follows was not tried; the caller measures it in another agent.
                return

    def _ask(self, request: Mapping[str, Any], deadline_s: float) -> dict[str, Any]:
        reply = self._agent.ask(request, deadline_s=deadline_s)
        if reply.get("ok"):
            return reply
        if reply.get("status") == Status.UNSUPPORTED.value:
            raise UnsupportedError(reply["reason"])
        raise WorkloadError(reply["reason"])

    def _open(self, set_up: SetUpGroup) -> None:
        self._ask(
            {
                "do": "open",
                "module": set_up.workload.module,
                "workload": set_up.workload.name,
                "method": None if set_up.method is None else set_up.method.value,
                "params": dict(set_up.cases[0].params),
                "trace": self._effort.trace,
            },
            set_up.workload.deadline_s,
        )

    def _measure(self, set_up: SetUpGroup, case: Case, started: int) -> Repetition:
        effort, timing = self._effort, set_up.workload.timing
        if effort.verify:
            reply = self._ask(
                {"do": "verify", "params": dict(case.params)}, set_up.workload.deadline_s
            )
            seen = (sample_from_wire(reply["sample"]),)
            return self.repetition(case, started, status=Status.OK, samples=seen, iterations=1)
        known = effort.iterations.get((self._group.subject, case))
        length = effort.window_ms * 1_000_000 if timing is Timing.WINDOW else effort.sample_ns
        reply = self._ask(
            {
                "do": "measure",
                "params": dict(case.params),
                "iterations": known,
                "sample_ns": length,
                "samples": effort.samples,
                # Calibration has warmed the body up; a known count has not.
                "warmups": int(timing is Timing.LOOP and known is not None),
            },
            set_up.workload.deadline_s,
        )
        samples = tuple(sample_from_wire(wire) for wire in reply["samples"])
        return self.repetition(
            case, started, status=Status.OK, samples=samples, iterations=reply["iterations"]
        )

    def _close(self, set_up: SetUpGroup) -> None:
        reply = self._ask({"do": "close"}, set_up.workload.deadline_s)
        self.left += [f"{set_up.workload.name} left the {thing}" for thing in reply["left"]]

    def note_ending(self, ending: AgentExit) -> None:
        """Note what an agent that had done its work said and did while it ended."""
        name = self._group.name
        if self.is_usable and ending.exit_code != 0:
            self.left.append(f"{name} did not end in good order: {_manner(ending)}")
        self.left += [f"{name} left {what} to the resource tracker" for what in self._leaked()]

    def _leaked(self) -> list[str]:
        """Return what resource trackers complained of: names that nobody had unlinked."""
        return _LEAKED.findall(self._agent.log_tail())


def _manner(ending: AgentExit) -> str:
    """Say how an agent ended that had done its work."""
    if ending.cause == "deadline":
        return "its interpreter hung while it ended, and was ended by force"
    return f"its interpreter ended with exit code {ending.exit_code}"


def measure_group(  # noqa: PLR0913 - what one agent's whole work needs
    subject: Interpreter,
    group: CaseGroup,
    effort: MeasurementSettings,
    *,
    agents: AgentFactory,
    origin_ns: int,
    keep: Callable[[Repetition], None],
    following: Interpreter | None = None,
    is_over: Callable[[], bool] = _never,
) -> tuple[GroupResult, ...]:
    """
    Measure a group in a fresh agent; after a failure the rest gets another one.

    Args:
        subject: The interpreter.
        group: Set-ups and cases, in the order to use.
        effort: How much to do.
        agents: Where agents come from.
        origin_ns: The start of the run on the common clock.
        keep: Called with each repetition as soon as it ends.
        following: The interpreter of the group that is measured after this
            one; its agent is started while this group's last set-up is left.
        is_over: Asked after each repetition; whether to leave the rest out.

    Returns:
        One result for each agent that was needed.

    Raises:
        AgentError: An agent could not be started.
        StoppedError: KeyboardInterrupt, with what was measured before it.
    """
    results: list[GroupResult] = []
    waiting = list(group.set_ups)

    def ahead() -> None:
        if following is not None:
            agents.prepare(following)

    while waiting and not is_over():
        done: list[Repetition] = []
        try:
            with agents.take(subject) as agent:
                member = _GroupAgent(agent, group, effort, origin_ns)
                waiting = _serve_all(member, waiting, done, keep, ahead, is_over)
                fine = {Status.OK, Status.UNSUPPORTED}
                is_well = all(repetition.status in fine for repetition in done)
                ending = agent.stop() if is_well else agent.kill()
                if is_well:
                    member.note_ending(ending)
        except KeyboardInterrupt as error:
            raise StoppedError((*results, GroupResult(tuple(done), None, ()))) from error
        results.append(GroupResult(tuple(done), ending, tuple(member.left)))
    return tuple(results)


def _serve_all(
    member: _GroupAgent,
    waiting: list[SetUpGroup],
    done: list[Repetition],
    keep: Callable[[Repetition], None],
    ahead: Callable[[], None],
    is_over: Callable[[], bool],
) -> list[SetUpGroup]:
    """Serve set-ups until one fails or all is over; return what is left for another agent."""
    while waiting:
        one = waiting[0]
        rest = list(one.cases)
        for repetition in member.serve(one):
            done.append(repetition)
            keep(repetition)
            if is_over():
                return []
            rest.remove(repetition.case)
            if not repetition.is_ok:
                following = [one._replace(cases=tuple(rest))] if rest else []
                return following + waiting[1:]
            if not rest and len(waiting) == 1:
                # Nothing is timed any more: the next interpreter may boot.
                ahead()
        waiting = waiting[1:]
        if not member.is_usable:
            return waiting
    return []
