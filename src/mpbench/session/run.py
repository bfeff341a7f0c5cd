"""Session of `mpbench run`: measurement of a plan on this machine."""

from __future__ import annotations

import math
import re
import secrets
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mpbench
from mpbench import environment
from mpbench.doctor.checks import WATCH_S, run_checks
from mpbench.doctor.finding import findings_to_record
from mpbench.doctor.preflight import skip_reasons
from mpbench.errors import InvalidSessionError, OutputError, UsageError
from mpbench.harness.private import private_folder
from mpbench.harness.schedule import group_cases
from mpbench.model import RunEnd, RunHeader, StartMethod, Status
from mpbench.printable import counted
from mpbench.session.budget import estimate_run
from mpbench.session.interpreters import prepare_interpreters
from mpbench.session.interrupt import stop_requests, terminations
from mpbench.session.machine_lock import machine_lock
from mpbench.session.resume import ResumeState, resume_state
from mpbench.session.rounds import RunState, measure_rounds
from mpbench.session.selection import catalogue_for, select_cases, select_workloads
from mpbench.session.verify import find_coverage_errors, is_checkable
from mpbench.store.atomic_write import make_folder
from mpbench.store.reader import RESULTS
from mpbench.store.writer import Writer, read
from mpbench.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mpbench.harness.schedule import CaseGroup
    from mpbench.model import CaseRecord, Run
    from mpbench.plan import Plan
    from mpbench.session.interpreters import InterpreterInfo
    from mpbench.session.interrupt import StopRequest
    from mpbench.session.progress import Progress
    from mpbench.session.selection import SelectedCases
    from mpbench.store.anonymise import Anonymiser
    from mpbench.workload import Workload

__all__ = ("RunResult", "default_folder", "fresh_folder", "run")


class RunResult(NamedTuple):
    """
    A finished session: its folder, what it wrote, and how it ended.

    `claims` are the calls that workloads say they cover and never made; only
    a verification looks for them.
    """

    folder: Path
    run: Run
    interrupted: bool
    coverage_errors: tuple[str, ...] = ()


