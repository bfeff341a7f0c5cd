"""Measure a plan on this machine: the session behind `mpbench run`."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mpbench
from mpbench import environment
from mpbench.errors import InvalidSessionError
from mpbench.harness.agents import Agents
from mpbench.harness.private import private_folder
from mpbench.harness.repetitions import Effort, GroupResult, measure_group
from mpbench.harness.schedule import Group, groups_of, rounds
from mpbench.model import Event, Repetition, RunEnd, RunHeader, StartMethod, Status
from mpbench.observe.accounting import account_of
from mpbench.observe.doctor import diagnose
from mpbench.observe.finding import findings_to_record
from mpbench.observe.preflight import refusals
from mpbench.session.budget import Budget
from mpbench.session.choose import catalogue_for, choose, selected
from mpbench.session.exclusive import exclusive
from mpbench.session.interrupt import StopRequest, stop_requests
from mpbench.session.subjects import prepare
from mpbench.session.verify import claims_can_be_checked, trace_file, unfounded_claims
from mpbench.store.jsonl import Writer, read
from mpbench.store.reader import RESULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mpbench.model import Case, CaseRecord, Run
    from mpbench.plan import Plan
    from mpbench.session.choose import Chosen
    from mpbench.session.progress import Progress
    from mpbench.session.subjects import Described
    from mpbench.store.veil import Veil
    from mpbench.workload import Workload

__all__ = ("Measured", "default_folder", "run")

# Other load is looked at for this long before a run; it must fit into its minute.
_WATCH_S = 0.2

# After two failures for the same reason a third would only cost time.
_FAILURES_ALLOWED = 2


class Measured(NamedTuple):
    """
    A finished session: its folder, what it wrote, and how it ended.

    `claims` are the calls that workloads say they cover and never made; only
    a verification looks for them.
    """

    folder: Path
    run: Run
    interrupted: bool
    claims: tuple[str, ...] = ()


def default_folder(base: Path = Path("reports"), *, veil: Veil | None = None) -> Path:
    """Return the folder that a run writes to when the user names none."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    machine = environment.machine_name()
    return base / f"{stamp}-{machine if veil is None else veil.name(machine)}"


class _Session:
    """The state of one run while it measures."""

    def __init__(self, plan: Plan, writer: Writer, progress: Progress, private: Path) -> None:
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
        self.agents = Agents(private)

    def elapsed_ns(self) -> int:
        """Return nanoseconds since the session began."""
        return time.perf_counter_ns() - self.origin_ns

    def event(self, kind: str, text: str, case: str | None = None) -> None:
        """Write an event and tell the user."""
        self.writer.event(Event(self.elapsed_ns(), kind, text, case))
        self.progress.note(text)

    def note(self, repetition: Repetition) -> None:
        """Learn from one repetition: its iterations, its failures, its cost."""
        key = (repetition.subject, repetition.case)
        if repetition.is_ok:
            self.ok += 1
            self.iterations.setdefault(key, repetition.iterations)
            self.sampling_ns += repetition.elapsed_ns
        else:
            self.failures[key] = self.failures.get(key, 0) + 1
            self.progress.note(
                f"{repetition.case.id}: {repetition.status.value}: {repetition.reason}"
            )

    def worth_trying(self, group: Group) -> Group:
        """Leave out the cases that have failed often enough."""
        kept = [
            one._replace(
                cases=tuple(
                    case
                    for case in one.cases
                    if self.failures.get((group.subject, case), 0) < _FAILURES_ALLOWED
                )
            )
            for one in group.set_ups
        ]
        return group._replace(set_ups=tuple(one for one in kept if one.cases))

    def tracing(self, group: Group, effort: Effort) -> Effort:
        """Have a verification write down which calls a group makes."""
        if not effort.verify:
            return effort
        name = group.set_ups[0].workload.name
        self.traced.add(name)
        return effort._replace(trace=str(trace_file(self.private, name)))

    def keep(self, results: Sequence[GroupResult]) -> None:
        """Write what the agents of one group gave."""
        for result in results:
            account = None if result.ending is None else account_of(result.ending)
            for repetition in result.repetitions:
                self.writer.repetition(repetition._replace(account=account))
            for text in result.left:
                self.event("leak", text)
            if result.ending is not None:
                for name in result.ending.report.get("ended", ()):
                    where = result.repetitions[-1].case.workload if result.repetitions else "?"
                    self.event("ended", f"{where} left {name} behind; it was ended")


def _measure_rounds(
    session: _Session,
    groups: Sequence[Group],
    subjects: Mapping[str, Described],
    request: StopRequest,
    done: frozenset[tuple[str, Case, int]],
) -> None:
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
        effort = Effort(
            number, share.samples, plan.sample_ns, plan.window_ms, session.iterations, plan.verify
        )
        started, before = time.perf_counter(), session.sampling_ns
        for position, group in enumerate(order):
            if request.asked:
                return
            left = budget.remaining_s(time.perf_counter() - began, position, len(order))
            session.progress.step(group.name, left_s=left)
            left_to_do = _without(session.worth_trying(group), number, done)
            following = order[position + 1] if position + 1 < len(order) else None
            _measure(session, left_to_do, subjects, effort, following)
            session.progress.done()
        spent = (session.sampling_ns - before) / 1e9
        budget.measured(time.perf_counter() - started, spent, share.samples)


def _without(group: Group, number: int, done: frozenset[tuple[str, Case, int]]) -> Group:
    """Leave out what a resumed run has measured already."""
    if not done:
        return group
    kept = [
        one._replace(
            cases=tuple(case for case in one.cases if (group.subject, case, number) not in done)
        )
        for one in group.set_ups
    ]
    return group._replace(set_ups=tuple(one for one in kept if one.cases))


