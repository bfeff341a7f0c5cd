"""Floors are there for something, and stand beside the same mechanism."""

from __future__ import annotations

import re

from mpbench.catalog import discover
from mpbench.model import Tier

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
