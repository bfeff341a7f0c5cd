"""Tests of computed costs: their intervals, and what cancels when two of them are compared."""

from __future__ import annotations

import math

import pytest

from mpbench.analysis.advise import JobDescription, SupportLevel, advise, settings
from mpbench.analysis.advise.error_propagation import (
    DerivedCost,
    derive,
    exact_cost,
    measured,
    ratio,
    ratio_of,
)
from mpbench.analysis.advise.overhead import job_time, overhead_of, with_payload
from mpbench.analysis.measurements import Measurement
from mpbench.analysis.scaling import Estimate
from mpbench.report.advice import choice_text


def reading(workload, value, spread=0.0, *, method="fork", **params):
    """Return a reading with an interval of so many parts of its value; None is unknown."""
    known = {key: float(one) if isinstance(one, int) else one for key, one in params.items()}
    low, high = (None, None) if spread is None else (value * (1 - spread), value * (1 + spread))
    fact = {"pool/payload": "per_task"}.get(workload, "")
    unit = "op/s" if workload == "pool/strong-scaling" else "s"
    case = f"{workload}[{method}, {known}]"
    return Measurement(
        case, workload, method, known, fact, "time", unit, value, low, high, (value,)
    )


def pools(*, start=0.05, spread=0.3, methods=("fork", "spawn")):
    """Return the start of pools and empty tasks of 10 us and 30 us for each chunk."""
    found = []
    for place, method in enumerate(methods):
        ready = 0.02 * (1 + place)
        found.append(reading("pool/construct-to-ready", ready, start, method=method, workers=2))
        found += [
            reading(
                "pool/task-overhead",
                1e-5 + 3e-5 / size,
                spread,
                method=method,
                call="map",
                chunk_size=size,
                workers=2,
            )
            for size in (1, 8, 32)
        ]
    return found


def asked(readings, **wishes):
    """Return the advice by key."""
    return {one.key: one for one in advise(readings, JobDescription(**wishes), 2)}


def test_a_sum_has_the_uncertainty_of_both_of_its_parts():
    """Half-widths of independent parts add as squares, each side by itself."""
    one, other = DerivedCost(10.0, {"a": (7.0, 12.0)}), DerivedCost(20.0, {"b": (16.0, 21.0)})
    both = derive(lambda mine, others: mine + others, one, other).estimate

    assert pytest.approx((30.0, 25.0, 30.0 + math.sqrt(5))) == tuple(both)


def test_a_sum_with_an_unknown_part_is_unknown():
    """One part without an interval leaves the sum without one."""
    both = derive(lambda mine, others: mine + others, exact_cost(1.0), DerivedCost(2.0, None))

    assert Estimate(3.0, None, None) == both.estimate


def test_what_two_costs_share_cancels_in_their_ratio():
    """Twice the same measurement is twice as much for sure."""
    shared = measured(reading("a/b", 5.0, 0.4))
    twice = derive(lambda one: 2 * one, shared)

    assert pytest.approx((2.0, 2.0, 2.0)) == tuple(ratio(twice, shared))


def test_the_ratio_of_independent_costs_has_both_intervals():
    """Costs that share nothing are compared as estimates are."""
    one, other = measured(reading("a/b", 5.0, 0.4)), measured(reading("a/c", 2.0, 0.1))

    assert pytest.approx(tuple(ratio_of(one.estimate, other.estimate))) == tuple(ratio(one, other))


def test_a_job_has_the_uncertainty_of_its_tasks():
    """Overheads of 10 s +-30 % leave a job of 15 s uncertain by some seconds."""
    found = settings(pools(), JobDescription(task_s=1e-5, tasks=1_000_000), 2)
    fork = next(one for one in found if one.method == "fork")

    assert fork.cost.high - fork.cost.value > 2.5
    assert fork.cost.value - fork.cost.low > 2.5


def test_a_job_is_not_decided_by_an_overhead_that_is_not_known():
    """A pool that takes 2.06 s +-0.3 s may be as good as 2.05 s without one."""
    one = asked(pools(), task_s=2.05e-5, tasks=100_000)["job"]

    assert ("no pool", SupportLevel.OPEN) == (one.choices[0].name, one.standing)
    assert one.answer.startswith("no pool or Pool(2) under fork")


@pytest.mark.parametrize("known", [{"start": None}, {"spread": None}])
def test_a_job_with_an_unknown_part_has_no_interval(known):
    """Neither the start nor the overhead alone makes an interval."""
    found = settings(pools(**known), JobDescription(task_s=1e-3, tasks=1_000), 2)

    assert {Estimate(found[0].cost.value, None, None)} == {found[0].cost}


