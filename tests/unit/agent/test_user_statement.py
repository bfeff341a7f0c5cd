"""A statement of the user's as a workload."""

from __future__ import annotations

import multiprocessing
import sys

import pytest

from mpbench.agent import user_statement as module
from mpbench.agent.user_statement import user_statement
from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.model import Case


@pytest.fixture(autouse=True)
def no_global_start_method(monkeypatch):
    """Keep the start method of the tests."""
    monkeypatch.setattr(module.multiprocessing, "set_start_method", lambda *_, **__: None)


def entered(code, setup=""):
    """Return the set-up of a statement."""
    case = Case.make(user_statement.name, None, {"code": code, "setup": setup})
    return user_statement.set_up(multiprocessing.get_context("fork"), case)


def test_a_statement_runs_as_often_as_asked_after_one_set_up():
    """The set-up's names are its own, and it may assign them again."""
    calls: list[int] = []
    setup = "import sys\nseen = sys.mpbench_seen\nn = 0"
    sys.mpbench_seen = calls
    try:
        with entered("n += 1\nseen.append(n)", setup) as body:
            assert 3 == body(3)
            assert 2 == body(2)
    finally:
        del sys.mpbench_seen

    # Once before anything is timed.
    assert [1, 2, 3, 4, 5, 6] == calls


@pytest.mark.parametrize(
    ("code", "setup", "kind", "message"),
    [
        ("1 +", "", UnsupportedError, "invalid syntax"),
        ("pass", "for", UnsupportedError, "invalid syntax"),
        ("1 / 0", "", WorkloadError, "ZeroDivisionError"),
        ("x", "import nothing_of_that_name", WorkloadError, "nothing_of_that_name"),
    ],
)
def test_what_cannot_run_says_why(code, setup, kind, message):
    """Before anything is timed."""
    with pytest.raises(kind, match=message), entered(code, setup):
        pass
