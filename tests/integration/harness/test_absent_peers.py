"""Other libraries are measured where they are installed, and said to be missing where not."""

from __future__ import annotations

import sys
import venv
from contextlib import closing
from pathlib import Path

import pytest

from mpbench.catalog import cases_of, discover
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.repetitions import MeasurementSettings, measure_group
from mpbench.harness.schedule import CaseGroup, SetUpGroup
from mpbench.model import StartMethod, Status, Tier

PEERS = {name: one for name, one in discover().items() if one.requires}


def test_the_peers_are_known() -> None:
    """Each library of the catalogue's list has its workloads; two need no package."""
    families = {name for name in discover() if name.startswith("peer/")}
    wanted = ("loky", "joblib", "mpire", "billiard", "concurrent-futures", "threading")

    assert set() == {f"peer/{name}" for name in wanted} - families
    assert {"billiard", "joblib", "loky", "mpire"} == {
        package for one in PEERS.values() for package in one.requires
    }


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Return an interpreter that has no packages."""
    place = install_agent_package(sys.executable, tmp_path_factory.mktemp("handover"))
    home = tmp_path_factory.mktemp("bare")
    venv.create(home, with_pip=False, symlinks=True)
    return Interpreter("bare", str(home / "bin" / "python"), str(place))


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_library_that_is_not_installed_is_unsupported(
    bare: Interpreter, tmp_path: Path, name: str
) -> None:
    """The record says which package is missing; it is no failure and no silence."""
    one = PEERS[name]
    case = cases_of(one, tier=Tier.QUICK, cpus=2, methods=(StartMethod.FORK,))[0]
    group = CaseGroup("bare", name, (SetUpGroup(one, case.method, (case,)),))
    effort = MeasurementSettings(0, 1, 1_000_000, 5, {}, verify=True)
    with closing(AgentFactory(tmp_path)) as agents:
        (result,) = measure_group(
            bare, group, effort, agents=agents, origin_ns=0, keep=lambda _: None
        )
    (record,) = result.repetitions

    assert Status.UNSUPPORTED is record.status
    assert f"not installed in this interpreter: {one.requires[0]}" == record.reason
