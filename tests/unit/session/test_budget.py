"""How seconds become samples and rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpbench.catalog import discover
from mpbench.harness.schedule import CaseGroup, SetUpGroup
from mpbench.model import Case, StartMethod
from mpbench.plan import Plan
from mpbench.session.budget import Budget, estimate_run, repetitions_text


def test_the_first_round_takes_the_fewest_samples() -> None:
    """Nothing is known yet about what a round costs."""
    assert (1, False) == tuple(Budget(60.0, rounds=8, samples=1).next(0.0))


def test_time_to_spare_becomes_samples() -> None:
    """A round of 2 s, of which 1 s is sampling, leaves room for more samples in 60 s."""
    budget = Budget(60.0, rounds=8, samples=1)
    budget.measured(2.0, 1.0, 1)

    assert 5 == budget.next(2.0).samples


def test_a_tight_budget_keeps_the_fewest() -> None:
    """Nothing is added when the rounds just fit."""
    budget = Budget(16.0, rounds=8, samples=1)
    budget.measured(2.0, 1.0, 1)

    assert (1, False) == tuple(budget.next(2.0))


def test_more_samples_do_not_pass_for_overhead() -> None:
    """What the last round spent on added samples is not counted as fixed cost."""
    budget = Budget(60.0, rounds=8, samples=1)
    budget.measured(6.0, 5.0, 5)

    assert 5 == budget.next(6.0).samples


def test_nothing_starts_after_the_budget() -> None:
    """A budget is a limit, however few repetitions it holds."""
    budget = Budget(10.0, rounds=12, samples=1)
    stops = []
    for number in range(5):
        stops.append(budget.next(3.0 * number).stop)
        budget.measured(3.0, 1.0, 1)

    assert [False] * 4 + [True] == stops
    assert [False, True] == [budget.is_used_up(9.9), budget.is_used_up(10.0)]


def test_a_loaded_machine_leaves_time_for_the_report() -> None:
    """The reserve is kept as many times as a CPU was slower, on average."""
    budget = Budget(44.0, rounds=8, samples=1, reserve_s=8.0)
    limits = []
    for slowdown in (1.0, 3.0, 2.0, 100.0):
        budget.slow_down(slowdown)
        limits.append(budget.seconds)

    assert [44.0, 36.0, 36.0, 5.0] == limits


def test_a_budget_of_the_user_is_not_shortened() -> None:
    """What a user gives is measuring time alone."""
    budget = Budget(30.0, rounds=8, samples=1)
    budget.slow_down(5.0)

    assert 30.0 == budget.seconds


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((3, 3), "3 of 8 repetitions"),
        ((3, 4), "3 to 4 of 8 repetitions"),
        ((0, 1, 0), "0 to 1 of 8 repetitions; 2 of 3 cases were not reached"),
    ],
)
def test_what_a_budget_held_is_said(counts, text) -> None:
    """The fewest and the most repetitions, and what has none."""
    assert text == repetitions_text(counts, 8)


def test_an_estimate_grows_with_what_is_asked_for() -> None:
    """Repetitions, samples and their length each add to it; one round is the least."""
    catalogue = discover()
    one = catalogue["pipe/round-trip"]
    case = Case.make(one.name, StartMethod.FORK, {"payload_bytes": 64})
    group = CaseGroup("3.11", "pipe", (SetUpGroup(one, StartMethod.FORK, (case,)),))
    plan = Plan(repetitions=2, samples=1, sample_ns=10_000_000)
    base = estimate_run(plan, (group,))

    assert base.least_s < base.all_s
    assert base.all_s < estimate_run(replace(plan, repetitions=3), (group,)).all_s
    assert base.all_s < estimate_run(replace(plan, samples=2), (group,)).all_s
    assert base.all_s < estimate_run(replace(plan, sample_ns=20_000_000), (group,)).all_s
    assert base.least_s < estimate_run(plan, (group, group)).least_s


def test_no_budget_never_stops() -> None:
    """Without a budget everything that was asked for is measured."""
    budget = Budget(None, rounds=2, samples=3)
    budget.measured(1_000.0, 900.0, 3)

    assert (3, False) == tuple(budget.next(1_000.0))


def test_the_rest_is_estimated_from_what_was_done() -> None:
    """After one of four rounds in 10 s, 30 s remain."""
    budget = Budget(None, rounds=4, samples=1)
    budget.measured(10.0, 1.0, 1)

    assert 30.0 == budget.remaining_s(10.0, 0, 5)
