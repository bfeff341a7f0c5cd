"""Tier standard sweeps around every step that a report looks for."""

from __future__ import annotations

import pytest

from mpbench.catalog import discover
from mpbench.model import Tier

# The values of a parameter that tier standard must have: one each side of the step.
AROUND = [
    ("process/start-by-argument", "payload_bytes", {61_440, 73_728}),
    ("process/start-at-rss", "rss_mib", {0, 256}),
    ("pipe/round-trip", "payload_bytes", {16_384, 16_385}),
    ("connection/round-trip", "payload_bytes", {16_384, 16_385}),
    ("queue/put-delivered", "payload_bytes", {1 << 20}),
    ("shared/create", "payload_bytes", {1 << 24}),
]


@pytest.mark.parametrize(("name", "parameter", "wanted"), AROUND)
def test_the_sweep_has_both_sides(name: str, parameter: str, wanted: set[int]) -> None:
    """Who shortens a sweep must not lose a step."""
    one = discover()[name]

    assert Tier.FULL is not one.tier
    assert set() == wanted - set(one.parameters[parameter].resolve(Tier.STANDARD, 2))
