"""Which cases a plan means, and which of them this machine cannot measure."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from mpbench.catalog import cases_of, discover, load_file, verifying
from mpbench.errors import UsageError
from mpbench.harness.schedule import floor_case
from mpbench.model import Case, CaseRecord, Status, Tier
from mpbench.workload import NoFloor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mpbench.model import Scalar, StartMethod
    from mpbench.plan import Plan
    from mpbench.session.subjects import Described
    from mpbench.workload import Workload

__all__ = (
    "Chosen",
    "asked_for",
    "catalogue_for",
    "choose",
    "record_of",
    "refusal_of",
    "selected",
    "tier_for",
)


class Chosen(NamedTuple):
    """The cases of one run: by subject those to measure, and a record for each planned one."""

    cases: Mapping[str, tuple[Case, ...]]
    records: tuple[CaseRecord, ...]


def catalogue_for(plan: Plan) -> dict[str, Workload]:
    """Return the catalogue, with the user's own workloads in it."""
    catalogue = dict(discover())
    for path in plan.files:
        for one in load_file(path):
            if one.name in catalogue:
                raise UsageError(f"{path} declares {one.name}, which exists already; rename it")
            catalogue[one.name] = one
    return catalogue


def _known(one: Workload, name: str) -> tuple[Scalar, ...]:
    """Return the values that a parameter has in any tier."""
    sweep = one.parameters[name]
    return tuple(dict.fromkeys(value for tier in Tier for value in sweep.resolve(tier, 1)))


def _refuse_values(one: Workload, given: Mapping[str, Sequence[object]]) -> None:
    """
    Make sure that a workload can take values for its parameters.

    A word or a switch that it does not know would measure something else under
    that name. Any number of things or bytes is fine.

    Raises:
        UsageError: It cannot take one.
    """
    for name in sorted(given.keys() & one.parameters.keys()):
        known = _known(one, name)
        for value in given[name]:
            numbers = [entry for entry in known if not isinstance(entry, (str, bool))]
            if isinstance(value, bool):
                fits = any(isinstance(entry, bool) for entry in known)
            elif isinstance(value, (int, float)) and numbers:
                fits = value >= min(0, *numbers)
            else:
                fits = isinstance(value, str) and value in known
            if not fits:
                kind = "a number such as" if numbers else "one of"
                listed = ", ".join(map(str, known))
                raise UsageError(
                    f"{one.name} cannot take {name}={value!r}, expected {kind} {listed}"
                )


def asked_for(
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
    one = catalogue[name]
    unknown = sorted(given.keys() - one.parameters.keys())
    if unknown:
        raise UsageError(f"{name} has no parameter {unknown[0]!r}; it has {sorted(one.parameters)}")
    _refuse_values(one, {key: (value,) for key, value in given.items()})
    return one


def selected(plan: Plan, catalogue: Mapping[str, Workload]) -> tuple[Workload, ...]:
    """
    Return the workloads that a plan means.

    Without patterns these are the tier's, and all of a user's own file. A
    pattern picks from the whole catalogue: who names a workload wants it.

    Raises:
        UsageError: A pattern matches nothing, a parameter belongs to no workload, or
            a workload cannot take its value.
    """
    own = {one.name for one in catalogue.values() if not one.module.startswith("mpbench.")}
    if not plan.select:
        names = own or {n for n, one in catalogue.items() if one.tier.rank <= plan.tier.rank}
    else:
        names = set()
        for pattern in plan.select:
            hits = {name for name in catalogue if fnmatchcase(name, pattern)}
            if not hits:
                near = difflib.get_close_matches(pattern, list(catalogue), n=3)
                hint = f"; did you mean {', '.join(near)}" if near else ""
                raise UsageError(f"no workload matches {pattern!r}{hint} (see `mpbench list`)")
            names |= hits
    picked = tuple(catalogue[name] for name in sorted(names))
    known = {name for one in picked for name in one.parameters}
    unknown = sorted(set(plan.params) - known)
    if unknown:
        raise UsageError(
            f"no selected workload has a parameter {unknown[0]!r}; they have {sorted(known)}"
        )
    for one in picked:
        _refuse_values(one, plan.params)
    return picked


def tier_for(plan: Plan, one: Workload) -> Tier:
    """Return the tier whose parameter values are used: at least the workload's own."""
    return plan.tier if plan.tier.rank >= one.tier.rank else one.tier


def _with_floors(cases: Sequence[Case], catalogue: Mapping[str, Workload]) -> tuple[Case, ...]:
    """Add the floor of each case, so that it is measured in the same run."""
    together = dict.fromkeys(cases)
    for case in cases:
        name = catalogue[case.workload].floor_name
        if name is not None:
            together[floor_case(case, catalogue[name])] = None
    return tuple(together)


def record_of(
    subject: str, case: Case, catalogue: Mapping[str, Workload], refused: tuple[Status, str] | None
) -> CaseRecord:
    """Return the record of a planned case; *refused* says why it is not measured."""
    one = catalogue[case.workload]
    floor = None if one.floor_name is None else floor_case(case, catalogue[one.floor_name]).id
    return CaseRecord(
        subject=subject,
        case=case,
        metric=one.metric,
        facts=one.facts,
        timing=one.timing,
        floor=floor,
        no_floor=one.floor.reason if isinstance(one.floor, NoFloor) else None,
        revision=one.revision,
        doc=one.doc,
        status=Status.OK if refused is None else refused[0],
        reason=None if refused is None else refused[1],
    )


def _methods(plan: Plan, described: Described, one: Workload) -> tuple[StartMethod, ...]:
    """
    Return the methods to plan for a workload.

    A method that the user names and the interpreter lacks is planned too, and
    recorded as unsupported. Tier quick measures a family's leading workload
    under every method and the others under the default one.
    """
    chosen = plan.methods or plan.select or plan.files or plan.verify
    if chosen or plan.tier is not Tier.QUICK or one.lead:
        return plan.methods or described.methods
    default = described.facts.get("default_start_method")
    usual = tuple(method for method in described.methods if method.value == default)
    return usual or described.methods[:1]


def choose(
    plan: Plan,
    catalogue: Mapping[str, Workload],
    subjects: Sequence[Described],
    *,
    cpus: int,
    preflight: Callable[[Workload, Case], str | None],
) -> Chosen:
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
    picked = selected(plan, catalogue)
    cases: dict[str, tuple[Case, ...]] = {}
    records: list[CaseRecord] = []
    for described in subjects:
        key = described.subject.key
        planned = [
            case
            for one in picked
            for case in cases_of(
                one,
                tier=tier_for(plan, one),
                cpus=cpus,
                methods=_methods(plan, described, one),
                chosen={**(verifying(one, cpus) if plan.verify else {}), **plan.params},
            )
        ]
        fit: list[Case] = []
        for case in _with_floors(planned, catalogue):
            refused = refusal_of(case, catalogue, described, preflight)
            records.append(record_of(key, case, catalogue, refused))
            if refused is None:
                fit.append(case)
        cases[key] = tuple(fit)
    return Chosen(cases, tuple(records))


def refusal_of(
    case: Case,
    catalogue: Mapping[str, Workload],
    described: Described,
    preflight: Callable[[Workload, Case], str | None],
) -> tuple[Status, str] | None:
    """Return why an interpreter or the machine cannot run a case, or None."""
    if case.method is not None and case.method not in described.methods:
        return Status.UNSUPPORTED, f"this interpreter has no start method {case.method.value!r}"
    reason = preflight(catalogue[case.workload], case)
    return None if reason is None else (Status.SKIPPED, reason)
