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
from test_faults import EXPECTED, HERE, outcomes, remains

from mpbench.harness.handover import hand_over
from mpbench.harness.launch import Subject
from mpbench.model import Case, Repetition, RunEnd, RunHeader, Status
from mpbench.store.jsonl import Writer, read

_SHORT = 6


def header() -> RunHeader:
    """Return the first line of a campaign's file."""
    started = "2026-01-01T00:00:00+00:00"
    return RunHeader("0" * 16, started, "0.1.0", "here", (), {}, {"here": {}}, {})


@pytest.mark.slow
def test_faults_in_a_row(tmp_path: Path) -> None:
    """Each fault ends clearly and leaves nothing; the file has every record that was kept."""
    count = int(os.environ.get("MPBENCH_FAULTS", _SHORT))
    seed = int(os.environ.get("MPBENCH_SEED", "1"))
    place = hand_over(sys.executable, tmp_path / "handover")
    subject = Subject("here", sys.executable, str(place), (str(HERE),))
    agents = tmp_path / "agents"
    agents.mkdir()
    kept: list[Repetition] = []
    done: list[Injected] = []
    declared: set[Case] = set()
    with Writer(tmp_path / "out") as writer:
        writer.header(header())
        for number, (fault, method) in enumerate(drawn(list(EXPECTED), count, seed)):
            results = outcomes(subject, agents, fault, method)
            bad, good = (one for result in results for one in result.repetitions)
            done.append(judge((fault, method), (bad, good), EXPECTED[fault], remains))
            for record in planned([bad, good]):
                if record.case not in declared:
                    declared.add(record.case)
                    writer.case(record)
            for one in (bad._replace(number=2 * number), good._replace(number=2 * number + 1)):
                writer.repetition(one)
                kept.append(one)
        writer.end(RunEnd(0, Status.OK, None))
    print(f"\nseed {seed}\n{table(done)}")
    found = read(tmp_path / "out").repetitions

    assert count == len(done)
    assert [] == [one for one in done if not one.is_clear]
    assert [] == [one for one in done if one.remains]
    assert len(kept) == len(found)
    assert [one.agent for one in kept] == [one.agent for one in found]
    assert [] == list(agents.iterdir())
