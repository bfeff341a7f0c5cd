"""Floors are there for something, and stand beside the same mechanism."""

from __future__ import annotations

import re

from mpbench.catalog import discover
from mpbench.model import Tier
from mpbench.workload import FloorByMethod

CATALOGUE = discover()


def test_every_floor_is_the_floor_of_something() -> None:
    """A floor that nothing is compared with is measured for nothing."""
    used = {name for one in CATALOGUE.values() for name in one.floor_names}
    named = " ".join(one.doc for one in CATALOGUE.values())
    idle = [
        name
        for name, one in CATALOGUE.items()
        if one.family == "floor" and name not in used and f"`{name}`" not in named
    ]

    assert [] == idle


def test_families_of_sockets_are_compared_with_themselves() -> None:
    """What runs over AF_INET has no floor over AF_UNIX."""
    mixed = [
        name
        for name, one in CATALOGUE.items()
        if "family" in one.parameters
        and any(
            "family" not in CATALOGUE[floor].parameters
            or not set(one.parameters["family"].resolve(Tier.FULL, 1))
            <= set(CATALOGUE[floor].parameters["family"].resolve(Tier.FULL, 1))
            for floor in one.floor_names
        )
    ]

    assert [] == mixed


def test_named_floors_exist() -> None:
    """A reason for no floor names workloads that there are."""
    reasons = [str(one.floor[0]) for one in CATALOGUE.values() if not one.floor_names]
    families = {name.partition("/")[0] for name in CATALOGUE}
    named = {
        word.strip(",;:()`.")
        for reason in reasons
        for word in reason.split()
        if word.partition("/")[0] in families and "/" in word
    }

    assert set() == named - set(CATALOGUE)


def test_what_docstrings_name_exists() -> None:
    """A workload, a family with a star, or nothing: whoever reads it looks for it."""
    families = "|".join(sorted({one.family for one in CATALOGUE.values()}))
    missing = {
        name: lost
        for name, one in CATALOGUE.items()
        if (lost := set(re.findall(rf"`((?:{families})/[a-z0-9-]+)`", one.doc)) - set(CATALOGUE))
    }

    assert {} == missing


def test_a_floor_has_the_unit_and_the_direction_of_what_it_carries() -> None:
    """A time is not a multiple of a rate."""
    wrong = [
        f"{name} ({one.metric.unit}) over {floor} ({CATALOGUE[floor].metric.unit})"
        for name, one in CATALOGUE.items()
        for floor in one.floor_names
        if (one.metric.unit, one.metric.better)
        != (CATALOGUE[floor].metric.unit, CATALOGUE[floor].metric.better)
    ]

    assert [] == wrong


def test_a_start_stands_on_the_floor_of_its_start_method() -> None:
    """A spawned child boots an interpreter; a fork is no floor of it."""
    wrong = [
        name
        for name, one in CATALOGUE.items()
        if one.by_method
        and any("fork" in floor for floor in one.floor_names)
        and not isinstance(one.floor, FloorByMethod)
    ]

    assert [] == wrong


def test_sizes_are_compared_with_their_own() -> None:
    """Where the workload has sizes, the floor has sizes and not one fixed size."""
    wrong = [
        name
        for name, one in CATALOGUE.items()
        if "payload_bytes" in one.parameters
        and len(one.parameters["payload_bytes"].resolve(Tier.FULL, 1)) > 1
        for floor in one.floor_names
        if "payload_bytes" in CATALOGUE[floor].parameters
        and len(CATALOGUE[floor].parameters["payload_bytes"].resolve(Tier.FULL, 1)) == 1
    ]

    assert [] == wrong
