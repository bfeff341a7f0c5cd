"""Schedule: the cases that share an agent, and their drawn order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from mpbench.model import Case, Tier
from mpbench.plan import Sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mpbench.model import Scalar, StartMethod
    from mpbench.workload import Workload

__all__ = ("CaseGroup", "SetUpGroup", "floor_case", "group_cases", "rounds")

# The floors share one agent, but for those that declare `alone`: they start no
# workers that could disturb each other, and an agent of its own for each would
# cost a quick run a fifth of its time.
_SHARED_FAMILY = "floor"


# Starting a process costs more in an interpreter that has imported more, so
# the family that times just that never shares an agent with another.
_LONE_FAMILY = "process"


class SetUpGroup(NamedTuple):
    """One entering of a workload, and the cases that it serves."""

    workload: Workload
    method: StartMethod | None
    cases: tuple[Case, ...]


class CaseGroup(NamedTuple):
    """What one agent measures."""

    subject: str
    name: str
    set_ups: tuple[SetUpGroup, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every case of the group."""
        return tuple(case for one in self.set_ups for case in one.cases)

    def filtered(self, wanted: Callable[[Case], bool]) -> CaseGroup:
        """Return the group with the cases that are wanted, and the set-ups that have any."""
        kept = (one._replace(cases=tuple(filter(wanted, one.cases))) for one in self.set_ups)
        return self._replace(set_ups=tuple(reading for reading in kept if reading.cases))


def floor_case(case: Case, floor: Workload) -> Case:
    """
    Return the floor's case that a case is compared with.

    A parameter that both have takes the case's value (a message of 64 KiB is
    compared with a raw pipe's 64 KiB), but for a word that the floor does not
    know; the others take the floor's first.
    """
    given = dict(case.params)
    params: dict[str, Scalar] = {}
    for name, sweep in floor.parameters.items():
        known = sweep.resolve(Tier.FULL, 1)
        value = given.get(name, known[0])
        params[name] = known[0] if isinstance(value, str) and value not in known else value
    return Case.make(floor.name, case.method if floor.by_method else None, params)


def _set_ups(workload: Workload, cases: Iterable[Case]) -> Iterator[SetUpGroup]:
    """Bring together the cases that differ in shared parameters only."""
    together: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        own = tuple(item for item in case.params if item[0] not in workload.body_params)
        together.setdefault((case.method, own), []).append(case)
    for members in together.values():
        yield SetUpGroup(workload, members[0].method, tuple(members))


def group_cases(
    subjects: Sequence[str],
    cases: Mapping[str, Sequence[Case]],
    catalogue: Mapping[str, Workload],
    *,
    sharing: Sharing = Sharing.NONE,
) -> tuple[CaseGroup, ...]:
    """
    Divide cases into agents.

    Args:
        subjects: Keys of the interpreters.
        cases: For each subject the cases to measure there.
        catalogue: Workloads by name.
        sharing: What shares an agent. Each set-up is still entered on its own,
            in shuffled order; what no start method can matter to shares an
            agent with the floors, unless nothing is shared. A workload that
            declares `alone` shares none, whatever the rest does.
    """
    groups: list[CaseGroup] = []
    for subject in subjects:
        together: dict[str, list[SetUpGroup]] = {}
        by_workload: dict[str, list[Case]] = {}
        for case in cases[subject]:
            by_workload.setdefault(case.workload, []).append(case)
        for name, members in by_workload.items():
            for position, one in enumerate(_set_ups(catalogue[name], members)):
                key = _agent_of(one, position, sharing)
                together.setdefault(key, []).append(one)
        groups += [CaseGroup(subject, key, tuple(found)) for key, found in together.items()]
    return tuple(groups)


def _agent_of(set_up: SetUpGroup, position: int, sharing: Sharing) -> str:
    """Return the name of the agent that serves a set-up."""
    family = set_up.workload.family
    method = "" if set_up.method is None else f" {set_up.method.value}"
    own = f"{set_up.workload.name}{method} {position}"
    if set_up.workload.own_agent:
        return own
    if family == _SHARED_FAMILY or (sharing is not Sharing.NONE and set_up.method is None):
        return "floors"
    if sharing is Sharing.NONE:
        return own
    if sharing is Sharing.FAMILY:
        name = set_up.workload.name if family == _LONE_FAMILY else family
        return f"{name}{method}"
    return f"{family}{method}" if family == _LONE_FAMILY else f"bundle{method}"


def _shuffled(group: CaseGroup, chance: random.Random) -> CaseGroup:
    set_ups = [
        one._replace(cases=tuple(chance.sample(one.cases, len(one.cases)))) for one in group.set_ups
    ]
    chance.shuffle(set_ups)
    return group._replace(set_ups=tuple(set_ups))


def rounds(
    groups: Sequence[CaseGroup], *, repetitions: int, seed: int
) -> Iterator[tuple[int, tuple[CaseGroup, ...]]]:
    """
    Yield each repetition's number and its groups in a shuffled order.

    Each round holds every group once, so that the repetitions of a case are
    spread over the whole run: a disturbance of some seconds then meets many
    cases once and not one case every time.
    """
    for number in range(repetitions):
        chance = random.Random(f"{seed}:{number}")
        order = [_shuffled(group, chance) for group in groups]
        chance.shuffle(order)
        yield number, tuple(order)
