"""Stopping in the middle of an agent's work: what was measured is kept, the rest is left out."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest
from test_faults import HERE, remains

from mpbench.catalog import load_file
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.repetitions import MeasurementSettings, StoppedError, measure_group
from mpbench.harness.schedule import CaseGroup, SetUpGroup
from mpbench.model import Case, Repetition, StartMethod, Status


def group() -> CaseGroup:
    """Return three set-ups that one agent serves."""
    (one,) = [one for one in load_file(HERE / "faulty.py") if one.name == "test/faulty"]
    case = Case.make(one.name, StartMethod.FORK, {"fault": "none"})
    return CaseGroup("here", one.name, (SetUpGroup(one, StartMethod.FORK, (case,)),) * 3)


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """Return this interpreter, able to import the faulty workloads."""
    place = install_agent_package(sys.executable, tmp_path_factory.mktemp("handover"))
    return Interpreter("here", sys.executable, str(place), (str(HERE),))


def test_a_wish_to_stop_is_heard_after_each_repetition(
    subject: Interpreter, tmp_path: Path
) -> None:
    """An agent that serves many cases does not have to serve them all."""
    kept: list[Repetition] = []
    with closing(AgentFactory(tmp_path)) as agents:
        (result,) = measure_group(
            subject,
            group(),
            MeasurementSettings(0, 1, 1_000_000, 5, {}),
            agents=agents,
            origin_ns=0,
            keep=kept.append,
            is_over=lambda: len(kept) == 2,
        )

    assert [Status.OK, Status.OK] == [one.status for one in result.repetitions]
    assert result.ending is not None
    assert [] == remains(kept)
    assert [] == list(tmp_path.iterdir())


def test_an_order_to_stop_keeps_what_was_measured(subject: Interpreter, tmp_path: Path) -> None:
    """The second Ctrl-C ends the agent at once, and the exception has its repetitions."""
    kept: list[Repetition] = []

    def keep(one: Repetition) -> None:
        kept.append(one)
        if len(kept) == 2:
            raise KeyboardInterrupt

    with closing(AgentFactory(tmp_path)) as agents, pytest.raises(StoppedError) as stopped:
        measure_group(
            subject,
            group(),
            MeasurementSettings(0, 1, 1_000_000, 5, {}),
            agents=agents,
            origin_ns=0,
            keep=keep,
        )
    (result,) = stopped.value.results

    assert kept == list(result.repetitions)
    assert [] == remains(kept)
    assert [] == list(tmp_path.iterdir())
