"""Each of the 25 questions is answered by workloads, facts and values that runs really have."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from mpbench.catalog import cases_of, discover
from mpbench.model import Case, Tier
from mpbench.model import StartMethod as Method

ROOT = Path(__file__).parent.parent.parent
CATALOGUE = discover()


def _questions() -> ModuleType:
    path = ROOT / "tests" / "agreement" / "questions.py"
    found = importlib.util.spec_from_file_location("questions", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


ASKED = _questions()


def _cases(name: str) -> tuple[Case, ...]:
    """Return the cases that the commands in the table's head measure of a workload."""
    one, extra = CATALOGUE[name], ASKED.EXTRA
    if name in extra.workloads:
        chosen = dict(extra.params)
        methods = (Method(extra.method),)
        return cases_of(one, tier=Tier.FULL, cpus=2, methods=methods, chosen=chosen)
    if one.tier is Tier.FULL:
        return ()
    return cases_of(one, tier=Tier.STANDARD, cpus=2, methods=tuple(Method))


def _has(case: Case, part: tuple[str, str, str, str, tuple[tuple[str, object], ...]]) -> bool:
    _, _, method, _, params = part
    given = dict(case.params)
    own = "" if case.method is None else case.method.value
    return method in {"", own} and all(str(given.get(n)) == str(v) for n, v in params)


def test_there_are_all_of_them() -> None:
    """None of the questions was dropped because it is hard."""
    assert 25 == len(ASKED.QUESTIONS)


@pytest.mark.parametrize("number", range(25))
def test_the_commands_measure_every_figure(number: int) -> None:
    """Workload, fact, start method and values of each figure are in one of the two runs."""
    parts = ASKED.QUESTIONS[number].parts
    lost = [
        part
        for part in parts
        if (part.fact and part.fact not in CATALOGUE[part.workload].facts)
        or not any(_has(case, part) for case in _cases(part.workload))
    ]

    assert [] == lost


@pytest.mark.parametrize("number", range(25))
def test_named_workloads_exist(number: int) -> None:
    """What a question points to is in the catalogue, and so is what its figures show."""
    question = ASKED.QUESTIONS[number]
    named = set(re.findall(r"`([a-z]+/[^`]+)`", question.workloads))

    assert set() == named - set(CATALOGUE)
    assert {part.workload for part in question.parts} & named
