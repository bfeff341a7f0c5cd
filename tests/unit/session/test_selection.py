"""Which words of a user's choice are refused before anything is measured."""

from __future__ import annotations

import pytest

from mpbench.catalog import discover
from mpbench.errors import UsageError
from mpbench.model import Scalar, Tier
from mpbench.plan import plan_for
from mpbench.session.selection import find_workload, select_workloads


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("pipe/round-trp", {}, r"no workload is called 'pipe/round-trp'; did you mean pipe/round"),
        ("pipe/round-trip", {"foo": 3}, r"no parameter 'foo'; known: form, payload_bytes$"),
        ("pipe/round-trip", {"form": "nope"}, r"form='nope', expected one of bytes, object, into"),
        ("pipe/round-trip", {"form": 3}, r"form=3, expected one of bytes"),
        (
            "pipe/round-trip",
            {"payload_bytes": -3},
            r"bytes=-3, expected a whole number of at least 0",
        ),
        (
            "pipe/round-trip",
            {"payload_bytes": "big"},
            r"'big', expected a whole number of at least 0",
        ),
        (
            "pipe/round-trip",
            {"payload_bytes": None},
            r"None, expected a whole number of at least 0",
        ),
        ("pipe/round-trip", {"payload_byte": 3}, r"did you mean 'payload_bytes'"),
        ("cross/oversubscription", {"workers": "abc"}, r"whole number of at least 1 \(it has 1, "),
        (
            "cross/oversubscription",
            {"workers": 1.5},
            r"workers=1\.5, expected a whole number of at least 1",
        ),
        (
            "cross/oversubscription",
            {"workers": True},
            r"workers=True, expected a whole number of at least 1",
        ),
        (
            "cross/oversubscription",
            {"workers": 0},
            r"workers=0, expected a whole number of at least 1",
        ),
        (
            "cross/oversubscription",
            {"workers": -1},
            r"workers=-1, expected a whole number of at least 1",
        ),
        ("pool/call-scaling", {"task_us": "abc"}, r"task_us='abc', expected a whole number"),
        ("pipe/create", {"duplex": 1}, r"duplex=1, expected one of True, False"),
    ],
)
def test_what_a_workload_cannot_take_is_refused(
    name: str, given: dict[str, object], words: str
) -> None:
    """The error has what was given and what is known."""
    with pytest.raises(UsageError, match=words):
        find_workload(name, given, discover())


@pytest.mark.parametrize("given", [{}, {"payload_bytes": 3}, {"form": "into", "payload_bytes": 0}])
def test_a_word_of_any_tier_and_any_number_are_fine(given: dict[str, Scalar]) -> None:
    """A word need not belong to the tier, and a size need not be in the sweep."""
    assert "pipe/round-trip" == find_workload("pipe/round-trip", given, discover()).name


def test_every_workload_takes_its_own_values() -> None:
    """No value of any tier is refused."""
    for one in discover().values():
        for tier in Tier:
            for name, sweep in one.parameters.items():
                for value in sweep.resolve(tier, 4):
                    find_workload(one.name, {name: value}, {one.name: one})


def test_a_plan_is_refused_too() -> None:
    """A word that one of the selected workloads lacks would label what it did not do."""
    plan = plan_for(Tier.QUICK).override(select=("pipe/round-trip",), params={"form": ("nope",)})

    with pytest.raises(UsageError, match="pipe/round-trip cannot take form='nope'"):
        select_workloads(plan, discover())


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [("pool", "'pool/[*]'"), ("pools", "'pool/[*]'"), ("pipe/rond-trip", "pipe/round-trip")],
)
def test_a_pattern_without_a_match_says_what_was_meant(pattern: str, meant: str) -> None:
    """A family alone is no pattern: all of its workloads are."""
    plan = plan_for(Tier.QUICK).override(select=(pattern,))

    with pytest.raises(UsageError, match=f"did you mean {meant}"):
        select_workloads(plan, discover())
