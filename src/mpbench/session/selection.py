"""Selection of cases: what a plan means, and what this machine cannot measure."""

from __future__ import annotations

import difflib
import math
import traceback
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.catalog import cases_of, discover, load_file, verifying
from mpbench.errors import MpbenchError, UsageError
from mpbench.harness.schedule import floor_case
from mpbench.model import Case, CaseRecord, Status, Tier
from mpbench.workload import NoFloor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mpbench.model import Scalar, StartMethod
    from mpbench.plan import Plan
    from mpbench.session.interpreters import InterpreterInfo
    from mpbench.workload import Workload

__all__ = (
    "SelectedCases",
    "catalogue_for",
    "find_workload",
    "nothing_matches",
    "record_of",
    "select_cases",
    "select_workloads",
    "skip_reason",
    "tier_for",
)

# Parameters that end so can be nothing: no bytes, no time.
_AMOUNTS = ("_bytes", "_mib", "_ms", "_ns", "_us")


class SelectedCases(NamedTuple):
    """The cases of one run: by subject those to measure, and a record for each planned one."""

    cases: Mapping[str, tuple[Case, ...]]
    records: tuple[CaseRecord, ...]


def catalogue_for(plan: Plan) -> dict[str, Workload]:
    """Return the catalogue, with the user's own workloads in it."""
    catalogue = dict(discover())
    for path in plan.files:
        for workload in _loaded(path):
            if workload.name in catalogue:
                raise UsageError(
                    f"{path} declares {workload.name}, which exists already; rename it"
                )
            catalogue[workload.name] = workload
    return catalogue


def _loaded(path: Path) -> tuple[Workload, ...]:
    """
    Return the workloads of a user's file.

    Raises:
        UsageError: It cannot be executed; the message names the line.
    """
    try:
        return tuple(load_file(path))
    except MpbenchError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == path.resolve()]
        if isinstance(error, SyntaxError):
            lines.append(error.lineno)
        place = f"{path}:{lines[-1]}" if lines else str(path)
        advice = ""
        if isinstance(error, ImportError):
            advice = (
                "; import what is measured inside the workload function, "
                "where the arm's environment has it"
            )
        name = type(error).__name__
        raise UsageError(f"the workload file raises {name} at {place}: {error}{advice}") from error


def _known(workload: Workload, name: str) -> tuple[Scalar, ...]:
    """Return the values that a parameter has in any tier."""
    sweep = workload.parameters[name]
    return tuple(dict.fromkeys(value for tier in Tier for value in sweep.resolve(tier, 1)))


def _expected(name: str, known: Sequence[Scalar]) -> tuple[str, Callable[[object], bool]]:
    """Return in words what a parameter can take, by its known values, and what tells it."""
    numbers = sorted(one for one in known if not isinstance(one, (str, bool)))
    words = [one for one in known if isinstance(one, (str, bool))]
    listed = ", ".join(map(str, (*numbers, *words)))
    if not numbers:
        return f"one of {listed}", lambda value: any(
            type(value) is type(one) and value == one for one in known
        )
    # There may be no bytes and no time to lose; of workers there is at least one.
    least = min(0 if name.endswith(_AMOUNTS) else 1, *numbers)
    kinds = (int,) if all(isinstance(number, int) for number in numbers) else (int, float)
    kind = "a whole number" if kinds == (int,) else "a number"

    def fits(value: object) -> bool:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return isinstance(value, kinds) and least <= value < math.inf
        return any(type(value) is type(one) and value == one for one in known)

    return f"{kind} of at least {least} (it has {listed})", fits


def _refuse_values(workload: Workload, given: Mapping[str, Sequence[object]]) -> None:
    """
    Make sure that a workload can take values for its parameters.

    A word or a switch that it does not know would measure something else under
    that name. Any whole number of things or bytes is fine.

    Raises:
        UsageError: It cannot take one.
    """
    for name in sorted(given.keys() & workload.parameters.keys()):
        words, fits = _expected(name, _known(workload, name))
        for value in given[name]:
            if not fits(value):
                raise UsageError(f"{workload.name} cannot take {name}={value!r}, expected {words}")


def nothing_matches(pattern: str, names: Iterable[str]) -> str:
    """Return that no workload matches a pattern, and which one may have been meant."""
    known = list(names)
    families = {name.partition("/")[0] for name in known}
    family = difflib.get_close_matches(pattern.rstrip("/"), families, n=1, cutoff=0.75)
    near = [f"'{family[0]}/*'"] if family else difflib.get_close_matches(pattern, known, n=3)
    hint = f"; did you mean {', '.join(near)}" if near else ""
    return f"no workload matches {pattern!r}{hint} (see `mpbench list`)"


