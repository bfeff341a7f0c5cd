"""Which workloads have agents for themselves, and that they keep to what that is for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mpbench.catalog import discover
from mpbench.errors import UnsupportedError
from mpbench.model import Case, StartMethod
from mpbench.workloads.process import starts

CATALOGUE = discover()


def test_floors_that_fork_are_alone() -> None:
    """What other floors leave in memory would make each of their forks dearer."""
    names = ("os-fork-wait", "os-fork-at-rss", "exit-to-wait", "os-kill-wait")

    assert dict.fromkeys(names, True) == {
        name: CATALOGUE[f"floor/{name}"].own_agent for name in names
    }


def test_what_is_compared_with_a_bare_fork_is_as_fresh() -> None:
    """Where the floor is a fork, the family is one of starts or each set-up is alone."""
    assert [] == [
        name
        for name, one in CATALOGUE.items()
        if "floor/os-fork-wait" in one.floor_names and one.family != "process" and not one.own_agent
    ]


def held_by_an_agent(code: str = "") -> set[str]:
    """Return the modules that an agent holds with the workloads of starts, after some code."""
    script = f"""
import sys
import mpbench.agent.serve
from mpbench.catalog import find
one = find("mpbench.workloads.process.starts", "process/start-by-imports")
{code}
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True
    )
    return set(done.stdout.split())


def test_what_a_child_shall_import_is_not_in_the_agent() -> None:
    """A forked child pays for every module of the case, because its parent has none of them."""
    wanted = {name for names in starts._IMPORTS.values() for name in names}

    assert set() == wanted & held_by_an_agent()


def test_asking_whether_modules_are_there_imports_none() -> None:
    """The look for the modules of the large case leaves the agent as it was."""
    asked = """
from mpbench.model import Case, StartMethod
params = {"imports": "large", "preload": False}
assert one.unsupported(Case.make(one.name, StartMethod.FORK, params)) is None
"""

    assert {"http", "xml", "unittest", "concurrent"}.isdisjoint(held_by_an_agent(asked))


def test_a_preload_does_not_meet_the_case_without() -> None:
    """Each case has an agent of its own: what is imported in one stays there."""
    assert CATALOGUE["process/start-by-imports"].own_agent


def test_a_fork_that_would_import_nothing_is_refused() -> None:
    """Where the parent holds a module of the case, the case is unsupported and says which."""
    with pytest.raises(UnsupportedError, match="this interpreter holds pytest already"):
        starts._preload_here(("json.never", "pytest"), preload=False)


def test_what_the_controller_holds_refuses_no_case() -> None:
    """The controller asks too whether a case can run, and holds more than an agent."""
    one = CATALOGUE["process/start-by-imports"]
    case = Case.make(one.name, StartMethod.FORK, {"imports": "common", "preload": False})

    assert {"dataclasses", "logging", "argparse"} <= set(sys.modules)
    assert one.unsupported(case) is None
