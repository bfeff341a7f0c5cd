"""Which cases share an agent, and in which order agents run."""

from __future__ import annotations

from collections import Counter

import pytest

from mpbench.catalog import cases_of, discover
from mpbench.harness.schedule import CaseGroup, SetUpGroup, floor_case, group_cases, rounds
from mpbench.model import Case, StartMethod, Tier
from mpbench.plan import Sharing

CATALOGUE = discover()


def cases(name: str, tier: Tier = Tier.STANDARD) -> tuple[Case, ...]:
    """Return the cases of one workload under two start methods."""
    methods = (StartMethod.FORK, StartMethod.SPAWN)
    return cases_of(CATALOGUE[name], tier=tier, cpus=2, methods=methods)


def test_shared_parameters_share_a_set_up() -> None:
    """One agent serves all sizes of a workload that needs no set-up for each."""
    one = CATALOGUE["pipe/round-trip"]
    groups = group_cases(["here"], {"here": cases(one.name)}, CATALOGUE)
    own = [name for name in one.parameters if name not in one.body_params]
    expected = {(case.method, tuple(case.value(name) for name in own)) for case in cases(one.name)}

    assert "payload_bytes" in one.body_params
    assert len(expected) == len(groups)


def test_floors_share_one_agent() -> None:
    """The floors of a subject are measured in the same agent, but for those that are alone."""
    floors = [
        case
        for name, one in CATALOGUE.items()
        if name.startswith("floor/") and not one.own_agent
        for case in cases(name, Tier.QUICK)
    ]
    groups = group_cases(["here"], {"here": floors}, CATALOGUE)

    assert 1 == len(groups)
    assert Counter(floors) == Counter(groups[0].cases)


def test_a_floor_takes_the_parameters_that_it_shares() -> None:
    """A message of 64 KiB is compared with a floor of 64 KiB."""
    case = Case.make("pipe/round-trip", StartMethod.SPAWN, {"payload_bytes": 65_536})
    floor = floor_case(case, CATALOGUE["floor/os-pipe-round-trip"])

    assert Case.make("floor/os-pipe-round-trip", None, {"payload_bytes": 65_536}) == floor


def test_a_floor_does_not_take_a_word_that_it_does_not_know() -> None:
    """An operation that only the workload has falls back to the floor's first."""
    case = Case.make("shared/list", StartMethod.FORK, {"operation": "count", "items": 10})
    floor = floor_case(case, CATALOGUE["floor/memory-item"])
    known = CATALOGUE["floor/memory-item"].parameters["operation"].resolve(Tier.FULL, 2)

    assert floor.text("operation") == known[0]


def order(seed: int) -> list[list[str]]:
    """Return the names of the groups in each of six rounds."""
    one = CATALOGUE["floor/empty-call"]
    case = Case.make(one.name, None, {})
    groups = [
        CaseGroup("here", str(number), (SetUpGroup(one, None, (case,)),)) for number in range(20)
    ]
    return [
        [group.name for group in chosen] for _, chosen in rounds(groups, repetitions=6, seed=seed)
    ]


def test_each_round_holds_every_group_once() -> None:
    """The repetitions of a case are spread over the run."""
    for names in order(1):
        assert sorted(names) == sorted(str(number) for number in range(20))


def test_the_order_follows_from_the_seed() -> None:
    """The same seed gives the same order, another seed another one, and rounds differ."""
    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1)[0] != order(1)[1]


@pytest.mark.parametrize(
    ("sharing", "names"),
    [
        (
            Sharing.NONE,
            {
                "process/start-to-join fork 0",
                "pipe/round-trip fork 0",
                "pipe/one-way fork 0",
                "queue/round-trip fork 0",
                "lock/uncontended 0",
            },
        ),
        (Sharing.FAMILY, {"process/start-to-join fork", "pipe fork", "queue fork", "floors"}),
        (Sharing.ALL, {"process fork", "bundle fork", "floors"}),
    ],
)
def test_what_shares_an_agent(sharing, names):
    """The family that times starts never shares an agent with another."""
    chosen = [
        Case.make("process/start-to-join", StartMethod.FORK, {}),
        Case.make("pipe/round-trip", StartMethod.FORK, {"payload_bytes": 64}),
        Case.make("pipe/one-way", StartMethod.FORK, {"payload_bytes": 64}),
        Case.make("queue/round-trip", StartMethod.FORK, {"payload_bytes": 64}),
        Case.make("lock/uncontended", None, {"kind": "Lock"}),
    ]

    groups = group_cases(["here"], {"here": chosen}, CATALOGUE, sharing=sharing)

    assert names == {group.name for group in groups}
    assert sorted(case.id for case in chosen) == sorted(
        case.id for group in groups for case in group.cases
    )


@pytest.mark.parametrize("sharing", Sharing)
@pytest.mark.parametrize("name", ["floor/memory-copy", "pipe/round-trip", "process/anatomy"])
def test_what_is_alone_has_an_agent_for_each_set_up(sharing: Sharing, name: str) -> None:
    """A floor, a member of a family and a start never share an agent once they declare it."""
    catalogue = {**CATALOGUE, name: CATALOGUE[name]._replace(own_agent=True, body_params=())}
    names = (name, "floor/empty-call", "pipe/one-way", "process/start-to-join")
    chosen = [case for one in names for case in cases(one)]

    groups = group_cases(["here"], {"here": chosen}, catalogue, sharing=sharing)
    alone = [group for group in groups if any(case.workload == name for case in group.cases)]

    assert len(cases(name)) == len(alone)
    assert {1} == {len(group.cases) for group in alone}
    assert len(groups) == len({group.name for group in groups})
