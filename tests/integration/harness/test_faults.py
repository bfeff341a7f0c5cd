"""Every way in which a workload can fail ends in a clear record, and nothing is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from mpbench.agent.process_tree import processes, segments, tag_of, tag_prefix
from mpbench.catalog import load_file
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.repetitions import GroupResult, MeasurementSettings, measure_group
from mpbench.harness.schedule import CaseGroup, SetUpGroup
from mpbench.model import Case, Repetition, StartMethod, Status

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Return this interpreter, able to import the faulty workloads."""
    place = install_agent_package(sys.executable, tmp_path_factory.mktemp("handover"))
    return Interpreter("here", sys.executable, str(place), (str(HERE),))


def hangs(fault: str) -> bool:
    """Whether only a deadline ends a fault; the others get time enough on a busy machine."""
    return "took longer" in {**EXPECTED, **SLOW}[fault][1]


def outcomes(
    subject: Interpreter, folder: Path, fault: str, method: StartMethod
) -> tuple[GroupResult, ...]:
    """Measure one faulty case and one good one after it; return what each agent gave."""
    known = {one.name: one for one in load_file(HERE / "faulty.py")}
    patient = known["test/faulty"]
    one = known["test/hanging"] if hangs(fault) else patient
    bad = Case.make(one.name, method, {"fault": fault})
    good = Case.make(patient.name, method, {"fault": "none"})
    group = CaseGroup(
        "here", one.name, (SetUpGroup(one, method, (bad,)), SetUpGroup(patient, method, (good,)))
    )
    effort = MeasurementSettings(0, 1, 1_000_000, 5, {})
    with closing(AgentFactory(folder)) as agents:
        return measure_group(
            subject, group, effort, agents=agents, origin_ns=0, keep=lambda _: None
        )


def measure(
    subject: Interpreter, folder: Path, fault: str, method: StartMethod
) -> list[Repetition]:
    """Measure as `outcomes` does; return the repetitions."""
    return [
        one for result in outcomes(subject, folder, fault, method) for one in result.repetitions
    ]


def remains(repetitions: Iterable[Repetition]) -> list[str]:
    """Return the processes and semaphores of agents that should be gone, wherever they are."""
    tags = {f"{one.agent:08x}" for one in repetitions}
    living = [one.command for one in processes() if one.state != "Z" and tag_of(one.pid) in tags]
    names = segments(user=os.getuid())
    return living + [name for name in names for tag in tags if name.startswith(tag_prefix(tag))]


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
    "kill-holding": (Status.TIMEOUT, "took longer than 1 s"),
    "kill-writing": (Status.TIMEOUT, "took longer than 1 s"),
    "bomb": (Status.TIMEOUT, "took longer than 1 s"),
    "renew": (Status.TIMEOUT, "took longer than 1 s"),
    "descriptors": (Status.FAILED, "Too many open files"),
    "deaf": (Status.TIMEOUT, "took longer than 1 s"),
    "in-c": (Status.TIMEOUT, "took longer than 1 s"),
    "stopped": (Status.TIMEOUT, "took longer than 1 s"),
    "shm-full": (Status.FAILED, "File too large"),
    "supervisor": (Status.CRASHED, "its supervisor is gone"),
    "leaving": (Status.OK, "test/hanging did not leave its set-up: took longer than 1 s"),
    "leaving-raises": (Status.OK, "test/faulty did not leave its set-up: RuntimeError: as asked"),
}

# A finalizer is given 10 s, and 32 MiB take a while.
SLOW = {
    "finalizer": (Status.OK, "its interpreter hung while it ended"),
    "flood": (Status.CRASHED, "printed more than 32 MiB"),
}


def said_of(results: Iterable[GroupResult]) -> str:
    """Return every reason and every note that a fault left in the records."""
    reasons = [one.reason or "" for result in results for one in result.repetitions]
    return "\n".join(reasons + [text for result in results for text in result.leaks])


@pytest.mark.parametrize("method", list(StartMethod))
@pytest.mark.parametrize(
    "fault", [*EXPECTED, *(pytest.param(one, marks=pytest.mark.slow) for one in SLOW)]
)
def test_a_fault_becomes_a_record(
    subject: Interpreter, tmp_path: Path, fault: str, method: StartMethod
) -> None:
    """
    The faulty case has its status and reason, the next case is measured, nothing is left.

    What goes wrong after a case was measured costs it no samples; a note tells.
    """
    results = outcomes(subject, tmp_path, fault, method)
    bad, good = [one for result in results for one in result.repetitions]
    status, words = {**EXPECTED, **SLOW}[fault]

    assert status is bad.status
    assert words in said_of(results)
    assert Status.OK is good.status
    assert [] == remains((bad, good))
    assert [] == list(tmp_path.iterdir())


def test_the_stacks_of_a_hung_case_are_kept(subject: Interpreter, tmp_path: Path) -> None:
    """The record of a case that hangs shows where its processes stood."""
    bad, _ = measure(subject, tmp_path, "lock", StartMethod.FORK)

    assert "_hang_in_lock" in bad.extra["log"]
    assert "sleep_for_ever" in bad.extra["log"]
