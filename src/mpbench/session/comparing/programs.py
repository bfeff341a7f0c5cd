"""Comparisons of whole programs: their arms, a trial run of each, pairs and calibration."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.episode import MetricRef
from mpbench.errors import AgentError, InvalidSessionError, UsageError, WorkloadError
from mpbench.harness.arm_agent import PreparedArm
from mpbench.harness.interpreter import Interpreter
from mpbench.harness.pair_calibration import PairCalibration
from mpbench.harness.placement import Placement, pinnable_cpus
from mpbench.harness.program_agent import program_agents, run_checked, whole_program
from mpbench.harness.programs import ProgramRunner, ProgramSpec, program_runner
from mpbench.model import Case
from mpbench.profiling.overrides import OverrideFile, install_hook, override_problem
from mpbench.session.comparing.pair_runner import AGAIN
from mpbench.session.comparing.pairs import Pair
from mpbench.session.comparing.program_specs import ProgramOptions, program_spec
from mpbench.session.interpreters import InterpreterInfo
from mpbench.session.interrupt import terminations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mpbench.harness.arm_agent import Launcher
    from mpbench.harness.programs import ProgramRun
    from mpbench.session.comparing.arms import Arm, ArmContext

__all__ = ("PreparedPrograms", "programs", "trial_runs")

# Of each arm in one episode. Every run is a fresh process, so that nothing but the median
# of pairs is gained by a longer episode: with 0.3 s a quiet machine waited for its first
# look twice as long, and 32 episodes said as much as 64 of half the length.
SIDE_NS = 150_000_000
# Where an episode has several runs of each arm; a long program keeps the rules' looks.
_LOOKS = (8, 16, 32, 64)
_MOST_PAIRS = 80
# Turns of both arms after which an episode ends, where runs became longer than they were.
_LIMIT_NS = 3_000_000_000
# Enough to see that the output changes from run to run, and what a run takes.
_TRIALS = 2
_COMPARED = "cpu-time"


class PreparedPrograms(NamedTuple):
    """Everything that a session needs to compare whole programs, and the looks that suit them."""

    pairs: tuple[Pair, ...]
    subjects: Mapping[str, InterpreterInfo]
    launcher: Launcher
    calibrate: Callable[[tuple[PreparedArm, PreparedArm]], PairCalibration]
    notes: tuple[str, ...] = ()
    looks: tuple[int, ...] | None = None


def _each(lines: tuple[str, ...], arms: int, option: str) -> tuple[str | None, ...]:
    """Return a shell command for each arm: the same for all, or one each."""
    if len(lines) not in {0, 1, arms}:
        raise UsageError(f"{option} is given {len(lines)} times; give it once, or for each arm")
    return (lines * arms if len(lines) == 1 else lines) or (None,) * arms


# What readers find where other arms have the facts of an interpreter.
_NO_INTERPRETER = {"implementation": "command", "version": "as it is"}


def _side(arm: Arm, info: InterpreterInfo) -> PreparedArm:
    key = "program" if arm.command is None else "command"
    changes = dict(arm.overrides)
    subject = info.subject
    if arm.command is not None:
        subject = Interpreter("command", "", "")
        # A program's commit is part of the name of its interpreter.
        changes |= {"rev": arm.rev} if arm.rev is not None else {}
    case = Case.make(whole_program.name, None, {key: arm.whole or "", **changes})
    return PreparedArm(arm.name, subject, whole_program, case)


def _readings(facts: Sequence[str]) -> tuple[MetricRef, ...]:
    unknown = sorted(set(facts) - whole_program.facts.keys())
    if unknown:
        raise UsageError(
            f"whole programs have no reading {unknown[0]!r}; they have "
            f"{', '.join(sorted(whole_program.facts))}"
        )
    names = dict.fromkeys((_COMPARED, *facts))
    further = [MetricRef(metric=whole_program.facts[name], fact=name) for name in names]
    return (MetricRef(metric=whole_program.metric), *further)


def _pairs(sides: Sequence[PreparedArm], facts: Sequence[str]) -> tuple[Pair, ...]:
    readings = _readings(facts)
    texts = [_text(side) for side in sides]
    return tuple(
        Pair(
            key=str(number),
            title=" / ".join(dict.fromkeys((texts[0], texts[number]))),
            sides=(sides[0], side),
            readings=readings,
        )
        for number, side in enumerate(sides[1:], start=1)
    )


def _text(side: PreparedArm) -> str:
    given = dict(side.case.params)
    return str(given.get("program", given.get("command")))


class TrialRuns(NamedTuple):
    """The nanoseconds of a run of each arm, and why arms cannot be compared, by their names."""

    walls: tuple[int, ...]
    problems: Mapping[str, str]


def trial_runs(
    runner: ProgramRunner, specs: Sequence[ProgramSpec], warmups: int, digests: dict[str, str]
) -> TrialRuns:
    """
    Run each arm a few times.

    Args:
        runner: Where they are run.
        specs: The arms, the baseline first.
        warmups: Runs of each that say nothing of its time.
        digests: What each arm wrote; filled.

    Raises:
        InvalidSessionError: The baseline fails, so that nothing can be compared.
    """
    walls: list[int] = []
    problems: dict[str, str] = {}
    first: ProgramRun | None = None
    for spec in specs:
        try:
            ran = [run_checked(runner, spec, digests) for _ in range(warmups + _TRIALS)]
        except WorkloadError as error:
            if first is None:
                raise InvalidSessionError(error.reason) from error
            problems[spec.name] = error.reason
            walls.append(1)
            continue
        walls.append(max(1, min(one.wall_ns for one in ran[warmups:])))
        first = first or ran[-1]
        if ran[-1].digest != first.digest:
            problems[spec.name] = (
                f"arms {specs[0].name!r} and {spec.name!r} write different things to stdout, so "
                "they do not do the same (--ignore-output allows it); the end of the first: "
                f"{first.output_tail}; of the second: {ran[-1].output_tail}"
            )
    return TrialRuns(tuple(walls), problems)


def _calibration(walls: tuple[int, int], placement: Placement) -> PairCalibration:
    """Return how two programs take turns: so many pairs of runs as make an episode."""
    turn_ns = sum(walls) // 2
    pairs = max(1, min(_MOST_PAIRS, math.ceil(SIDE_NS / turn_ns)))
    cpus = pinnable_cpus() if placement is Placement.ONE else ()
    return PairCalibration((1, 1), 1, pairs, turn_ns, cpus, limit_ns=_LIMIT_NS)


@contextmanager
def programs(
    arms: Sequence[Arm],
    infos: Sequence[InterpreterInfo],
    options: ProgramOptions,
    context: ArmContext,
    *,
    facts: Sequence[str] = (),
    placement: Placement = Placement.AUTO,
) -> Iterator[PreparedPrograms]:
    """
    Prepare the comparison of whole programs; leaving runs `--cleanup` and ends the runner.

    Args:
        arms: The arms with their names, the baseline first.
        infos: The interpreter of each; that of a command does not matter.
        options: How they are run.
        context: The private folder, and whom to tell what.
        facts: Further readings to compare.
        placement: Whether both arms of a pair run on one CPU.

    Raises:
        UsageError: An arm is impossible.
        InvalidSessionError: An arm fails, or the arms do different things.
    """
    if any(arm.whole is None for arm in arms):
        raise UsageError("whole programs are compared with each other; give each arm one")
    if options.stdin is not None and not options.stdin.is_file():
        raise UsageError(f"there is no file {options.stdin} for --input")
    prepares = _each(options.prepare, len(arms), "--prepare")
    cleanups = _each(options.cleanup, len(arms), "--cleanup")
    sides = [_side(arm, info) for arm, info in zip(arms, infos, strict=True)]
    specs = [
        program_spec(arm, info, options)._replace(prepare=prepare)
        for arm, info, prepare in zip_longest(arms, infos, prepares)
    ]
    places = {arm.name: at for at, arm in enumerate(arms)}
    files = _override_files(arms, context.private)
    if any(files):
        place = install_hook(context.private, (info.subject.executable for info in infos))
        specs = [
            spec._replace(
                environment={**spec.environment, **file.variables(place, spec.environment)}
            )
            if file
            else spec
            for spec, file in zip(specs, files, strict=True)
        ]
    digests: dict[str, str] = {}
    pairs = _pairs(sides, facts)
    with program_runner(context.private) as runner:
        try:
            with terminations():
                walls, problems = trial_runs(runner, specs, options.warmups, digests)
            pairs, notes = _with_overrides(pairs, arms, files, problems)
            if len(problems) == len(pairs):
                raise InvalidSessionError("; ".join(problems.values()))

            def place_of(side: PreparedArm) -> int:
                return places[side.arm.removesuffix(AGAIN)]

            yield PreparedPrograms(
                pairs=pairs,
                notes=notes,
                looks=_LOOKS if max(walls) < SIDE_NS else None,
                subjects=_subjects(sides, infos),
                launcher=program_agents(runner, lambda side: specs[place_of(side)], digests),
                calibrate=lambda two: _calibration(
                    (walls[place_of(two[0])], walls[place_of(two[1])]), placement
                ),
            )
        finally:
            for spec, line in zip(specs, cleanups, strict=True):
                if line is not None:
                    _clean_up(runner, spec, line, context.note)


def _override_files(arms: Sequence[Arm], folder: Path) -> list[OverrideFile | None]:
    """Return, for each arm, where its processes say what they did; None without overrides."""
    made = (
        OverrideFile(folder / f"overrides-{number}", arm.overrides)
        for number, arm in enumerate(arms)
    )
    return [file if file.given else None for file in made]


def _with_overrides(
    pairs: Sequence[Pair],
    arms: Sequence[Arm],
    files: Sequence[OverrideFile | None],
    problems: Mapping[str, str],
) -> tuple[tuple[Pair, ...], tuple[str, ...]]:
    """
    Refuse the pairs of which an arm fails, or never used what it overrides.

    Returns:
        The pairs, and what the user should know of the other overrides.
    """
    refused = dict(problems)
    notes: list[str] = []
    for arm, file in zip(arms, files, strict=True):
        if file is None or arm.name in problems:
            continue
        problem, left = override_problem(file.given, file.letters())
        if problem is not None:
            refused[arm.name] = f"arm {arm.name!r}: {problem}"
        elif left is not None:
            notes.append(f"arm {arm.name!r}: {left}")
    return tuple(
        replace(pair, refused=next((refused[s.arm] for s in pair.sides if s.arm in refused), None))
        for pair in pairs
    ), tuple(notes)


def _clean_up(
    runner: ProgramRunner, spec: ProgramSpec, line: str, note: Callable[[str], None]
) -> None:
    try:
        runner.shell(spec, line, "--cleanup")
    except (AgentError, WorkloadError) as error:
        # What was measured before stands.
        note(str(error))


def _subjects(
    sides: Sequence[PreparedArm], infos: Sequence[InterpreterInfo]
) -> dict[str, InterpreterInfo]:
    return {
        side.subject.key: info
        if side.subject is info.subject
        else InterpreterInfo(side.subject, dict(_NO_INTERPRETER))
        for side, info in zip(sides, infos, strict=True)
    }
