"""Tests of the scaling fits, with curves whose parameters are known."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import optimize

from mpbench.analysis import scaling
from mpbench.analysis.scaling import Fit, Refusal, expanded_level, scaling_of

COUNTS = (1, 2, 3, 4, 6, 8)


def law(workers, contention, coherency, rate=100.0):
    """Return the throughput of the USL."""
    return rate * workers / (1 + contention * (workers - 1) + coherency * workers * (workers - 1))


def sweep(contention, coherency, *, counts=COUNTS, noise=0.0, agents=8, seed=1):
    """Return throughputs of agents that follow the law with noise."""
    drawn = random.Random(seed)
    return {
        n: [law(n, contention, coherency) * math.exp(drawn.gauss(0, noise)) for _ in range(agents)]
        for n in counts
    }


@pytest.mark.parametrize(
    ("contention", "coherency"), [(0.05, 0.01), (0.0, 0.02), (0.3, 0.0), (0.0, 0.0)]
)
def test_a_noiseless_law_is_found_again(contention, coherency):
    """The USL fit returns the coefficients that made the points."""
    fit = scaling_of(sweep(contention, coherency)).usl

    assert isinstance(fit, Fit)
    assert contention == pytest.approx(fit.contention.value, abs=1e-9)
    assert coherency == pytest.approx(fit.coherency.value, abs=1e-9)
    assert max(abs(one) for one in fit.residuals) < 1e-9


def test_the_best_worker_count_is_where_the_law_peaks():
    """N* is sqrt((1 - contention) / coherency), infinite without coherency."""
    peaked, endless = scaling_of(sweep(0.04, 0.01)).usl, scaling_of(sweep(0.04, 0.0)).usl

    assert isinstance(peaked, Fit)
    assert isinstance(endless, Fit)
    assert math.sqrt(0.96 / 0.01) == pytest.approx(peaked.best_workers.value, rel=1e-6)
    assert math.isinf(endless.best_workers.value)


@pytest.mark.parametrize("contention", [0.05, 0.95, 1.9])
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("law_name", ["USL", "Amdahl"])
def test_the_fit_agrees_with_scipy_in_its_bounds(seed, contention, law_name):
    """The enumerated edges give what a general bounded solver gives."""
    model = {"USL": scaling._USL, "Amdahl": scaling._AMDAHL}[law_name]
    rates = sweep(contention, 0.001, noise=0.1, agents=1, seed=seed)
    workers = np.array(COUNTS, float)
    speed_ups = np.array([rates[n][0] / rates[1][0] for n in COUNTS])
    efficiency = speed_ups / workers
    matrix = np.stack([workers - 1, workers * (workers - 1)], axis=1) * efficiency[:, None]
    matrix, bounds = (matrix, [1, np.inf]) if model.has_coherency else (matrix[:, :1], [1])
    expected = optimize.lsq_linear(matrix, 1 - efficiency, (0, bounds), tol=1e-12).x
    found = np.array([one[0] for one in scaling._solve(model, workers, speed_ups[np.newaxis])])

    assert expected == pytest.approx(found[: len(bounds)], abs=1e-5)


def test_what_every_worker_makes_slower_has_no_serial_share_above_one():
    """Amdahl's law knows no throughput that falls."""
    found = scaling_of(sweep(1.9, 0.0, noise=0.01))

    assert isinstance(found.amdahl, Refusal)
    assert found.points[-1].speed_up.value < 1
    assert not isinstance(found.usl, Fit) or found.usl.contention.value <= 1


def test_fewer_than_five_worker_counts_have_points_and_no_curve():
    """A curve through four counts is refused, the points stay."""
    found = scaling_of(sweep(0.1, 0.0, counts=(1, 2, 3, 4)))

    assert 4 == len(found.points)
    assert isinstance(found.usl, Refusal)
    assert "4 worker counts" in found.usl.reason


def test_super_linear_speed_up_is_refused():
    """Points above the ideal line are not explained by a negative contention."""
    rates = {n: [100.0 * n**1.3 * (1 + 0.001 * k) for k in range(8)] for n in COUNTS}
    found = scaling_of(rates)

    assert isinstance(found.usl, Refusal)
    assert "more than linear" in found.usl.reason


