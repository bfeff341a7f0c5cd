"""Which words of a user's choice are refused before anything is measured."""

from __future__ import annotations

import pytest

from mpbench.catalog import discover
from mpbench.errors import UsageError
from mpbench.model import Scalar, Tier
from mpbench.plan import plan_for
from mpbench.session.choose import asked_for, selected


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("pipe/round-trp", {}, r"no workload is called 'pipe/round-trp'; did you mean pipe/round"),
        ("pipe/round-trip", {"foo": 3}, r"no parameter 'foo'; it has \['form', 'payload_bytes'\]"),
        ("pipe/round-trip", {"form": "nope"}, r"form='nope', expected one of bytes, object, into"),
        ("pipe/round-trip", {"form": 3}, r"form=3, expected one of bytes"),
        ("pipe/round-trip", {"payload_bytes": -3}, r"payload_bytes=-3, expected a number such as"),
        ("pipe/round-trip", {"payload_bytes": "big"}, r"'big', expected a number such as"),
        ("pipe/round-trip", {"payload_bytes": None}, r"None, expected a number such as"),
        ("pipe/create", {"duplex": 1}, r"duplex=1, expected one of True, False"),
    ],
)
def test_what_a_workload_cannot_take_is_refused(
    name: str, given: dict[str, object], words: str
) -> None:
    """The error has what was given and what is known."""
    with pytest.raises(UsageError, match=words):
        asked_for(name, given, discover())


@pytest.mark.parametrize("given", [{}, {"payload_bytes": 3}, {"form": "into", "payload_bytes": 0}])
def test_a_word_of_any_tier_and_any_number_are_fine(given: dict[str, Scalar]) -> None:
    """A word need not belong to the tier, and a size need not be in the sweep."""
    assert "pipe/round-trip" == asked_for("pipe/round-trip", given, discover()).name


def test_every_workload_takes_its_own_values() -> None:
    """No value of any tier is refused."""
    for one in discover().values():
        for tier in Tier:
            for name, sweep in one.parameters.items():
                for value in sweep.resolve(tier, 4):
                    asked_for(one.name, {name: value}, {one.name: one})


def test_a_plan_is_refused_too() -> None:
    """A word that one of the selected workloads lacks would label what it did not do."""
    plan = plan_for(Tier.QUICK).override(select=("pipe/round-trip",), params={"form": ("nope",)})

    with pytest.raises(UsageError, match="pipe/round-trip cannot take form='nope'"):
        selected(plan, discover())
