"""What a workload claims to call it calls at every pass, as programs do."""

from __future__ import annotations

from typing import Any

import pytest

from mpbench.workload.unrolled import unrolled
from mpbench.workloads.shared.access import _STATEMENTS
from mpbench.workloads.shared.counters import _adder


class _Number(list[int]):
    """A shared number, or an array of one, that counts how often its lock is asked for."""

    def __init__(self) -> None:
        super().__init__([0])
        self.value = 0
        self.asked = 0

    def get_lock(self) -> _Number:
        """Return what can be entered."""
        self.asked += 1
        return self

    def get_obj(self) -> _Number:
        """Return the bare number."""
        return self

    def __enter__(self) -> None:
        """Take nothing."""

    def __exit__(self, *_: object) -> None:
        """Give nothing back."""


@pytest.mark.parametrize("place", [".value", "[0]"])
@pytest.mark.parametrize("way", ["increment", "increment-under-lock"])
def test_an_increment_asks_for_its_lock(way: str, place: str) -> None:
    """`with shared.get_lock():` stands inside the loop."""
    number = _Number()

    unrolled(_STATEMENTS[way].format(place=place), {"shared": number, "number": number})(5)

    assert 5 == (number.value if place == ".value" else number[0])
    assert 5 == number.asked


def test_a_contended_increment_asks_for_its_lock() -> None:
    """The docstring says `with value.get_lock()`."""

    class Counters:
        value = _Number()
        raw = unlocked = slots = lock = None
        choice = _Number()

    counters: Any = Counters()
    add = _adder(counters, 0)
    add()
    add()

    assert (2, 2) == (counters.value.value, counters.value.asked)