def _measure(
    session: _Session,
    group: Group,
    subjects: Mapping[str, Described],
    effort: Effort,
    following: Group | None,
) -> None:
    if not group.set_ups:
        return
    results = measure_group(
        subjects[group.subject].subject,
        group,
        session.tracing(group, effort),
        agents=session.agents,
        origin_ns=session.origin_ns,
        keep=session.note,
        following=None if following is None else subjects[following.subject].subject,
    )
    session.keep(results)


def _header(
    plan: Plan, command: Sequence[str], subjects: Sequence[Described], facts: dict[str, Any]
) -> RunHeader:
    return RunHeader(
        run=secrets.token_hex(8),
        started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        mpbench=mpbench.__version__,
        machine=environment.machine_name(),
        command=tuple(command),
        plan=plan.record(),
        subjects={one.subject.key: one.facts for one in subjects},
        environment=facts,
    )


def _end(session: _Session, *, interrupted: bool, planned: Sequence[CaseRecord]) -> RunEnd:
    if interrupted:
        return RunEnd(session.elapsed_ns(), Status.INTERRUPTED, "stopped by the user")
    failed = len(session.failures)
    if failed:
        return RunEnd(
            session.elapsed_ns(), Status.FAILED, f"{failed} of {len(planned)} cases failed"
        )
    return RunEnd(session.elapsed_ns(), Status.OK, None)


def _already(folder: Path) -> frozenset[tuple[str, Case, int]]:
    """Return what an earlier part of a run has measured."""
    return frozenset(
        (one.subject, one.case, one.number) for one in read(folder).repetitions if one.is_ok
    )


def run(  # noqa: PLR0913 - what the command line can say of a session
    plan: Plan,
    *,
    folder: Path,
    progress: Progress,
    command: Sequence[str] = (),
    wait_s: float = 0.0,
    resume: bool = False,
    veil: Veil | None = None,
) -> Measured:
    """
    Measure a plan and write its result file.

    Args:
        plan: What to measure.
        folder: Where `results.jsonl` is written; it is made if need be.
        progress: Who watches.
        command: What the user typed, for the record.
        wait_s: How long to wait for another session on this machine.
        resume: Whether to go on with the result file in *folder*.
        veil: Hides names in everything that is written.

    Returns:
        The session, read back from its file.

    Raises:
        UsageError: The plan is impossible.
        EnvironmentUnfitError: An interpreter cannot run, or another session measures.
        OutputError: The results cannot be written.
        InvalidSessionError: There was nothing to measure.
    """
    with ExitStack() as stack:
        stack.enter_context(exclusive(wait_s=wait_s))
        private = stack.enter_context(private_folder())
        catalogue = catalogue_for(plan)
        own = sorted({path.resolve().parent for path in plan.files})
        subjects = prepare(plan.pythons, private, paths=own)
        facts = environment.describe()
        findings = diagnose(seconds=_WATCH_S, machine=facts, interpreter=subjects[0].facts)
        facts["doctor"] = findings_to_record(findings)
        cpus = environment.usable_cpus()
        chosen = choose(
            plan, catalogue, subjects, cpus=cpus, preflight=refusals(facts, subjects[0].facts)
        )
        if not any(chosen.cases.values()):
            raise InvalidSessionError(_nothing(chosen))
        opened = Writer.resume(folder, veil=veil) if resume else Writer(folder, veil=veil)
        writer = stack.enter_context(opened)
        done = _already(folder) if resume else frozenset()
        session = _Session(plan, writer, progress, private)
        stack.callback(session.agents.close)
        if not resume:
            writer.header(_header(plan, command, subjects, facts))
            for record in chosen.records:
                writer.case(record)
        request = stack.enter_context(stop_requests())
        groups = groups_of(list(chosen.cases), chosen.cases, catalogue, sharing=plan.sharing)
        interrupted = _guarded(session, groups, subjects, request, done)
        claims = () if interrupted else _claims(session, catalogue)
        for text in claims:
            session.event("claim", text)
        progress.end()
        writer.end(_end(session, interrupted=interrupted, planned=chosen.records))
    if not session.ok and not done and not interrupted:
        raise InvalidSessionError(f"nothing could be measured; see the reasons in {folder}")
    written = read(folder)
    shown = written if veil is None else written._replace(path=RESULTS)
    return Measured(folder, shown, interrupted, claims)


def _claims(session: _Session, catalogue: Mapping[str, Workload]) -> tuple[str, ...]:
    """Return what the verified workloads claim to call and never did."""
    if not session.plan.verify:
        return ()
    methods = session.plan.methods or tuple(StartMethod)
    asked = {
        one.name for one in selected(session.plan, catalogue) if claims_can_be_checked(one, methods)
    }
    # A floor that only stands beside another workload was not verified in all its cases.
    return unfounded_claims(session.private, session.traced & asked, catalogue)


def _guarded(
    session: _Session,
    groups: Sequence[Group],
    subjects: Sequence[Described],
    request: StopRequest,
    done: frozenset[tuple[str, Case, int]],
) -> bool:
    """Measure; return whether the user stopped it."""
    try:
        by_key = {one.subject.key: one for one in subjects}
        _measure_rounds(session, groups, by_key, request, done)
    except KeyboardInterrupt:
        return True
    return request.asked


def _nothing(chosen: Chosen) -> str:
    reasons = sorted({record.reason for record in chosen.records if record.reason})
    return f"there is nothing to measure: {'; '.join(reasons) or 'no case was selected'}"