def test_a_payload_that_all_pools_share_cancels_between_them():
    """The payload is one measurement: uncertain in each job, and no reason to doubt the order."""
    sent = reading("pool/payload", 1e-2, 0.5, direction="in", payload_bytes=1_000)
    sure = [*pools(start=0.01, spread=0.01), sent]
    found = settings(sure, JobDescription(task_s=0.1, tasks=100, payload_bytes=1_000), 2)
    fork, spawn = (one for one in found if one.method)
    between = ratio(spawn.parts, fork.parts)

    assert fork.cost.high - fork.cost.low > 0.9
    assert 1 < between.low <= between.value <= between.high < 1.01


def test_a_payload_brings_its_own_interval():
    """In a chunk of its own a task costs what the payload was measured to cost."""
    sent = reading("pool/payload", 1e-2, 0.1, direction="in", payload_bytes=1_000)
    found = with_payload([sent], overhead_of(pools()[1:4]), 1_000)

    assert pytest.approx((1e-2, 0.9e-2, 1.1e-2)) == tuple(found.at(1).estimate)


def test_the_slow_down_of_tasks_brings_its_own_interval():
    """How tasks slow each other down was measured too, and not exactly."""
    rates = [
        reading("pool/strong-scaling", rate, 0.1, work="memory", workers=workers)
        for workers, rate in ((1, 100.0), (2, 110.0))
    ]
    wishes = JobDescription(task_s=1e-2, tasks=1_000)
    sure = [*pools(start=0.01, spread=0.01), *rates]
    plain = next(one for one in settings(sure, wishes, 2) if one.method)
    slowed = next(one for one in settings(sure, wishes._replace(work="memory"), 2) if one.method)

    assert plain.cost.high - plain.cost.low < 0.02
    assert slowed.cost.high - slowed.cost.low > 1.0


def test_chunk_sizes_share_the_work_and_the_overhead():
    """One overhead stands in both jobs: their ratio is surer than either of them."""
    found = overhead_of(pools()[1:4])
    small, large = (job_time(found, 1e-5, 100_000, 2, size) for size in (256, 1024))
    shared = ratio(small, large)
    apart = ratio_of(small.estimate, large.estimate)

    assert shared.high - shared.low < (apart.high - apart.low) / 10


def test_a_difference_within_what_is_given_away_is_no_clear_one():
    """Chunk sizes that share all that is uncertain differ for sure, by less than it matters."""
    one = asked(pools(spread=0.1), task_s=2e-4, tasks=10_000)["chunk-size"]

    assert SupportLevel.OPEN is one.standing
    assert one.choices[0].name != f"chunk size {one.answer} (advised)"


def test_an_overhead_at_a_measured_chunk_size_has_the_interval_of_that_case():
    """With two chunk sizes the fit goes through both, and each answers for itself."""
    cases = [
        reading("pool/task-overhead", cost, spread, call="map", chunk_size=size)
        for size, cost, spread in ((1, 4e-5, 0.1), (32, 1e-5, 0.3))
    ]
    found = overhead_of(cases)

    assert pytest.approx((4e-5, 3.6e-5, 4.4e-5)) == tuple(found.at(1).estimate)
    assert pytest.approx((1e-5, 0.7e-5, 1.3e-5)) == tuple(found.at(32).estimate)


def test_an_import_that_both_pay_does_not_blur_what_preloading_saves():
    """The forkserver with and without preloading is one measurement."""
    started = [
        reading("process/start-to-join", cost, 0.5, method=method)
        for method, cost in (("forkserver", 0.004), ("spawn", 0.035))
    ]
    one = asked(started, import_s=0.001)["start-method-imports"]

    assert "forkserver with preload" == one.choices[0].name
    assert one.choices[1].ratio.low > 1.1


def test_a_length_that_may_not_be_reached_has_no_upper_end():
    """The interval of the shares misses the level at the end, which is known and not unknown."""
    cells = [
        Measurement(
            f"pool/chunk-surface[{length}, {size}]",
            "pool/chunk-surface",
            "fork",
            {"call": "map", "task_us": length, "chunk_size": size},
            "",
            "efficiency",
            "1",
            share,
            share - 0.1,
            share + 0.04,
            (share,),
        )
        for size in (1.0, 8.0)
        for length, share in ((10.0, 0.3), (1_000.0, 0.95 + size / 1_000))
    ]
    one = asked(cells)["break-even-map"]

    assert math.inf == one.choices[0].cost.high
    assert one.choices[0].cost.low < one.choices[0].cost.value < math.inf
    assert SupportLevel.OPEN is one.standing
    assert "at least" in choice_text(one.choices[1])
