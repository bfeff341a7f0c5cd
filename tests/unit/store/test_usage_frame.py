"""What samplers saw, as a table."""

import fakes
import pytest

from mpbench.model.sampled import CpuSeries, SampledUsage
from mpbench.store.usage_frame import cpu_usage_frame, sampler_cost_frame

MS = 1_000_000
CASE = fakes.case("pool/strong-scaling", None, workers=2, call="map")
SEEN = SampledUsage(
    looks=3,
    late_looks=0,
    own_cpu_ns=2,
    watched_ns=400,
    at_ns=(50 * MS, 60 * MS, 80 * MS),
    tracks=(
        CpuSeries("parent", (1 * MS, 2 * MS, 2 * MS)),
        CpuSeries("worker", (None, 5 * MS, 25 * MS)),
        CpuSeries("worker", (3 * MS, 8 * MS, None)),
        CpuSeries("other", (0, 0, 0)),
    ),
)


def run(*repetitions):
    """Return a run with a scaling case."""
    return fakes.run(agents=1)._replace(
        cases=(fakes.case_record(CASE),), repetitions=tuple(repetitions)
    )


def test_each_pair_of_looks_gives_a_share():
    """Where a process was there at both; fork servers and trackers are no workers."""
    table = cpu_usage_frame([run(fakes.repetition(CASE, 4, sampled=SEEN))])
    rows = [tuple(row) for row in table[["role", "number", "begin_s", "share"]].itertuples(False)]

    assert [
        ("parent", 1, 0.0, pytest.approx(0.1)),
        ("parent", 1, 0.01, 0.0),
        ("worker", 1, 0.01, pytest.approx(1.0)),
        ("worker", 2, 0.0, pytest.approx(0.5)),
    ] == rows
    assert {("pool/strong-scaling", "", "call=map", 2, 4)} == set(
        table[["workload", "method", "params", "workers", "repetition"]].itertuples(False, None)
    )


def test_where_nobody_looked_there_is_an_empty_table():
    """Its columns are there; an older file gives the same."""
    assert 0 == len(cpu_usage_frame([run(fakes.repetition(CASE))]))
    assert "share" in cpu_usage_frame([]).columns
    assert 0 == len(sampler_cost_frame([run(fakes.repetition(CASE))]))


def test_cases_of_one_agent_share_its_price():
    """It is counted once."""
    first = fakes.repetition(CASE, 0, sampled=SEEN, agent=7)
    table = sampler_cost_frame(
        [run(first, first._replace(number=1), first._replace(number=2, agent=8))]
    )

    assert [7, 8] == list(table["agent"])
    assert {0.005} == set(table["own_share"])
