"""Every workload under every start method: its body does what it says and nothing is left."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mpbench.catalog import cases_of, discover, verifying
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.repetitions import GroupResult, MeasurementSettings, measure_group
from mpbench.harness.schedule import group_cases
from mpbench.model import StartMethod, Status, Tier
from mpbench.plan import Sharing

METHODS = tuple(StartMethod)
CATALOGUE = discover()


def verify(
    subject: Interpreter, folder: Path, names: list[str], method: StartMethod
) -> list[GroupResult]:
    """Run every body of some workloads once, with the smallest numbers and all words."""
    cases = [
        case
        for name in names
        for case in cases_of(
            CATALOGUE[name],
            tier=Tier.FULL,
            cpus=2,
            methods=(method,),
            chosen=verifying(CATALOGUE[name], 2),
        )
    ]
    effort = MeasurementSettings(0, 1, 1_000_000, 20, {}, verify=True)
    results: list[GroupResult] = []
    with closing(AgentFactory(folder)) as agents:
        for group in group_cases(["here"], {"here": cases}, CATALOGUE, sharing=Sharing.ALL):
            results += measure_group(
                subject, group, effort, agents=agents, origin_ns=0, keep=lambda _: None
            )
    return results


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("family", sorted({one.family for one in CATALOGUE.values()}))
def test_a_family_does_what_it_says(
    subject: Interpreter, tmp_path: Path, family: str, method: StartMethod
) -> None:
    """Each case of each workload is verified, and leaves no process, thread, segment or file."""
    names = [
        name
        for name, one in CATALOGUE.items()
        if one.family == family and (one.by_method or method is StartMethod.FORK)
    ]
    results = verify(subject, tmp_path, names, method)
    good = {Status.OK, Status.UNSUPPORTED}

    assert [] == [
        f"{one.case.id}: {one.reason}"
        for result in results
        for one in result.repetitions
        if one.status not in good
    ]
    assert [] == [text for result in results for text in result.leaks]
    assert [] == [
        name
        for result in results
        if result.ending is not None
        for name in result.ending.report.get("ended", ())
    ]
    assert [] == list(tmp_path.iterdir())