def test_a_kink_at_the_cpus_is_no_amdahl_curve():
    """A curve that misses the points is refused and says where."""
    rates = {n: [100.0 * min(n, 2)] * 8 for n in (1, 2, 4, 8, 16, 32)}
    found = scaling_of(rates)

    assert isinstance(found.amdahl, Refusal)
    assert "misses the points" in found.amdahl.reason


def test_a_point_that_surely_misses_the_curve_refuses_it():
    """Linear to two CPUs and flat beyond is no USL, even if the misfit is small on average."""
    rates = {n: [100.0 * min(n, 2) * (1 + 0.001 * k) for k in range(8)] for n in COUNTS}
    found = scaling_of(rates)

    assert isinstance(found.usl, Refusal)
    assert "contradicts the point" in found.usl.reason


def test_only_counts_within_the_cpus_are_fitted_where_they_suffice():
    """Oversubscribed points stay points and do not bend the fit."""
    rates = sweep(0.05, 0.0) | {16: [law(8, 0.05, 0.0)] * 8}
    fit = scaling_of(rates, cpus=8).usl

    assert isinstance(fit, Fit)
    assert COUNTS == fit.counts
    assert 0.05 == pytest.approx(fit.contention.value)


def test_without_one_worker_there_is_no_speed_up():
    """Speed-up is against one worker, so it is absent and the fit is refused."""
    found = scaling_of(sweep(0.1, 0.0, counts=(2, 3, 4, 6, 8)))

    assert found.points[0].speed_up is None
    assert isinstance(found.usl, Refusal)


@pytest.mark.parametrize("agents", [1, 2, 5])
def test_fewer_than_six_agents_have_no_interval(agents):
    """The smallest and the largest of five hold the median in 94 % of sweeps at the most."""
    found = scaling_of(sweep(0.1, 0.01, noise=0.02, agents=agents))

    assert {None} == {one.rate.low for one in found.points}
    assert {None} == {one.speed_up.high for one in found.points}
    assert isinstance(found.usl, Refusal if agents < 3 else Fit)


def test_intervals_hold_their_estimate_and_one_agent_has_none():
    """Every interval contains its value; a single agent gives no interval."""
    found = scaling_of(sweep(0.1, 0.01, noise=0.02))
    single = scaling_of(sweep(0.1, 0.01, agents=1))

    for point in found.points:
        assert point.speed_up.low <= point.speed_up.value <= point.speed_up.high
    assert isinstance(found.usl, Fit)
    low, high = found.usl.contention.low, found.usl.contention.high
    assert low <= found.usl.contention.value <= high
    assert single.points[1].rate.low is None
    assert isinstance(single.usl, Refusal)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Over 100 seeded sweeps the 95 % interval of the contention holds the truth."""
    held = 0
    for seed in range(100):
        fit = scaling_of(sweep(0.2, 0.01, noise=0.03, seed=seed)).usl
        assert isinstance(fit, Fit)
        held += fit.contention.low <= 0.2 <= fit.contention.high

    assert held >= 90


def test_equal_input_gives_equal_output():
    """The bootstrap is seeded, so a report can be reproduced byte for byte."""
    rates = sweep(0.1, 0.01, noise=0.05)

    assert scaling_of(rates) == scaling_of(rates)


def test_scaling_all_throughputs_scales_nothing_but_the_rate():
    """Speed-up and coefficients do not depend on the unit."""
    rates = sweep(0.1, 0.01, noise=0.05)
    more = {n: [7 * value for value in values] for n, values in rates.items()}
    one, other = scaling_of(rates).usl, scaling_of(more).usl

    assert isinstance(one, Fit)
    assert isinstance(other, Fit)
    assert one.contention.value == pytest.approx(other.contention.value)
    assert 7 * one.rate_one == pytest.approx(other.rate_one)


def test_a_throughput_of_zero_is_refused_loudly():
    """A worker count that reached nothing is a failed case, not a point."""
    with pytest.raises(ValueError, match="positive"):
        scaling_of({1: [1.0], 2: [0.0]})


def test_the_widened_tail_is_that_of_the_t_interval():
    """With 8 agents the tail is about 0.6 %, with many it is 2.5 %."""
    assert 0.0057 == pytest.approx(expanded_level(8), abs=2e-4)
    assert 0.025 == pytest.approx(expanded_level(100_000), abs=1e-4)
