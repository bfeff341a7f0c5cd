"""The repetitions of a run, round by round: what is asked of agents, what is kept of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mpbench.harness.agents import AgentFactory
from mpbench.harness.repetitions import (
    GroupResult,
    MeasurementSettings,
    StoppedError,
    measure_group,
)
from mpbench.harness.schedule import CaseGroup, rounds
from mpbench.model import Repetition, RunEvent
from mpbench.session.agent_samplers import AgentSamplers, Durations, may_sample_case
from mpbench.session.budget import Budget
from mpbench.session.verify import trace_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mpbench.model import Case
    from mpbench.plan import Plan
    from mpbench.session.interpreters import InterpreterInfo
    from mpbench.session.interrupt import StopRequest
    from mpbench.session.progress import Progress
    from mpbench.store.writer import Writer
    from mpbench.workload import Workload

__all__ = ("RunState", "measure_rounds")

# After two failures for the same reason a third would only cost time.
_FAILURES_ALLOWED = 2


class RunState:
    """
    The state of one run while it measures.

    Args:
        plan: What is measured.
        catalogue: Every workload by its name.
        writer: Takes each record as soon as it is complete.
        progress: Who watches.
        private: A folder that is gone after the session.
    """

    def __init__(
        self,
        plan: Plan,
        catalogue: Mapping[str, Workload],
        writer: Writer,
        progress: Progress,
        private: Path,
    ) -> None:
        self.plan = plan
        self.writer = writer
        self.progress = progress
        self.private = private
        self.origin_ns = time.perf_counter_ns()
        self.iterations: dict[tuple[str, Case], int] = {}
        self.failures: dict[tuple[str, Case], int] = {}
        self.sampling_ns = 0
        self.ok = 0
        self.traced: set[str] = set()
        self._durations = Durations({name: one.timing for name, one in catalogue.items()})
        self._watch = AgentSamplers(self._is_watched)
        self.agents = AgentFactory(private, watch=self._watch.attach_to_agent)

    def _is_watched(self, subject: str, case: Case) -> bool:
        """Return whether a sampler looks on while a case is measured."""
        return may_sample_case(self.plan.sample, self._durations.of(subject, case))

    def elapsed_ns(self) -> int:
        """Return nanoseconds since the session began."""
        return time.perf_counter_ns() - self.origin_ns

    def event(self, kind: str, text: str, case: str | None = None) -> None:
        """Write an event and tell the user."""
        self.writer.event(RunEvent(self.elapsed_ns(), kind, text, case))
        self.progress.note(text)

    def note(self, repetition: Repetition) -> None:
        """Learn from one repetition: its iterations, its failures, its cost."""
        key = (repetition.subject, repetition.case)
        if repetition.is_ok:
            self.ok += 1
            self._durations.note(repetition)
            self.iterations.setdefault(key, repetition.iterations)
            self.sampling_ns += repetition.elapsed_ns
        else:
            self.failures[key] = self.failures.get(key, 0) + 1
            self.progress.note(
                f"{repetition.case.id}: {repetition.status.value}: {repetition.reason}"
            )

    def without_failing(self, group: CaseGroup) -> CaseGroup:
        """Leave out the cases that have failed often enough."""
        return group.filtered(
            lambda case: self.failures.get((group.subject, case), 0) < _FAILURES_ALLOWED
        )

    def tracing(self, group: CaseGroup, effort: MeasurementSettings) -> MeasurementSettings:
        """Have a verification write down which calls a group makes."""
        if not effort.verify:
            return effort
        name = group.set_ups[0].workload.name
        self.traced.add(name)
        return effort._replace(trace=str(trace_file(self.private, name)))

    def keep(self, results: Sequence[GroupResult]) -> None:
        """Write what the agents of one group gave."""
        for result in results:
            for repetition in result.repetitions:
                self.writer.repetition(
                    self._watch.add_usage(repetition, result.ending, origin_ns=self.origin_ns)
                )
            for text in result.leaks:
                self.event("leak", text)
            if result.ending is not None:
                for name in result.ending.report.get("ended", ()):
                    where = result.repetitions[-1].case.workload if result.repetitions else "?"
                    self.event("ended", f"{where} left {name} behind; it was ended")
        self._watch.clear()


def measure_rounds(
    session: RunState,
    groups: Sequence[CaseGroup],
    subjects: Mapping[str, InterpreterInfo],
    request: StopRequest,
    done: frozenset[tuple[str, Case, int]],
) -> None:
    """
    Measure every group once a round, until the repetitions or the budget are used up.

    Args:
        session: The run.
        groups: What agents measure.
        subjects: The interpreters by their keys.
        request: Says when the user wants to stop.
        done: What a resumed run has measured already.
    """
    plan = session.plan
    fewest = 1 if plan.verify else plan.samples
    repetitions = 1 if plan.verify else plan.repetitions
    budget = Budget(plan.budget_s, rounds=repetitions, samples=fewest)
    session.progress.begin("measuring", repetitions * len(groups))
    began = time.perf_counter()
    for number, order in rounds(groups, repetitions=repetitions, seed=plan.seed):
        share = budget.next(time.perf_counter() - began)
        if share.stop:
            session.event("budget", f"the budget of {plan.budget_s:g} s held {number} repetitions")
            break
        effort = MeasurementSettings(
            number, share.samples, plan.sample_ns, plan.window_ms, session.iterations, plan.verify
        )
        started, before = time.perf_counter(), session.sampling_ns
        for position, group in enumerate(order):
            if request.asked:
                return
            left = budget.remaining_s(time.perf_counter() - began, position, len(order))
            session.progress.step(group.name, left_s=left)
            left_to_do = _without(session.without_failing(group), number, done)
            following = order[position + 1] if position + 1 < len(order) else None
            _measure(session, left_to_do, subjects, effort, following, request)
            session.progress.done()
        spent = (session.sampling_ns - before) / 1e9
        budget.measured(time.perf_counter() - started, spent, share.samples)


def _without(group: CaseGroup, number: int, done: frozenset[tuple[str, Case, int]]) -> CaseGroup:
    """Leave out what a resumed run has measured already."""
    return group.filtered(lambda case: (group.subject, case, number) not in done)


def _measure(
    session: RunState,
    group: CaseGroup,
    subjects: Mapping[str, InterpreterInfo],
    effort: MeasurementSettings,
    following: CaseGroup | None,
    request: StopRequest,
) -> None:
    if not group.set_ups:
        return
    try:
        results = measure_group(
            subjects[group.subject].subject,
            group,
            session.tracing(group, effort),
            agents=session.agents,
            origin_ns=session.origin_ns,
            keep=session.note,
            following=None if following is None else subjects[following.subject].subject,
            is_over=lambda: request.asked,
        )
    except StoppedError as error:
        session.keep(error.results)
        raise
    session.keep(results)
