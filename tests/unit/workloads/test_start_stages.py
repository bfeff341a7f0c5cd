"""The stages of a start: what parent and child read becomes a waterfall without gaps."""

from __future__ import annotations

import pytest

from mpbench.errors import WorkloadError
from mpbench.workloads.process.start_stages import (
    IMPORTS,
    STAGES,
    ChildMarks,
    ParentMarks,
    stages_of,
)

PARENT = ParentMarks(
    began=100, tracker=5, pickle=10, launch=120, launched=150, seen=900, joined=930
)


def test_a_forked_child_has_no_boot_and_no_import() -> None:
    """Under fork everything between the fork and the target is launch and bootstrap."""
    child = ChildMarks(received=200, prepared=0, unpickled=0, first=260, last=270)

    stages = stages_of(PARENT._replace(tracker=0, pickle=0), child)

    assert {
        "bookkeeping": 20,
        "launch": 80,
        "bootstrap": 60,
        "target": 10,
        "exit": 630,
        "join": 30,
    } == {name: length for name, length in stages.items() if length}


def test_a_spawned_child_has_every_stage() -> None:
    """Under spawn each import has its own length."""
    booted = (300, 310, 330, 360, 400, 450, 510)
    child = ChildMarks(600, 620, 650, 690, 700, booted)

    stages = stages_of(PARENT, child)

    assert list(STAGES) == list(stages)
    assert [5, 5, 10, 30, 150, 10, 20, 30, 40, 50, 60, 90, 20, 30, 40, 10, 200, 30] == list(
        stages.values()
    )


def test_a_fork_server_takes_the_place_of_the_boot() -> None:
    """Under forkserver the server's part stands where a new interpreter boots."""
    child = ChildMarks(received=400, prepared=420, unpickled=450, first=460, last=470)

    stages = stages_of(PARENT, child)

    assert 30 == stages["launch"]
    assert 250 == stages["boot"]
    assert 20 == stages["main"]


def test_a_parent_that_was_put_aside_makes_no_negative_boot() -> None:
    """When the child runs before the parent knows, the launch ends with the child's first line."""
    booted = (140, *(141 + place for place in range(len(IMPORTS))))
    child = ChildMarks(600, 620, 650, 690, 700, booted)

    stages = stages_of(PARENT, child)

    assert 20 == stages["launch"]
    assert 0 == stages["boot"]


@pytest.mark.parametrize("booted", [(), (300, 310, 330, 360, 400, 450, 510)])
def test_the_stages_are_the_whole(booted: tuple[int, ...]) -> None:
    """No time is counted twice or lost."""
    child = ChildMarks(600, 620, 650, 690, 700, booted)

    assert PARENT.joined - PARENT.began == sum(stages_of(PARENT, child).values())


def test_readings_out_of_order_are_refused() -> None:
    """A stage that ended before it began is a fault of the measurement and is named."""
    child = ChildMarks(received=200, prepared=0, unpickled=0, first=260, last=250)

    with pytest.raises(WorkloadError, match="target ended before"):
        stages_of(PARENT, child)
