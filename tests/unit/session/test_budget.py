"""How seconds become samples and rounds."""

from __future__ import annotations

from mpbench.session.budget import Budget


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


def test_fewer_than_eight_agents_are_never_accepted() -> None:
    """A budget that is used up stops a run only after eight rounds."""
    budget = Budget(10.0, rounds=12, samples=1)
    stops = []
    for number in range(9):
        stops.append(budget.next(3.0 * number).stop)
        budget.measured(3.0, 1.0, 1)

    assert [False] * 8 + [True] == stops


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
