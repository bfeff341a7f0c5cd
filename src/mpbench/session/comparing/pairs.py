"""Pairs of cases to compare, made from arms and a selection."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mpbench.agent.user_function import user_function
from mpbench.agent.user_statement import user_statement
from mpbench.analysis.episode import MetricRef
from mpbench.catalog import cases_of
from mpbench.errors import UsageError
from mpbench.harness.arm_agent import PreparedArm
from mpbench.model import Case, StartMethod, Timing
from mpbench.session.selection import select_workloads, tier_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mpbench.plan import Plan
    from mpbench.session.comparing.arms import Arm
    from mpbench.session.interpreters import InterpreterInfo
    from mpbench.workload import Workload

__all__ = ("Pair", "PairingInputs", "make_pairs")

# Parameters of what users bring themselves: all of them may differ between arms.
_OWN = ("target", "code", "setup")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingInputs:
    """What all arms have in common: the selection, the catalogue, the machine."""

    plan: Plan
    catalogue: Mapping[str, Workload]
    cpus: int
    facts: tuple[str, ...] = ()
    apart: bool = False
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two arms of one case, ready to be measured."""

    key: str
    title: str
    sides: tuple[PreparedArm, PreparedArm]
    readings: tuple[MetricRef, ...]
    refused: str | None = None

    def record(self) -> dict[str, Any]:
        """Return the pair as JSON-able values, for the plan in the result file."""
        baseline, candidate = self.sides
        return {
            "id": self.key,
            "title": self.title,
            "baseline": baseline.arm,
            "candidate": candidate.arm,
            "cases": [baseline.case.id, candidate.case.id],
            "subjects": [baseline.subject.key, candidate.subject.key],
            "readings": [
                {"metric": reading.metric.key, "fact": reading.fact} for reading in self.readings
            ],
            "refused": self.refused,
        }


def _workloads(arm: Arm, ground: PairingInputs) -> tuple[Workload, ...]:
    if arm.call is not None:
        return (user_function,)
    if arm.code is not None:
        return (user_statement,)
    if arm.workload is not None:
        if arm.workload not in ground.catalogue:
            near = difflib.get_close_matches(arm.workload, list(ground.catalogue), n=3)
            hint = f"; did you mean {', '.join(near)}" if near else ""
            raise UsageError(f"no workload is called {arm.workload!r}{hint}")
        return (ground.catalogue[arm.workload],)
    return select_workloads(ground.plan, ground.catalogue)


def _methods(
    arm: Arm, ground: PairingInputs, described: InterpreterInfo
) -> tuple[StartMethod, ...]:
    if arm.method is not None:
        return (arm.method,)
    if ground.plan.methods:
        return ground.plan.methods
    if arm.call is not None or arm.code is not None:
        return (StartMethod(described.facts["default_start_method"]),)
    return described.methods


def _cases(
    arm: Arm, ground: PairingInputs, described: InterpreterInfo
) -> Iterator[tuple[Workload, Case]]:
    """Yield the cases that an arm stands for."""
    chosen = {**ground.plan.params, **{name: (value,) for name, value in arm.params.items()}}
    if arm.call is not None:
        chosen["target"] = (arm.call,)
    if arm.code is not None:
        chosen["code"], chosen["setup"] = (arm.code,), (arm.setup,)
    parameters: set[str] = set()
    for workload in _workloads(arm, ground):
        parameters |= set(workload.parameters)
        if not arm.params.keys() <= set(workload.parameters):
            continue
        for case in cases_of(
            workload,
            tier=tier_for(ground.plan, workload),
            cpus=ground.cpus,
            methods=_methods(arm, ground, described),
            chosen=chosen,
        ):
            yield workload, case
    unknown = sorted(arm.params.keys() - parameters)
    if unknown:
        raise UsageError(
            f"arm {arm.text!r}: no selected workload has a parameter {unknown[0]!r}; "
            f"they have {', '.join(sorted(parameters)) or 'none'}; other keys of an arm: method, "
            "python, workload, rev, call, code, program, sample"
        )


def _has_default_method(arm: Arm, ground: PairingInputs) -> bool:
    """Whether an arm is the user's code under whatever its interpreter's default is."""
    is_own = arm.call is not None or arm.code is not None
    return is_own and arm.method is None and not ground.plan.methods


