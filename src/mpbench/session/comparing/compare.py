"""Session of `mpbench compare`: live arms on this machine."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mpbench
from mpbench import environment
from mpbench.agent.user_function import user_function
from mpbench.agent.user_statement import user_statement
from mpbench.analysis.outcome import ComparisonOutcome, outcome_of
from mpbench.analysis.sequential import plan_looks
from mpbench.analysis.verdict import DecisionRules
from mpbench.doctor.checks import WATCH_S, run_checks
from mpbench.doctor.finding import findings_to_record
from mpbench.doctor.preflight import skip_reasons
from mpbench.errors import InvalidSessionError
from mpbench.harness.arm_agent import fresh_agents
from mpbench.harness.placement import Placement
from mpbench.harness.private import private_folder
from mpbench.harness.program_agent import whole_program
from mpbench.model import Case, CaseRecord, RunEnd, RunEvent, RunHeader, Status
from mpbench.session.agent_samplers import AgentSamplers
from mpbench.session.comparing.arms import (
    Arm,
    ArmContext,
    check_callable,
    prepare_arms,
    with_default_methods,
    with_names,
)
from mpbench.session.comparing.episode_scheduler import EpisodeScheduler, StopConditions
from mpbench.session.comparing.estimate import comparison_estimate
from mpbench.session.comparing.noise_monitor import NoiseMonitor
from mpbench.session.comparing.pair_runner import ComparisonContext, Slowdown
from mpbench.session.comparing.pairs import Pair, PairingInputs, make_pairs
from mpbench.session.comparing.program_specs import ProgramOptions
from mpbench.session.comparing.programs import PreparedPrograms, programs
from mpbench.session.interpreters import InterpreterInfo
from mpbench.session.interrupt import stop_requests
from mpbench.session.machine_lock import machine_lock
from mpbench.session.selection import catalogue_for, record_of, skip_reason
from mpbench.store.writer import Writer, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mpbench.model import Run
    from mpbench.plan import Plan
    from mpbench.session.progress import Progress
    from mpbench.store.anonymise import Anonymiser
    from mpbench.workload import Workload

__all__ = ("ComparePlan", "ComparisonResult", "compare")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePlan:
    """
    One comparison, decided before anything is measured.

    Args:
        plan: The selection: workloads, tier, methods, parameters, files, budget, seed.
        arms: What is compared; the first is the baseline.
        rules: When what is said.
        facts: Further readings to compare, by the names that workloads declare.
        control: Whether identical arms are compared in the same session.
        confirm: Whether a change must be found again in a second session.
        placement: Whether both arms of a pair run on one CPU.
        apart: Whether an arm's set-up is left while the other one measures.
        repository: The user's repository, for arms with a commit.
        slowdown: What every arm but the first is slowed down by, for the selftest.
        only: Ids of the baseline's cases to compare; empty compares all.
        paths: Folders of the user's callables; where the command runs by default.
        programs: How whole programs are run.
        own_looks: Whether the looks of the rules were asked for; other ones may suit programs.
    """

    plan: Plan
    arms: tuple[Arm, ...]
    rules: DecisionRules = field(default_factory=DecisionRules)
    facts: tuple[str, ...] = ()
    control: bool = True
    confirm: bool = False
    placement: Placement = Placement.AUTO
    apart: bool = False
    repository: Path = Path()
    slowdown: Slowdown | None = None
    only: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    programs: ProgramOptions = field(default_factory=ProgramOptions)
    own_looks: bool = False

    @property
    def has_programs(self) -> bool:
        """Whether whole programs are compared."""
        return any(arm.whole is not None for arm in self.arms)


class ComparisonResult(NamedTuple):
    """A finished comparison: its folder, what it wrote, what that says."""

    folder: Path
    run: Run
    outcome: ComparisonOutcome


class _Prepared(NamedTuple):
    """Everything that is known before the first agent starts."""

    plan: ComparePlan
    pairs: tuple[Pair, ...]
    records: tuple[CaseRecord, ...]
    subjects: Mapping[str, InterpreterInfo]
    facts: dict[str, Any]
    programs: PreparedPrograms | None = None


def _refused(
    pair: Pair,
    places: Mapping[str, InterpreterInfo],
    catalogue: Mapping[str, Workload],
    facts: dict[str, Any],
) -> str | None:
    for side in pair.sides:
        place = places[side.subject.key]
        reason = skip_reason(side.case, catalogue, place, skip_reasons(facts, place.facts))
        if reason is not None:
            return f"{reason[0].value}: {reason[1]}"
    return None


def _records(pairs: Sequence[Pair], catalogue: Mapping[str, Workload]) -> tuple[CaseRecord, ...]:
    """Return one record for each case on each subject."""
    records: dict[tuple[str, Case], CaseRecord] = {}
    for pair in pairs:
        for side in pair.sides:
            key = (side.subject.key, side.case)
            why = None if pair.refused is None else (Status.SKIPPED, pair.refused)
            records.setdefault(key, record_of(*key, catalogue, why))
    return tuple(records.values())


def _prepare(plan: ComparePlan, private: Path, progress: Progress) -> _Prepared:
    brought = {one.name: one for one in (user_function, user_statement)}
    catalogue = {**catalogue_for(plan.plan), **brought}
    own = {path.resolve().parent for path in plan.plan.files}
    if any(arm.call or arm.code for arm in plan.arms):
        own |= set(plan.paths) or {Path.cwd()}
    arms = with_names(plan.arms, plan.repository)
    place = ArmContext(
        private=private,
        repository=plan.repository,
        paths=tuple(sorted(own)),
        note=progress.note,
    )
    described = prepare_arms(arms, place)
    arms = with_default_methods(arms, described)
    for arm, one in zip(arms, described, strict=True):
        check_callable(arm, one, private)
    subjects = {one.subject.key: one for one in described}
    facts = _machine_facts(described[0])
    ground = PairingInputs(
        plan=plan.plan,
        catalogue=catalogue,
        cpus=environment.usable_cpus(),
        facts=plan.facts,
        apart=plan.apart,
        only=plan.only,
    )
    pairs = tuple(
        replace(pair, refused=_refused(pair, subjects, catalogue, facts))
        for pair in make_pairs(arms, described, ground)
    )
    final = replace(plan, arms=arms, rules=_rules_for(plan.rules, pairs))
    return _Prepared(final, pairs, _records(pairs, catalogue), subjects, facts)


def _machine_facts(described: InterpreterInfo) -> dict[str, Any]:
    """Return the facts of the machine, with what the doctor finds."""
    facts = environment.describe()
    findings = run_checks(seconds=WATCH_S, machine=facts, interpreter=described.facts)
    facts["doctor"] = findings_to_record(findings)
    return facts


def _rules_for(rules: DecisionRules, pairs: Sequence[Pair]) -> DecisionRules:
    """Return the rules with the looks that the number of comparisons allows."""
    family = sum(len(pair.readings) for pair in pairs if pair.refused is None)
    if not family:
        raise InvalidSessionError(f"there is nothing to measure: {pairs[0].refused}")
    return replace(rules, looks=plan_looks(family, rate=rules.rate, looks=rules.looks))


def _prepare_programs(
    plan: ComparePlan, private: Path, progress: Progress, stack: ExitStack
) -> _Prepared:
    """Prepare whole programs; their runner lives as long as *stack*."""
    arms = with_names(plan.arms, plan.repository)
    place = ArmContext(private=private, repository=plan.repository, paths=(), note=progress.note)
    described = prepare_arms(arms, place)
    arms = with_default_methods(arms, described)
    prepared = stack.enter_context(
        programs(
            arms,
            described,
            plan.programs,
            place,
            facts=plan.facts,
            placement=plan.placement,
        )
    )
    rules = plan.rules
    if prepared.looks is not None and not plan.own_looks:
        rules = replace(rules, looks=prepared.looks)
    final = replace(plan, arms=arms, rules=_rules_for(rules, prepared.pairs))
    catalogue = {whole_program.name: whole_program}
    records = _records(prepared.pairs, catalogue)
    facts = _machine_facts(described[0])
    return _Prepared(final, prepared.pairs, records, prepared.subjects, facts, prepared)


def _header(prepared: _Prepared, command: Sequence[str]) -> RunHeader:
    plan = prepared.plan
    return RunHeader(
        run=secrets.token_hex(8),
        started_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        mpbench=mpbench.__version__,
        machine=environment.machine_name(),
        command=tuple(command),
        plan={
            **plan.plan.record(),
            "kind": "compare",
            "arms": [arm.record() for arm in plan.arms],
            "rules": plan.rules.record(),
            "pairs": [pair.record() for pair in prepared.pairs],
            "control": plan.control,
            "confirm": plan.confirm,
            "placement": plan.placement.value,
            "inject": 0.0 if plan.slowdown is None else plan.slowdown.share,
        },
        subjects={key: subject.facts for key, subject in prepared.subjects.items()},
        environment=prepared.facts,
    )


def compare(
    plan: ComparePlan,
    *,
    folder: Path,
    progress: Progress,
    command: Sequence[str] = (),
    wait_s: float = 0.0,
    anonymiser: Anonymiser | None = None,
) -> ComparisonResult:
    """
    Measure a comparison, write its result file and judge it.

    Args:
        plan: What to compare and by which rules.
        folder: Where `results.jsonl` is written; it is made if need be.
        progress: Who watches.
        command: What the user typed, for the record.
        wait_s: How long to wait for another session on this machine.
        anonymiser: Hides names in everything that is written.

    Returns:
        The comparison, judged from the file that was written.

    Raises:
        UsageError: The arms or the selection are impossible.
        EnvironmentUnfitError: An arm cannot run here, or another session measures.
        OutputError: The results cannot be written.
        InvalidSessionError: There is nothing to measure.
    """
    with ExitStack() as stack:
        stack.enter_context(machine_lock(wait_s=wait_s, note=progress.note))
        private = stack.enter_context(private_folder())
        if plan.has_programs:
            prepared = _prepare_programs(plan, private, progress, stack)
        else:
            prepared = _prepare(plan, private, progress)
            rules = prepared.plan.rules
            progress.note(comparison_estimate(prepared.pairs, rules, plan.plan.budget_s))
        writer = stack.enter_context(Writer(folder, anonymiser=anonymiser))
        writer.header(_header(prepared, command))
        for record in prepared.records:
            writer.case(record)
        for text in prepared.programs.notes if prepared.programs else ():
            progress.note(text)
            writer.event(RunEvent(0, "override", text))
        request = stack.enter_context(stop_requests())
        watch = AgentSamplers(lambda *_: True, closely=False)
        whole = prepared.programs
        ring = ComparisonContext(
            whole.launcher if whole else fresh_agents(private, watch=watch.attach_to_arm),
            NoiseMonitor(),
            writer.repetition,
            seed=plan.plan.seed,
            watch=watch,
            placement=plan.placement,
            min_effect=plan.rules.min_effect,
            calibrate=whole.calibrate if whole else None,
        )
        stages = EpisodeScheduler(
            ring,
            prepared.pairs,
            prepared.plan.rules,
            progress=progress,
            limits=StopConditions(lambda: request.asked, plan.plan.budget_s),
            slowdown=plan.slowdown,
        )
        interrupted = _measure(stages, prepared.plan, writer, ring, progress.note)
        progress.end()
        reason = "stopped by the user" if interrupted else None
        status = Status.INTERRUPTED if interrupted else Status.OK
        writer.end(RunEnd(ring.elapsed_ns(), status, reason))
    run = read(folder)
    return ComparisonResult(folder, run, outcome_of(run))


def _measure(
    stages: EpisodeScheduler,
    plan: ComparePlan,
    writer: Writer,
    ring: ComparisonContext,
    note: Callable[[str], None],
) -> bool:
    """Run the stages; return whether the user stopped them."""
    began = time.perf_counter()
    try:
        stages.run_looks(control=plan.control)
        if plan.confirm and not stages.stopped:
            stages.run_confirmation()
    except KeyboardInterrupt:
        return True
    if stages.over_budget:
        spent = time.perf_counter() - began
        text = f"the budget of {plan.plan.budget_s:g} s was used up after {spent:.1f} s"
        if stages.first_look_s is not None:
            text += ", too soon for a first look"
        note(text)
        writer.event(RunEvent(ring.elapsed_ns(), "budget", text))
    return stages.stopped
