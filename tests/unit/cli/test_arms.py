"""How `--arm` and `--arms` are read."""

from __future__ import annotations

import click
import pytest

from mpbench.cli.arms import arms_of
from mpbench.errors import UsageError
from mpbench.harness.interpreter import Interpreter
from mpbench.model import StartMethod
from mpbench.session.comparing.arms import with_default_methods, with_names
from mpbench.session.interpreters import InterpreterInfo


def test_arms_is_short_for_two_methods():
    """`--arms fork,spawn` is two arms named by their methods."""
    arms = with_names(arms_of((), "fork,spawn"))

    assert ["fork", "spawn"] == [arm.name for arm in arms]
    assert [StartMethod.FORK, StartMethod.SPAWN] == [arm.method for arm in arms]


def test_an_arm_may_fix_several_things():
    """Keys of arms and parameters of workloads stand side by side, values are typed."""
    text = "call=pkg.mod:f,method=fork,rev=HEAD~1,python=3.13,size=64KiB,fast=true"
    (arm,) = arms_of((text,), None)

    assert ("pkg.mod:f", "HEAD~1", "3.13") == (arm.call, arm.rev, arm.python)
    assert {"size": 65536, "fast": True} == arm.params


def test_arms_with_several_keys_keep_their_whole_text():
    """Their names must tell them apart."""
    arms = with_names(arms_of(("method=fork,workers=1", "method=fork,workers=4"), None))

    assert ["method=fork,workers=1", "method=fork,workers=4"] == [arm.name for arm in arms]


def test_different_keys_keep_their_keys():
    """`fork` beside `4` would not say what they are."""
    arms = with_names(arms_of(("workers=4",), "fork"))

    assert ["method=fork", "workers=4"] == [arm.name for arm in arms]


def test_equal_arms_get_different_names():
    """Records of an arm and of its twin must not be mixed up."""
    arms = with_names(arms_of((), "fork,fork,fork"))

    assert ["fork", "fork #2", "fork #3"] == [arm.name for arm in arms]


def test_an_arm_may_have_a_sampler():
    """It has none unless it says so."""
    assert [False, True] == [arm.sample for arm in arms_of(("sample=off", "sample=on"), None)]
    assert not arms_of(("method=fork",), None)[0].sample


@pytest.mark.parametrize(
    "text",
    ["fork", "method=", "=fork", "method=fork,method=spawn", "method=thread", "sample=yes", ""],
)
def test_what_is_no_arm_is_refused(text):
    """The message shows the text."""
    with pytest.raises(click.BadParameter):
        arms_of((text,), None)


def test_the_default_start_method_is_an_arm_that_names_it():
    """Which method it is depends on the interpreter of the arm."""
    texts = ("python=3.13,method=default", "method=default", "method=spawn")
    arms = with_names(arms_of(texts, None))
    facts = [{"default_start_method": name} for name in ("fork", "forkserver", "fork")]
    places = [InterpreterInfo(Interpreter("a", "b", "c"), fact) for fact in facts]
    named = with_default_methods(arms, places)

    assert [
        "python=3.13,method=default (fork)",
        "method=default (forkserver)",
        "method=spawn",
    ] == [arm.name for arm in named]
    assert ["fork", "forkserver", "spawn"] == [arm.method.value for arm in named]
    (short, _) = with_default_methods(with_names(arms_of((), "default,spawn")), places[:2])
    assert "default (fork)" == short.name


def test_options_of_the_interpreter_are_arms_that_keep_their_keys():
    """`0` beside `1` would not say what they are."""
    arms = with_names(arms_of(("gil=0", "gil=1"), None))

    assert ["gil=0", "gil=1"] == [arm.name for arm in arms]
    assert {"gil": "0"} == arms[0].overrides


def test_one_arm_is_no_comparison():
    """The message says how to give two."""
    with pytest.raises(UsageError, match="--arm twice"):
        with_names(arms_of((), "fork"))


@pytest.mark.parametrize(
    ("text", "code", "setup", "method"),
    [
        ("code=sorted(x, key=abs)", "sorted(x, key=abs)", "n", None),
        ("code=f(1,method=2),method=spawn", "f(1,method=2)", "n", StartMethod.SPAWN),
        (
            "code=a, b = 1, 2,setup=c = {'d,method=': 1}",
            "a, b = 1, 2",
            "c = {'d,method=': 1}",
            None,
        ),
        ("method=fork,code=x == y,method == z", "x == y,method == z", "n", StartMethod.FORK),
        ("code='a,method=b'", "'a,method=b'", "n", None),
    ],
)
def test_a_statement_may_hold_commas_quotes_and_brackets(text, code, setup, method):
    """A comma separates where a key follows it outside of quotes and brackets."""
    (arm,) = arms_of((text,), None, "n")

    assert (code, setup, method) == (arm.code, arm.setup, arm.method)
