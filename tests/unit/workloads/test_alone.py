"""Which workloads have agents for themselves, and that they keep to what that is for."""

from __future__ import annotations

from mpbench.catalog import discover

CATALOGUE = discover()


def test_floors_that_fork_are_alone() -> None:
    """What other floors leave in memory would make each of their forks dearer."""
    names = ("os-fork-wait", "os-fork-at-rss", "exit-to-wait", "os-kill-wait")

    assert dict.fromkeys(names, True) == {name: CATALOGUE[f"floor/{name}"].alone for name in names}


def test_what_is_compared_with_a_bare_fork_is_as_fresh() -> None:
    """Where the floor is a fork, the family is one of starts or each set-up is alone."""
    assert [] == [
        name
        for name, one in CATALOGUE.items()
        if one.floor_name == "floor/os-fork-wait" and one.family != "process" and not one.alone
    ]
