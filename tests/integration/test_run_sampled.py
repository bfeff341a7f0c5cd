"""A run with a sampler: what it saw of real processes stands in the record."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpbench.model import StartMethod
from mpbench.model.sampled import PARENT, WORKER
from mpbench.plan import Plan, Sampling
from mpbench.session.progress import NullProgress
from mpbench.session.run import run

POOL = Plan(
    select=("pool/strong-scaling",),
    params={"workers": (2,), "call": ("map",)},
    repetitions=2,
    sample_ns=1_000_000,
    sample=Sampling.ON,
)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("method", StartMethod)
def test_the_workers_of_a_pool_are_seen(tmp_path: Path, method: StartMethod) -> None:
    """Under every start method: one parent, two workers that used CPU time, never less of it."""
    measured = run(POOL.override(methods=(method,)), folder=tmp_path, progress=NullProgress())
    watched = [one for one in measured.run.repetitions if one.case.family == "pool"]

    assert watched
    for one in watched:
        assert one.sampled is not None
        tracks = one.sampled.tracks
        assert 1 == sum(track.role == PARENT for track in tracks)
        assert 2 == sum(track.role == WORKER for track in tracks)
        assert list(one.sampled.at_ns) == sorted(set(one.sampled.at_ns))
        assert 0 < one.sampled.own_cpu_ns < one.sampled.watched_ns
        for track in tracks:
            known = [value for value in track.cpu_ns if value is not None]
            assert known == sorted(known)
            assert track.role != WORKER or known[-1] > known[0]


@pytest.mark.usefixtures("nothing_left")
def test_short_operations_are_not_watched_by_default(tmp_path: Path) -> None:
    """A round trip takes microseconds; the accounting needs no sampler."""
    plan = Plan(
        select=("pipe/round-trip",),
        methods=(StartMethod.FORK,),
        params={"payload_bytes": (64,)},
        repetitions=2,
        sample_ns=1_000_000,
    )
    measured = run(plan, folder=tmp_path, progress=NullProgress())

    assert {None} == {one.sampled for one in measured.run.repetitions}
    assert all(one.account and one.account.cpu_coverage is None for one in measured.run.repetitions)


@pytest.mark.usefixtures("nothing_left")
def test_long_operations_are_watched_from_the_second_agent_on(tmp_path: Path) -> None:
    """The first agent says how long a call takes."""
    plan = POOL.override(methods=(StartMethod.FORK,), sample=Sampling.AUTO)
    measured = run(plan, folder=tmp_path, progress=NullProgress())
    ours = [one for one in measured.run.repetitions if one.case.family == "pool"]

    assert [False, True] == [one.sampled is not None for one in ours]


@pytest.mark.usefixtures("nothing_left")
def test_the_doctor_travels_with_every_result(tmp_path: Path) -> None:
    """Each finding has its level, its reason and its remedy."""
    measured = run(
        POOL.override(methods=(StartMethod.FORK,), verify=True),
        folder=tmp_path,
        progress=NullProgress(),
    )
    findings = measured.run.header.environment["doctor"]

    assert len(findings) > 10
    assert all({"key", "level", "subject", "found", "reason", "remedy"} == set(f) for f in findings)
