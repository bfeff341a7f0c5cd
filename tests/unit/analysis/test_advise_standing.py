"""Tests of what advice claims: the best for sure, or all that may be the best."""

from __future__ import annotations

from mpbench.analysis.advise.record import Choice, SupportLevel, advice_of
from mpbench.analysis.scaling import Estimate

BEST = Estimate(1.00, 0.99, 1.01)
DEARER = Estimate(1.05, 1.04, 1.06)


def asked(*costs):
    """Return the advice about choices A, B, ... with these costs."""
    choices = [Choice(name, cost, "s", (name,)) for name, cost in zip("ABCD", costs, strict=False)]
    return advice_of("key", "Which?", choices)


def test_an_answer_is_clear_where_every_other_choice_costs_more():
    """All ratios to the best lie above 1 with their intervals."""
    one = asked(BEST, DEARER, Estimate(1.06, 1.05, 1.07))

    assert ("A", SupportLevel.CLEAR) == (one.answer, one.standing)


def test_a_third_choice_that_may_be_the_best_leaves_the_answer_open():
    """The third by median has so wide an interval that it may be the cheapest."""
    one = asked(BEST, DEARER, Estimate(1.06, 0.90, 1.20))

    assert ("A or C", SupportLevel.OPEN) == (one.answer, one.standing)


def test_a_choice_without_an_interval_is_never_beaten_clearly():
    """One other choice that had too few agents is enough to claim nothing."""
    one = asked(BEST, DEARER, Estimate(1.06, None, None))

    assert ("A", SupportLevel.MEASURED) == (one.answer, one.standing)


def test_an_open_answer_names_what_has_no_interval():
    """Where nothing is claimed, a choice of which nothing is known stays in."""
    one = asked(BEST, Estimate(1.01, 0.99, 1.03), DEARER, Estimate(1.06, None, None))

    assert ("A or B or D", SupportLevel.OPEN) == (one.answer, one.standing)


def test_a_cost_without_an_upper_end_may_still_be_the_best():
    """An interval that reaches to infinity is an interval."""
    endless = float("inf")
    one = asked(BEST, Estimate(1.05, 0.98, endless), Estimate(9.0, 8.0, endless))

    assert ("A or B", SupportLevel.OPEN) == (one.answer, one.standing)