def _match(first: Case, second: Case, arms: tuple[Arm, Arm], ground: PairingInputs) -> bool:
    """Whether two cases differ in nothing but what their arms name."""
    if first.workload != second.workload and not any(
        arm.workload or arm.call or arm.code for arm in arms
    ):
        return False
    # A workload without start methods can be compared with one that has them.
    free = any(arm.method or _has_default_method(arm, ground) for arm in arms)
    free = free or None in {first.method, second.method}
    if first.method != second.method and not free:
        return False
    named = {name for arm in arms for name in arm.params} | set(_OWN)
    here, there = dict(first.params), dict(second.params)
    return all(here[name] == there[name] for name in (here.keys() & there.keys()) - named)


def _title(first: Case, second: Case) -> str:
    """Return what both cases have in common."""
    there = dict(second.params)
    params = {
        name: value
        for name, value in first.params
        if name in there and there[name] == value and name not in _OWN
    }
    method = first.method if first.method == second.method else None
    name = first.workload
    if second.workload != name:
        name = f"{name} / {second.workload}"
    for key in _OWN[:2]:
        if key in there and key in dict(first.params):
            name = " / ".join(dict.fromkeys((first.text(key), str(there[key]))))
    return Case.make(name, method, params).id


def _readings(first: Workload, second: Workload, facts: Sequence[str]) -> tuple[MetricRef, ...]:
    if first.metric.unit != second.metric.unit or first.metric.better != second.metric.better:
        raise UsageError(
            f"{first.name} is measured in {first.metric.unit} and {second.name} in "
            f"{second.metric.unit}; compare two workloads of one unit"
        )
    both = first.facts.keys() & second.facts.keys()
    further = [MetricRef(metric=first.facts[name], fact=name) for name in facts if name in both]
    return (MetricRef(metric=first.metric), *further)


def _sides_against(
    baseline: tuple[Arm, InterpreterInfo], arm: tuple[Arm, InterpreterInfo], ground: PairingInputs
) -> Iterator[tuple[PreparedArm, PreparedArm]]:
    """Yield the pairs of one arm with the baseline."""
    (first_arm, here), (second_arm, there) = baseline, arm
    # Arms that only differ in who looks on measure the same case.
    watched = first_arm.sample, second_arm.sample
    unchanged = here is there and first_arm.text != second_arm.text and len(set(watched)) == 1
    candidates = list(_cases(second_arm, ground, there))
    for first, case in _cases(first_arm, ground, here):
        for second, other in candidates:
            both = (first_arm, second_arm)
            if (unchanged and case == other) or not _match(case, other, both, ground):
                continue
            apart = ground.apart or Timing.WINDOW in {first.timing, second.timing}
            yield (
                PreparedArm(
                    first_arm.name, here.subject, first, case, apart, is_sampled=watched[0]
                ),
                PreparedArm(
                    second_arm.name, there.subject, second, other, apart, is_sampled=watched[1]
                ),
            )


def make_pairs(
    arms: Sequence[Arm], described: Sequence[InterpreterInfo], ground: PairingInputs
) -> tuple[Pair, ...]:
    """
    Return every pair of cases to compare: each arm with the first one.

    A case that its arms do not change (a bare fork under two start methods)
    is left out, unless the same arm was given twice.

    Args:
        arms: The baseline first.
        described: The interpreter of each.
        ground: What they have in common.

    Raises:
        UsageError: The arms have nothing to compare.
    """
    sides_of_pairs = [
        sides
        for arm, place in zip(arms[1:], described[1:], strict=True)
        for sides in _sides_against((arms[0], described[0]), (arm, place), ground)
        if not ground.only or sides[0].case.id in ground.only
    ]
    if not sides_of_pairs:
        raise UsageError(
            f"the arms {', '.join(arm.text for arm in arms)} differ in none of the selected "
            "cases; select workloads that they change"
        )
    titles = [_title(first.case, other.case) for first, other in sides_of_pairs]
    # Two pairs that have the same in common are told apart by what they do not have.
    seen = Counter(zip(titles, (other.arm for _, other in sides_of_pairs), strict=True))
    full = [f"{first.case.id} / {other.case.id}" for first, other in sides_of_pairs]
    return tuple(
        Pair(
            key=str(place + 1),
            title=titles[place] if seen[titles[place], sides[1].arm] == 1 else full[place],
            sides=sides,
            readings=_readings(sides[0].workload, sides[1].workload, ground.facts),
        )
        for place, sides in enumerate(sides_of_pairs)
    )
