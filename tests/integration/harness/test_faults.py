"""Every way in which a workload can fail ends in a clear record, and nothing is left."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mpbench.agent.tree import descendants
from mpbench.catalog import load_file
from mpbench.harness.agents import Agents
from mpbench.harness.handover import hand_over
from mpbench.harness.launch import Subject
from mpbench.harness.repetitions import Effort, measure_group
from mpbench.harness.schedule import Group, SetUp
from mpbench.model import Case, Repetition, StartMethod, Status

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """Return this interpreter, able to import the faulty workloads."""
    place = hand_over(sys.executable, tmp_path_factory.mktemp("handover"))
    return Subject("here", sys.executable, str(place), (str(HERE),))


def measure(subject: Subject, folder: Path, fault: str, method: StartMethod) -> list[Repetition]:
    """Measure one faulty case and one good one after it."""
    (one,) = load_file(HERE / "faulty.py")
    bad = Case.make(one.name, method, {"fault": fault})
    good = Case.make(one.name, method, {"fault": "none"})
    group = Group("here", one.name, (SetUp(one, method, (bad,)), SetUp(one, method, (good,))))
    effort = Effort(0, 1, 1_000_000, 5, {})
    kept: list[Repetition] = []
    with closing(Agents(folder)) as agents:
        measure_group(subject, group, effort, agents=agents, origin_ns=0, keep=kept.append)
    return kept


EXPECTED = {
    "lock": (Status.TIMEOUT, "took longer than 1 s"),
    "exit": (Status.CRASHED, "exit code 3"),
    "set-up-exit": (Status.CRASHED, "exit code 4"),
    "kill": (Status.CRASHED, "SIGKILL"),
    "corrupt": (Status.FAILED, "expected a JSON line"),
    "raise": (Status.FAILED, "RuntimeError: as asked"),
    "count": (Status.FAILED, "expected 1 operations, found 0"),
    "segment": (Status.TIMEOUT, "took longer than 1 s"),
    "orphan": (Status.CRASHED, "exit code 0"),
}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", list(StartMethod))
@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_becomes_a_record(
    subject: Subject, tmp_path: Path, fault: str, method: StartMethod
) -> None:
    """The faulty case has its status and reason, the next case is measured, nothing is left."""
    bad, good = measure(subject, tmp_path, fault, method)
    status, words = EXPECTED[fault]

    assert status is bad.status
    assert words in (bad.reason or "")
    assert Status.OK is good.status
    assert [] == descendants(os.getpid())
    assert [] == list(tmp_path.iterdir())


def test_the_stacks_of_a_hung_case_are_kept(subject: Subject, tmp_path: Path) -> None:
    """The record of a case that hangs shows where its processes stood."""
    bad, _ = measure(subject, tmp_path, "lock", StartMethod.FORK)

    assert "_hang_in_lock" in bad.extra["log"]
    assert "sleep_for_ever" in bad.extra["log"]


@pytest.mark.slow
def test_a_flood_is_stopped(subject: Subject, tmp_path: Path) -> None:
    """A case that prints without end does not fill the disk."""
    bad, good = measure(subject, tmp_path, "flood", StartMethod.FORK)

    assert Status.OK is not bad.status
    assert Status.OK is good.status
    assert [] == list(tmp_path.iterdir())
