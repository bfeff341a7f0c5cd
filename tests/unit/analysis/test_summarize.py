"""What a summary says about each reading, and about those that there are none of."""

import math
import random

import fakes
import numpy as np
import pytest

from mpbench.analysis import stats
from mpbench.analysis.summarize import bounds, summarize
from mpbench.model import Metric, Sample, Status


@pytest.fixture(scope="module")
def table():
    """Return the summaries of one made-up run."""
    return summarize([fakes.run()])


def _run(records, repetitions):
    return fakes.run(agents=1)._replace(
        cases=tuple(records), repetitions=tuple(repetitions), events=()
    )


def _one(values_by_agent, **changes):
    record = fakes.case_record(metric=Metric.TIME, **changes)
    repetitions = [
        fakes.repetition(record.case, number, values)
        for number, values in enumerate(values_by_agent)
    ]
    return summarize([_run([record], repetitions)]).iloc[0]


def test_bounds_of_many_groups_equal_those_of_one():
    """The vectorised interval is that of `stats.median_interval`, for any number of agents."""
    dice = random.Random(5)
    groups = {
        number: [dice.lognormvariate(0, 1) for _ in range(number + 1)] for number in range(40)
    }
    flat = [(value, group) for group, values in groups.items() for value in values]
    dice.shuffle(flat)

    found = bounds(np.array([v for v, _ in flat]), np.array([g for _, g in flat]))

    for group, values in groups.items():
        row = found.loc[group]
        assert len(values) == row["agents"]
        assert np.median(values) == pytest.approx(row["median"], rel=1e-12)
        assert (min(values), max(values)) == (row["smallest"], row["largest"])
        expected = stats.median_interval(values)
        if expected is None:
            assert math.isnan(row["low"])
            assert math.isnan(row["high"])
        else:
            assert (expected.low, expected.high) == pytest.approx((row["low"], row["high"]))


def test_the_agent_is_the_unit():
    """Many samples of one agent weigh no more than one sample of another."""
    row = _one([(1e-3,) * 50, (2e-3,), (3e-3,)])

    assert 3 == row["agents"]
    assert 52 == row["samples"]
    assert 2e-3 == pytest.approx(row["median"])


def test_an_agent_stands_for_the_median_of_its_samples():
    """One slow sample does not move its agent."""
    row = _one([(1e-3, 2e-3, 90e-3), (2e-3, 2e-3, 1e-3)])

    assert 2e-3 == pytest.approx(row["median"])
    assert 2e-3 == pytest.approx(row["largest"])


@pytest.mark.parametrize(("agents", "has_interval"), [(5, False), (6, True)])
def test_few_agents_give_no_interval(agents, has_interval):
    """Below six agents no order statistics reach 95 %, so none are claimed."""
    row = _one([(1e-3 * (1 + n),) for n in range(agents)])

    assert has_interval == math.isfinite(row["low"])


def test_units_are_base_units(table):
    """Nanoseconds of a file become seconds, rates stay operations per second."""
    main = table[(table["fact"] == "") & (table["method"] == "fork")].set_index("workload")

    assert 0.9e-3 == pytest.approx(main.loc["process/start-to-join", "median"], rel=0.1)
    assert "s" == main.loc["process/start-to-join", "unit"]
    waits = table[table["fact"] == "longest_wait"].iloc[0]
    assert ("waiting", "s") == (waits["metric"], waits["unit"])
    assert 9e-4 == pytest.approx(waits["median"], rel=0.1)


def test_ratio_to_the_floor_is_of_the_same_run(table):
    """A cost is compared with the floor that was measured beside it."""
    fork = table[(table["workload"] == "process/start-to-join") & (table["method"] == "fork")]
    floor = table[table["workload"] == "floor/os-fork-wait"]

    (row,) = fork.to_dict("records")

    assert row["median"] / floor["median"].item() == pytest.approx(row["floor_ratio"])
    assert row["floor_ratio_low"] < row["floor_ratio"] < row["floor_ratio_high"]


def test_ratio_between_start_methods_is_above_one_when_worse():
    """For a rate, half of it is a ratio of two."""
    fork, spawn = (
        fakes.case_record(fakes.case("pool/map", method), metric=Metric.THROUGHPUT)
        for method in ("fork", "spawn")
    )
    repetitions = [
        fakes.repetition(record.case, number, (seconds,))
        for record, seconds in ((fork, 1e-3), (spawn, 2e-3))
        for number in range(8)
    ]

    table = summarize([_run([fork, spawn], repetitions)]).set_index("method")

    assert "fork" == table.loc["spawn", "base"]
    assert 2.0 == pytest.approx(table.loc["spawn", "method_ratio"])
    assert (1.0, 1.0) == tuple(table.loc["fork", ["method_ratio", "method_ratio_high"]])


