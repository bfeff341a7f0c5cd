"""
Random faults in a row: nothing leaks, no acknowledged record is lost, every ending is clear.

The short form injects a few. `MPBENCH_FAULTS=500` injects as many as it says,
every fault under every start method; `MPBENCH_SEED` repeats an order; `-s`
shows the table.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from injected import Injected, drawn, judge, planned, table
from test_faults import EXPECTED, HERE, SLOW, outcomes, remains

from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.launch import Interpreter
from mpbench.model import Case, RunEnd, RunHeader, StartMethod, Status
from mpbench.store.writer import Writer, read

_SHORT = 6


def header() -> RunHeader:
    """Return the first line of a campaign's file."""
    started = "2026-01-01T00:00:00+00:00"
    return RunHeader("0" * 16, started, "0.1.0", "here", (), {}, {"here": {}}, {})


def inject(folder: Path, faults: list[tuple[str, StartMethod]]) -> list[Injected]:
    """Inject faults one after the other, write each record as a run does, and judge each."""
    place = install_agent_package(sys.executable, folder / "handover")
    subject = Interpreter("here", sys.executable, str(place), (str(HERE),))
    agents = folder / "agents"
    agents.mkdir()
    done: list[Injected] = []
    declared: set[Case] = set()
    with Writer(folder / "out") as writer:
        writer.header(header())
        for number, (fault, method) in enumerate(faults):
            results = outcomes(subject, agents, fault, method)
            expected = {**EXPECTED, **SLOW}[fault]
            done.append(judge((fault, method), results, expected, remains))
            found = [one for result in results for one in result.repetitions]
            for record in planned(found):
                if record.case not in declared:
                    declared.add(record.case)
                    writer.case(record)
            for one in found:
                writer.repetition(one._replace(number=number))
        writer.end(RunEnd(0, Status.OK, None))
    assert [] == list(agents.iterdir())
    return done


def check(folder: Path, done: list[Injected]) -> str:
    """Return the table of a campaign; every fault ended as it must."""
    stored = {(one.number, one.agent) for one in read(folder / "out").repetitions}
    shown = table(done, stored)
    asked = {(at, agent) for at, one in enumerate(done) for agent in one.agents}

    assert [] == [one for one in done if not one.is_clear], shown
    assert [] == [one for one in done if one.remains], shown
    assert asked == stored, shown
    return shown


@pytest.mark.usefixtures("nothing_left")
def test_a_few_faults_in_a_row(tmp_path: Path) -> None:
    """The short form of the campaign: the faults that end at once."""
    quick = [one for one, (status, _) in EXPECTED.items() if status is not Status.TIMEOUT]
    faults = list(drawn(quick, _SHORT, 1))
    done = inject(tmp_path, faults)

    assert _SHORT == len(done)
    check(tmp_path, done)


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_left")
def test_faults_in_a_row(tmp_path: Path) -> None:
    """Each fault ends clearly and leaves nothing; the file has every record that was kept."""
    count = int(os.environ.get("MPBENCH_FAULTS", _SHORT))
    seed = int(os.environ.get("MPBENCH_SEED", "1"))
    done = inject(tmp_path, list(drawn([*EXPECTED, *SLOW], count, seed)))

    assert count == len(done)
    print(f"\nseed {seed}\n{check(tmp_path, done)}")
