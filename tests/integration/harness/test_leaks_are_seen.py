"""Whatever a workload leaves behind, the agent or its supervisor says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mpbench.catalog import load_file
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.repetitions import GroupResult, MeasurementSettings, measure_group
from mpbench.harness.schedule import CaseGroup, SetUpGroup
from mpbench.model import Case, StartMethod

HERE = Path(__file__).parent

# What is said of each kind, in words that stand in the record of the run.
SEEN = {
    "child": "left the child 'forgotten'",
    "grandchild": "ended: python",
    "thread": "left the thread 'forgotten'",
    "semaphore": "left the shared memory '/dev/shm/sem.",
    "segment": "left 1 leaked shared_memory objects to the resource tracker",
    "mapping": "left the shared memory '/dev/shm/psm_",
    "socket-file": "listener-forgotten'",
    "descriptor": "(/dev/null)'",
}


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Return this interpreter, able to import the leaking workload."""
    place = install_agent_package(sys.executable, tmp_path_factory.mktemp("handover"))
    return Interpreter("here", sys.executable, str(place), (str(HERE),))


def said(results: tuple[GroupResult, ...]) -> Iterator[str]:
    """Yield everything that was noted about what is left."""
    for result in results:
        yield from result.leaks
        if result.ending is not None:
            yield from (f"ended: {name}" for name in result.ending.report.get("ended", ()))


def left_by(subject: Interpreter, folder: Path, what: str, method: StartMethod) -> list[str]:
    """Verify the workload once; return what is said to be left."""
    (one,) = load_file(HERE / "leaking.py")
    case = Case.make(one.name, method, {"what": what})
    group = CaseGroup("here", one.name, (SetUpGroup(one, method, (case,)),))
    effort = MeasurementSettings(0, 1, 1_000_000, 5, {}, verify=True)
    with closing(AgentFactory(folder)) as agents:
        results = measure_group(
            subject, group, effort, agents=agents, origin_ns=0, keep=lambda _: None
        )
    return list(said(results))


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", tuple(StartMethod))
@pytest.mark.parametrize("what", SEEN)
def test_a_leak_of_each_kind_is_seen(
    subject: Interpreter, tmp_path: Path, what: str, method: StartMethod
) -> None:
    """A child, thread, semaphore, segment, socket file or descriptor is named."""
    found = left_by(subject, tmp_path, what, method)

    assert any(SEEN[what] in one for one in found), found


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", tuple(StartMethod))
def test_who_leaves_nothing_is_not_accused(
    subject: Interpreter, tmp_path: Path, method: StartMethod
) -> None:
    """A set-up without leaks has no words."""
    assert [] == left_by(subject, tmp_path, "nothing", method)
