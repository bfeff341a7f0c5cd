"""Rounds of a run: the repetitions of all groups, and the records that are kept."""

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
from mpbench.printable import counted
from mpbench.session.agent_samplers import AgentSamplers, Durations, may_sample_case
from mpbench.session.budget import REPORT_S, Budget, cpu_slowdown, repetitions_text
from mpbench.session.verify import trace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mpbench.model import Case
    from mpbench.plan import Plan
    from mpbench.session.interpreters import InterpreterInfo
    from mpbench.session.interrupt import StopRequest
    from mpbench.session.progress import Progress
    from mpbench.session.resume import ResumeState
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
        self.tried: dict[tuple[str, Case], int] = {}
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
        self.tried[key] = self.tried.get(key, 0) + 1
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
    before: ResumeState,
) -> None:
    """
    Measure every group once a round, until the repetitions or the budget are used up.

    Args:
        session: The run.
        groups: What agents measure.
        subjects: The interpreters by their keys.
        request: Says when the user wants to stop.
        before: What a resumed run has measured already.
    """
    _RoundLoop(session, groups, subjects, request, before).run()


class _RoundLoop:
    """The loop over rounds and groups, and its clock."""

    def __init__(
        self,
        session: RunState,
        groups: Sequence[CaseGroup],
        subjects: Mapping[str, InterpreterInfo],
        request: StopRequest,
        before: ResumeState,
    ) -> None:
        self._session = session
        self._groups = groups
        self._subjects = subjects
        self._request = request
        self._before = before
        self._repetitions = 1 if session.plan.verify else session.plan.repetitions
        self._budget = _budget_of(session.plan, self._repetitions)
        self._began = time.perf_counter()

    def _used_s(self) -> float:
        return time.perf_counter() - self._began

    def _is_over(self) -> bool:
        return self._request.asked or self._budget.is_used_up(self._used_s())

    def run(self) -> None:
        """Measure round by round; say afterwards what the budget left out."""
        plan, budget = self._session.plan, self._budget
        self._session.progress.begin("measuring", self._repetitions * len(self._groups))
        for number, order in rounds(self._groups, repetitions=self._repetitions, seed=plan.seed):
            if plan.budget_s is not None:
                budget.slow_down(cpu_slowdown())
            share = budget.next(self._used_s())
            if share.stop:
                break
            started, sampled_ns = self._used_s(), self._session.sampling_ns
            self._round(number, order, share.samples)
            if self._is_over():
                break
            sampling_s = (self._session.sampling_ns - sampled_ns) / 1e9
            budget.measured(self._used_s() - started, sampling_s, share.samples)
        if budget.is_used_up(self._used_s()) and not self._request.asked:
            _note_budget(self._session, self._groups, budget, self._repetitions)

    def _round(self, number: int, order: Sequence[CaseGroup], samples: int) -> None:
        session, plan = self._session, self._session.plan
        effort = MeasurementSettings(
            number, samples, plan.sample_ns, plan.window_ms, session.iterations, plan.verify
        )
        for position, group in enumerate(order):
            if self._is_over():
                return
            left = self._budget.remaining_s(self._used_s(), position, len(order))
            self._request.doing = _title(group)
            session.progress.step(self._request.doing, left_s=left)
            left_to_do = _without(session.without_failing(group), number, self._before)
            following = order[position + 1] if position + 1 < len(order) else None
            _measure(session, left_to_do, self._subjects, effort, following, self._is_over)
            session.progress.done()


def _title(group: CaseGroup) -> str:
    """Return what a group measures, in words: `lock/contended, fork`."""
    names = {one.workload.name for one in group.set_ups}
    methods = {"" if one.method is None else one.method.value for one in group.set_ups}
    what = names.pop() if len(names) == 1 else counted(len(names), "workload")
    return ", ".join(filter(None, (what, *sorted(methods))))


def _budget_of(plan: Plan, repetitions: int) -> Budget:
    """Return the budget; a limit that the user or the tier sets may hold fewer samples."""
    fewest = 1 if plan.verify or plan.budget_s is not None else plan.samples
    # The minute of tier quick holds the report as well.
    reserve = REPORT_S if plan.has_limit_of_quick else 0.0
    return Budget(plan.budget_s, rounds=repetitions, samples=fewest, reserve_s=reserve)


def _note_budget(
    session: RunState, groups: Sequence[CaseGroup], budget: Budget, repetitions: int
) -> None:
    """Say which repetitions the budget left out, where it left out any."""
    planned = [(group.subject, case) for group in groups for case in group.cases]
    counts = [session.tried.get(key, 0) for key in planned]
    failing = [count for key, count in zip(planned, counts, strict=True) if key in session.failures]
    if min(counts, default=0) < repetitions and len(failing) < len(counts):
        held = repetitions_text(counts, repetitions)
        session.event("budget", f"the budget of {budget.seconds:.3g} s held {held}")


def _without(group: CaseGroup, number: int, before: ResumeState) -> CaseGroup:
    """Leave out what a resumed run has measured already."""
    return group.filtered(lambda case: not before.has(group.subject, case, number))


def _measure(
    session: RunState,
    group: CaseGroup,
    subjects: Mapping[str, InterpreterInfo],
    effort: MeasurementSettings,
    following: CaseGroup | None,
    is_over: Callable[[], bool],
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
            is_over=is_over,
        )
    except StoppedError as error:
        session.keep(error.results)
        raise
    session.keep(results)