def test_the_ratio_interval_covers_what_it_claims():
    """Of intervals for the ratio of two equal lognormal costs, about 95 % hold 1."""
    dice = np.random.default_rng(3)
    hits, rounds, agents = 0, 60, 8
    for _ in range(rounds):
        records = [
            fakes.case_record(fakes.case("a/b", method, n=n), metric=Metric.TIME)
            for method in ("fork", "spawn")
            for n in range(20)
        ]
        repetitions = [
            fakes.repetition(record.case, number, (float(np.exp(dice.normal(-7, 0.2))),))
            for record in records
            for number in range(agents)
        ]
        table = summarize([_run(records, repetitions)])
        spawn = table[table["method"] == "spawn"]
        hits += ((spawn["method_ratio_low"] < 1) & (1 < spawn["method_ratio_high"])).sum()

    assert 0.93 < hits / (rounds * 20) < 0.99


def test_quantiles_need_operations_beyond_them(table):
    """The 99.9th percentile is not given where less than five operations lie beyond it."""
    row = table[(table["workload"] == "pipe/round-trip")].iloc[0]

    assert 4_000 == row["observed"]
    assert row["p50"] < row["p90"] < row["p99"]
    assert math.isnan(row["p999"])


def test_a_failed_case_stays_in_the_table(table):
    """A case that gave nothing is a row with status and reason and without a number."""
    rows = table[table["status"] != "ok"].set_index("status")

    assert ["failed", "skipped"] == list(rows.index)
    assert math.isnan(rows.loc["failed", "median"])
    assert "found 511" in rows.loc["failed", "reason"]
    assert "64 MiB" in rows.loc["skipped", "reason"]


def test_some_failures_do_not_hide_the_rest():
    """A case that failed in one of nine agents is judged by the others, and says so."""
    record = fakes.case_record(metric=Metric.TIME)
    good = [fakes.repetition(record.case, n) for n in range(8)]
    bad = fakes.repetition(record.case, 8, status=Status.TIMEOUT, reason="60 s", samples=())

    (row,) = summarize([_run([record], [*good, bad])]).to_dict("records")

    assert ("ok", 8, 9, 1) == (row["status"], row["agents"], row["attempts"], row["failed"])
    assert 1.0 == row["coverage"]


def test_a_fact_that_is_missing_lowers_its_coverage():
    """How many agents had a reading is said for each reading."""
    record = fakes.case_record(
        metric=Metric.TIME, facts={"ready": Metric.TIME, "never": Metric.COUNT}
    )
    repetitions = [
        fakes.repetition(
            record.case, n, samples=(Sample(100, 1, {"ready": 50.0} if n % 2 else {}),)
        )
        for n in range(8)
    ]

    table = summarize([_run([record], repetitions)]).set_index("fact")

    assert (1.0, 0.5, 0.0) == tuple(table.loc[["", "ready", "never"], "coverage"])
    assert ("skipped", "no sample had this reading") == tuple(
        table.loc["never", ["status", "reason"]]
    )


@pytest.mark.parametrize("metric", [Metric.TIME, Metric.THROUGHPUT, Metric.FAIRNESS, Metric.MEMORY])
def test_a_sample_without_an_operation_has_no_reading(metric):
    """Nothing counted in no time is no number, and no error."""
    record = fakes.case_record(metric=metric)
    empty = fakes.repetition(record.case, samples=(Sample(0, 0),))

    (row,) = summarize([_run([record], [empty])]).to_dict("records")

    assert ("failed", 0) == (row["status"], row["agents"])


def test_an_interrupted_run_says_what_was_not_measured():
    """A planned case without a repetition has a reason."""
    (row,) = summarize([_run([fakes.case_record()], [])]).to_dict("records")

    assert ("interrupted", "the run ended before it was measured") == (
        row["status"],
        row["reason"],
    )


def test_a_run_without_cases_gives_an_empty_table():
    """Nothing planned is no error."""
    assert 0 == len(summarize([_run([], [])]))
    assert 0 == len(summarize([]))


def test_keys_do_not_depend_on_the_run():
    """The link to a case stays the same when the same machine is measured again."""
    first = summarize([fakes.run(seed=1)])
    second = summarize([fakes.run(seed=2, run="another")])

    assert list(first["key"]) == list(second["key"])
    assert len(set(first["key"])) == (first["fact"] == "").sum()


def test_bandwidth_counts_a_round_trip_twice(table):
    """A round trip carries its payload there and back."""
    wanted = (table["workload"] == "pipe/round-trip") & (table["param:payload_bytes"] == 65_536)
    row = table[wanted & (table["method"] == "fork")].iloc[0]

    assert 2 * 65_536 / row["median"] == pytest.approx(row["bandwidth"])
