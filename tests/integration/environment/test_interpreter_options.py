"""Options of an arm's interpreter, in the interpreter that runs the tests."""

from __future__ import annotations

import sys

import pytest

from mpbench.environment import describe_interpreter
from mpbench.errors import UsageError
from mpbench.harness.interpreter import Interpreter
from mpbench.session.comparing.interpreter_options import with_options
from mpbench.session.interpreters import InterpreterInfo


@pytest.fixture(scope="module")
def info():
    """Return the running interpreter."""
    facts = describe_interpreter(sys.executable)
    return InterpreterInfo(Interpreter("here", sys.executable, "nowhere"), facts)


def test_flags_are_passed_on_and_named(info):
    """They are words as in a shell, and a fact."""
    made = with_options(info, {"flags": "-X 'dev' -O", "workers": "2"})

    assert ("-X", "dev", "-O") == made.subject.options
    assert "here flags=-X 'dev' -O" == made.subject.key
    assert "flags=-X 'dev' -O" == made.facts["options"]


def test_without_options_the_interpreter_stays_the_same(info):
    """Arms that share an interpreter are recognised by that."""
    assert info is with_options(info, {"workers": "2"})


@pytest.mark.parametrize("given", [{"flags": "--nonsense"}, {"flags": "-X 'a"}, {"jit": "1"}])
def test_what_the_interpreter_does_not_know_is_refused(info, given):
    """The message says what is asked for."""
    if "jit" in given and info.facts["jit"] is not None:
        pytest.skip("this interpreter has a JIT")

    with pytest.raises(UsageError, match=next(iter(given))):
        with_options(info, given)


def test_a_switch_that_has_no_effect_is_refused(info):
    """An interpreter that always has the GIL is not measured as one without it."""
    if info.facts["free_threaded"]:
        assert with_options(info, {"gil": "1"}).facts["gil"]
        assert not with_options(info, {"gil": "0"}).facts["gil"]
    else:
        with pytest.raises(UsageError, match="gil=0"):
            with_options(info, {"gil": "0"})