def _unknown(name: str, known: Iterable[str]) -> str:
    """Return the name of a parameter that there is not, and those that there are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}; " if near else ""
    return f"{name!r}; {hint}known: {', '.join(names) or 'none'}"


def find_workload(
    name: str, given: Mapping[str, object], catalogue: Mapping[str, Workload]
) -> Workload:
    """
    Return a workload that is named with values for some of its parameters.

    Raises:
        UsageError: There is none of that name, or it cannot take the values.
    """
    if name not in catalogue:
        near = difflib.get_close_matches(name, list(catalogue), n=3)
        hint = f"; did you mean {', '.join(near)}" if near else ""
        raise UsageError(f"no workload is called {name!r}{hint} (see `mpbench list`)")
    workload = catalogue[name]
    unknown = sorted(given.keys() - workload.parameters.keys())
    if unknown:
        raise UsageError(f"{name} has no parameter {_unknown(unknown[0], workload.parameters)}")
    _refuse_values(workload, {key: (value,) for key, value in given.items()})
    return workload


def select_workloads(plan: Plan, catalogue: Mapping[str, Workload]) -> tuple[Workload, ...]:
    """
    Return the workloads that a plan means.

    Without patterns these are the tier's, and all of a user's own file. A
    pattern picks from the whole catalogue: who names a workload wants it.

    Raises:
        UsageError: A pattern matches nothing, a parameter belongs to no workload, or
            a workload cannot take its value.
    """
    own = {
        workload.name
        for workload in catalogue.values()
        if not workload.module.startswith("mpbench.")
    }
    if not plan.select:
        names = own or {
            n for n, workload in catalogue.items() if workload.tier.rank <= plan.tier.rank
        }
    else:
        names = set()
        for pattern in plan.select:
            hits = {name for name in catalogue if fnmatchcase(name, pattern)}
            if not hits:
                raise UsageError(nothing_matches(pattern, catalogue))
            names |= hits
    picked = tuple(catalogue[name] for name in sorted(names))
    known = {name for workload in picked for name in workload.parameters}
    unknown = sorted(set(plan.params) - known)
    if unknown:
        raise UsageError(f"no selected workload has a parameter {_unknown(unknown[0], known)}")
    for workload in picked:
        _refuse_values(workload, plan.params)
    return picked


def tier_for(plan: Plan, workload: Workload) -> Tier:
    """Return the tier whose parameter values are used: at least the workload's own."""
    return plan.tier if plan.tier.rank >= workload.tier.rank else workload.tier


def _with_floors(cases: Sequence[Case], catalogue: Mapping[str, Workload]) -> tuple[Case, ...]:
    """Add the floor of each case, so that it is measured in the same run."""
    together = dict.fromkeys(cases)
    for case in cases:
        name = catalogue[case.workload].floor_of(case)
        if name is not None:
            together[floor_case(case, catalogue[name])] = None
    return tuple(together)


def record_of(
    subject: str, case: Case, catalogue: Mapping[str, Workload], refused: tuple[Status, str] | None
) -> CaseRecord:
    """Return the record of a planned case; *refused* says why it is not measured."""
    workload = catalogue[case.workload]
    name = workload.floor_of(case)
    floor = None if name is None else floor_case(case, catalogue[name]).id
    return CaseRecord(
        subject=subject,
        case=case,
        metric=workload.metric,
        facts=workload.facts,
        timing=workload.timing,
        floor=floor,
        no_floor=workload.floor.reason if isinstance(workload.floor, NoFloor) else None,
        revision=workload.revision,
        doc=workload.doc,
        status=Status.OK if refused is None else refused[0],
        reason=None if refused is None else refused[1],
    )


def _methods(plan: Plan, described: InterpreterInfo, workload: Workload) -> tuple[StartMethod, ...]:
    """
    Return the methods to plan for a workload.

    A method that the user names and the interpreter lacks is planned too, and
    recorded as unsupported. Tier quick measures a family's leading workload
    under every method and the others under the default one.
    """
    chosen = plan.methods or plan.select or plan.files or plan.verify
    if chosen or plan.tier is not Tier.QUICK or workload.all_methods_in_quick:
        return plan.methods or described.methods
    default = described.facts.get("default_start_method")
    usual = tuple(method for method in described.methods if method.value == default)
    return usual or described.methods[:1]


def select_cases(
    plan: Plan,
    catalogue: Mapping[str, Workload],
    subjects: Sequence[InterpreterInfo],
    *,
    cpus: int,
    preflight: Callable[[Workload, Case], str | None],
) -> SelectedCases:
    """
    Return every case that the plan means, for every subject.

    Args:
        plan: What was asked for.
        catalogue: Workloads by name.
        subjects: The interpreters.
        cpus: Usable CPUs.
        preflight: Says why this machine cannot run a case, or None.

    Raises:
        UsageError: The selection is empty or impossible.
    """
    picked = select_workloads(plan, catalogue)
    cases: dict[str, tuple[Case, ...]] = {}
    records: list[CaseRecord] = []
    for described in subjects:
        key = described.subject.key
        planned = [
            case
            for workload in picked
            for case in cases_of(
                workload,
                tier=tier_for(plan, workload),
                cpus=cpus,
                methods=_methods(plan, described, workload),
                chosen={**(verifying(workload, cpus) if plan.verify else {}), **plan.params},
            )
        ]
        fit: list[Case] = []
        for case in _with_floors(planned, catalogue):
            refused = skip_reason(case, catalogue, described, preflight)
            records.append(record_of(key, case, catalogue, refused))
            if refused is None:
                fit.append(case)
        cases[key] = tuple(fit)
    return SelectedCases(cases, tuple(records))


def skip_reason(
    case: Case,
    catalogue: Mapping[str, Workload],
    described: InterpreterInfo,
    preflight: Callable[[Workload, Case], str | None],
) -> tuple[Status, str] | None:
    """Return why an interpreter or the machine cannot run a case, or None."""
    if case.method is not None and case.method not in described.methods:
        return Status.UNSUPPORTED, f"this interpreter has no start method {case.method.value!r}"
    reason = preflight(catalogue[case.workload], case)
    return None if reason is None else (Status.SKIPPED, reason)
