"""How long a comparison takes, and budgets that hold nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mpbench.analysis.verdict import DecisionRules
from mpbench.errors import UsageError
from mpbench.model import Case, StartMethod
from mpbench.session.comparing.estimate import comparison_estimate


def _side(python: str, method: StartMethod = StartMethod.FORK) -> SimpleNamespace:
    """Return an arm of a user's function."""
    case = Case.make("user/function", method, {"target": "jobs:job"})
    return SimpleNamespace(
        arm=f"python={python},call=jobs:job", subject=SimpleNamespace(key=python), case=case
    )


PAIRS = [SimpleNamespace(refused=None, sides=(_side("here"), _side("here")))] * 3 + [
    SimpleNamespace(refused="no fork here")
]


def test_an_estimate_spans_the_first_and_the_last_look() -> None:
    """Refused pairs take no time; a budget ends it earlier."""
    rules = DecisionRules(looks=(8, 32))

    assert "3 pairs, about 12 s to 48 s" == comparison_estimate(PAIRS, rules, None)
    assert "3 pairs, about 12 s to 20 s" == comparison_estimate(PAIRS, rules, 20.0)


def test_a_budget_without_a_first_look_is_refused() -> None:
    """It would say nothing; the message has what is needed."""
    with pytest.raises(UsageError, match=r"first look at 3 pairs .* at least --budget 12s"):
        comparison_estimate(PAIRS, DecisionRules(looks=(8, 32)), 5.0)


def test_two_differences_in_one_are_named() -> None:
    """Interpreters with other defaults: what splits the difference is an arm to copy."""
    sides = (_side("3.13"), _side("3.15", StartMethod.FORKSERVER))
    text = comparison_estimate([SimpleNamespace(refused=None, sides=sides)], DecisionRules(), None)

    assert "python=3.15,call=jobs:job starts processes by forkserver" in text
    assert "--arm 'python=3.15,call=jobs:job,method=fork'" in text
    third = SimpleNamespace(refused=None, sides=(sides[0], _side("3.15")))
    pairs = [SimpleNamespace(refused=None, sides=sides), third]
    assert "starts" not in comparison_estimate(pairs, DecisionRules(), None)
    assert "starts" not in comparison_estimate(PAIRS, DecisionRules(), None)