def default_folder(base: Path = Path("reports"), *, anonymiser: Anonymiser | None = None) -> Path:
    """Return the folder that a run writes to when the user names none."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    machine = environment.machine_name()
    return base / f"{stamp}-{machine if anonymiser is None else anonymiser.name(machine)}"


@contextmanager
def fresh_folder(
    base: Path = Path("reports"), *, anonymiser: Anonymiser | None = None
) -> Iterator[Path]:
    """
    Make the folder of one session: two of the same second get two.

    It is removed again if nothing was written to it.
    """
    first = default_folder(base, anonymiser=anonymiser)
    path, count = first, 1
    is_new = not base.exists()
    while True:
        try:
            make_folder(path.parent)
            path.mkdir(mode=0o700)
            break
        except FileExistsError:
            count += 1
            path = first.with_name(f"{first.name}-{count}")
        except (OSError, OutputError):
            # Whoever writes the first file there says why it cannot be.
            break
    try:
        yield path
    finally:
        with suppress(OSError):
            path.rmdir()
            if is_new:
                base.rmdir()


def _header(
    plan: Plan, command: Sequence[str], subjects: Sequence[InterpreterInfo], facts: dict[str, Any]
) -> RunHeader:
    return RunHeader(
        run=secrets.token_hex(8),
        started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        mpbench=mpbench.__version__,
        machine=environment.machine_name(),
        command=tuple(command),
        plan=plan.record(),
        subjects={subject.subject.key: subject.facts for subject in subjects},
        environment=facts,
    )


def _end(session: RunState, *, interrupted: bool, planned: Sequence[CaseRecord]) -> RunEnd:
    if interrupted:
        return RunEnd(session.elapsed_ns(), Status.INTERRUPTED, "stopped by the user")
    failed = len(session.failures)
    if failed:
        return RunEnd(
            session.elapsed_ns(), Status.FAILED, f"{failed} of {len(planned)} cases failed"
        )
    return RunEnd(session.elapsed_ns(), Status.OK, None)


def run(  # noqa: PLR0913 - what the command line can say of a session
    plan: Plan,
    *,
    folder: Path,
    progress: Progress,
    command: Sequence[str] = (),
    wait_s: float = 0.0,
    resume: bool = False,
    anonymiser: Anonymiser | None = None,
) -> RunResult:
    """
    Measure a plan and write its result file.

    Args:
        plan: What to measure.
        folder: Where `results.jsonl` is written; it is made if need be.
        progress: Who watches.
        command: What the user typed, for the record.
        wait_s: How long to wait for another session on this machine.
        resume: Whether to go on with the result file in *folder*.
        anonymiser: Hides names in everything that is written.

    Returns:
        The session, read back from its file.

    Raises:
        UsageError: The plan is impossible.
        EnvironmentUnfitError: An interpreter cannot run, or another session measures.
        OutputError: The results cannot be written.
        InvalidSessionError: There was nothing to measure.
    """
    with ExitStack() as stack:
        stack.enter_context(terminations())
        stack.enter_context(machine_lock(wait_s=wait_s, note=progress.note))
        private = stack.enter_context(private_folder())
        catalogue = catalogue_for(plan)
        own = sorted({path.resolve().parent for path in plan.files})
        subjects = prepare_interpreters(plan.pythons, private, paths=own)
        facts = environment.describe()
        findings = run_checks(seconds=WATCH_S, machine=facts, interpreter=subjects[0].facts)
        facts["doctor"] = findings_to_record(findings)
        cpus = environment.usable_cpus()
        chosen = select_cases(
            plan, catalogue, subjects, cpus=cpus, preflight=skip_reasons(facts, subjects[0].facts)
        )
        if not any(chosen.cases.values()):
            raise InvalidSessionError(_nothing(chosen))
        groups = group_cases(list(chosen.cases), chosen.cases, catalogue, sharing=plan.sharing)
        _announce(plan, groups, progress)
        here = {subject.subject.key: subject for subject in subjects}
        before = resume_state(folder, facts, here) if resume else ResumeState()
        opened = (
            Writer.resume(folder, anonymiser=anonymiser)
            if resume
            else Writer(folder, anonymiser=anonymiser)
        )
        writer = stack.enter_context(opened)
        session = RunState(plan, catalogue, writer, progress, private)
        stack.callback(session.agents.close)
        if not resume:
            writer.header(_header(plan, command, subjects, facts))
        for record in chosen.records:
            if (record.subject, record.case) not in before.declared:
                writer.case(record)
        request = stack.enter_context(stop_requests())
        interrupted = _guarded(session, groups, here, request, before)
        claims = () if interrupted else _claims(session, catalogue)
        for text in claims:
            session.event("claim", text)
        progress.end()
        writer.end(_end(session, interrupted=interrupted, planned=chosen.records))
    if not session.ok and not before.repetitions and not interrupted:
        raise InvalidSessionError(f"nothing could be measured; see the reasons in {folder}")
    written = read(folder)
    shown = written if anonymiser is None else written._replace(path=RESULTS)
    return RunResult(folder, shown, interrupted, claims)


def _announce(plan: Plan, groups: Sequence[CaseGroup], progress: Progress) -> None:
    """
    Say how much is measured and about how long that takes.

    Raises:
        UsageError: The budget is too short for one repetition of each case.
    """
    estimate = estimate_run(plan, groups)
    cases = counted(sum(len(group.cases) for group in groups), "case")
    limit = math.inf if plan.budget_s is None else plan.budget_s
    # The limit of a tier is kept by measuring less; one that a user sets is refused.
    if estimate.least_s > limit and not plan.has_limit_of_quick:
        raise UsageError(
            f"a budget of {limit:g} s is too short: {cases} once take about "
            f"{format_duration(estimate.least_s)}; give at least "
            f"--budget {math.ceil(estimate.least_s)}s or choose fewer with --select or --param"
        )
    progress.note(f"{cases}, about {format_duration(min(estimate.all_s, limit))}")


def _claims(session: RunState, catalogue: Mapping[str, Workload]) -> tuple[str, ...]:
    """Return what the verified workloads claim to call and never did."""
    if not session.plan.verify:
        return ()
    methods = session.plan.methods or tuple(StartMethod)
    asked = {
        workload.name
        for workload in select_workloads(session.plan, catalogue)
        if is_checkable(workload, methods)
    }
    # A floor that only stands beside another workload was not verified in all its cases.
    return find_coverage_errors(session.private, session.traced & asked, catalogue)


def _guarded(
    session: RunState,
    groups: Sequence[CaseGroup],
    subjects: Mapping[str, InterpreterInfo],
    request: StopRequest,
    before: ResumeState,
) -> bool:
    """Measure; return whether the user stopped it."""
    try:
        measure_rounds(session, groups, subjects, request, before)
    except KeyboardInterrupt:
        return True
    return request.asked


def _numbers(text: str) -> tuple[list[float], str]:
    """Order reasons by the numbers in them, in bytes where they are sizes."""
    found = re.findall(r"(\d[\d,]*\.?\d*) ?([KMGT]?)", text)
    sizes = [float(n.replace(",", "")) * 1024.0 ** " KMGT".find(unit or " ") for n, unit in found]
    return sizes, text


def _nothing(chosen: SelectedCases) -> str:
    # Those that differ by a number only say the same: the largest need is enough.
    largest: dict[str, str] = {}
    for reason in sorted(
        {record.reason for record in chosen.records if record.reason}, key=_numbers
    ):
        largest[re.sub(r"[\d.,]+ ?[KMGT]?i?B?\b", "#", reason)] = reason
    reasons = sorted(largest.values())
    return f"there is nothing to measure: {'; '.join(reasons) or 'no case was selected'}"
