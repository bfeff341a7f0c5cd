"""Which cases arms are compared on."""

from __future__ import annotations

import pytest

from mpbench.agent.user_function import user_function
from mpbench.errors import UsageError
from mpbench.harness.launch import Interpreter
from mpbench.model import Metric, StartMethod, Timing
from mpbench.plan import Plan
from mpbench.session.comparing.arms import Arm, with_names
from mpbench.session.comparing.pairs import PairingInputs, make_pairs
from mpbench.session.interpreters import InterpreterInfo
from mpbench.workload import NoFloor, fixed, workload

FORK = Arm(text="method=fork", method=StartMethod.FORK)
SPAWN = Arm(text="method=spawn", method=StartMethod.SPAWN)


def _declare(name, *, metric=Metric.TIME, by_method=True, timing=Timing.LOOP, facts=None, **sweeps):
    @workload(
        name,
        metric=metric,
        floor=NoFloor("it is a fake"),
        by_method=by_method,
        timing=timing,
        facts=facts,
        **sweeps,
    )
    def fake(context, case):
        del context, case
        yield lambda iterations: iterations

    return fake


CATALOGUE = {
    one.name: one
    for one in (
        _declare(
            "pipe/trip", payload=fixed(64, 4096), form=fixed("bytes"), facts={"first": Metric.TIME}
        ),
        _declare("queue/trip", payload=fixed(64, 4096)),
        _declare("pipe/forms", form=fixed("bytes", "object")),
        _declare("floor/call", by_method=False),
        _declare("lock/rate", metric=Metric.THROUGHPUT, timing=Timing.WINDOW),
    )
}
FACTS = {"start_methods": ["fork", "spawn"], "default_start_method": "fork"}


def place(key="3.11"):
    """Return an interpreter that has two start methods."""
    return InterpreterInfo(Interpreter(key, "python", "folder"), dict(FACTS))


def found(arms, *, select=("pipe/trip",), places=None, **given):
    """Return the pairs of arms on one interpreter."""
    ground = PairingInputs(
        plan=Plan(select=select, methods=given.pop("methods", ())),
        catalogue={**CATALOGUE, user_function.name: user_function},
        cpus=2,
        **given,
    )
    here = place()
    return make_pairs(with_names(arms), places or [here] * len(arms), ground)


def ids(pairs):
    """Return the ids of the two cases of each pair."""
    return [tuple(side.case.id for side in pair.sides) for pair in pairs]


def test_two_methods_are_compared_on_every_case():
    """Everything but the start method is the same on both sides."""
    pairs = found([FORK, SPAWN])

    assert [
        (
            f"pipe/trip[fork, form=bytes, payload={size}]",
            f"pipe/trip[spawn, form=bytes, payload={size}]",
        )
        for size in (64, 4096)
    ] == ids(pairs)
    assert "pipe/trip[form=bytes, payload=64]" == pairs[0].title
    assert ("fork", "spawn") == tuple(side.arm for side in pairs[0].sides)


def test_a_parameter_is_an_arm():
    """Two sizes are compared under every start method, and nothing else varies."""
    arms = [
        Arm(text="payload=64", params={"payload": 64}),
        Arm(text="payload=1", params={"payload": 1}),
    ]

    assert [
        ("pipe/trip[fork, form=bytes, payload=64]", "pipe/trip[fork, form=bytes, payload=1]"),
        ("pipe/trip[spawn, form=bytes, payload=64]", "pipe/trip[spawn, form=bytes, payload=1]"),
    ] == ids(found(arms))


def test_two_workloads_are_compared_where_their_parameters_agree():
    """A parameter that only one of them has does not matter."""
    arms = [
        Arm(text="workload=pipe/trip", workload="pipe/trip"),
        Arm(text="workload=queue/trip", workload="queue/trip"),
    ]
    pairs = found(arms, select=(), methods=(StartMethod.FORK,))

    assert [
        "pipe/trip / queue/trip[fork, payload=64]",
        "pipe/trip / queue/trip[fork, payload=4096]",
    ] == [pair.title for pair in pairs]


def test_pairs_with_the_same_in_common_are_told_apart():
    """One case against two of another workload: the titles name the difference."""
    arms = [
        Arm(text="workload=queue/trip,payload=64", workload="queue/trip", params={"payload": 64}),
        Arm(text="workload=pipe/forms", workload="pipe/forms"),
    ]
    pairs = found(arms, select=(), methods=(StartMethod.FORK,))

    assert 2 == len({pair.title for pair in pairs}) == len(pairs)
    assert pairs[1].title.endswith("/ pipe/forms[fork, form=object]")


def test_two_callables_are_compared_under_the_default_method():
    """Their names make the title; the start method is the interpreter's own."""
    arms = [Arm(text="call=a:f", call="a:f"), Arm(text="call=a:g", call="a:g")]
    (pair,) = found(arms, select=())

    assert "a:f / a:g[fork]" == pair.title
    assert "call/function[fork, target=a:g]" == pair.sides[1].case.id


def test_a_callable_keeps_each_interpreters_default():
    """Fork against forkserver is what the user asked about, unless a method was chosen."""
    arms = [Arm(text=f"python={key},call=a:f", python=key, call="a:f") for key in ("3.13", "3.15")]
    newer = {"start_methods": ["fork", "forkserver"], "default_start_method": "forkserver"}
    places = [place("3.13"), InterpreterInfo(Interpreter("3.15", "python", "folder"), newer)]
    (pair,) = found(arms, select=(), places=places)
    (chosen,) = found(arms, select=(), places=places, methods=(StartMethod.FORK,))

    assert ["fork", "forkserver"] == [side.case.method.value for side in pair.sides]
    assert ["fork", "fork"] == [side.case.method.value for side in chosen.sides]


def test_three_arms_are_each_compared_with_the_first():
    """The first arm is the baseline of all."""
    arms = [Arm(text=f"payload={size}", params={"payload": size}) for size in (1, 2, 3)]
    pairs = found(arms, methods=(StartMethod.FORK,))

    assert [("1", "2"), ("1", "3")] == [tuple(side.arm for side in pair.sides) for pair in pairs]


def test_what_an_arm_does_not_change_is_left_out():
    """A workload without start methods is no comparison of two of them."""
    pairs = found([FORK, SPAWN], select=("*",))

    assert "floor/call" not in {side.workload.name for pair in pairs for side in pair.sides}


def test_the_same_arm_twice_is_compared_with_itself():
    """Who asks for identical arms gets them, under two names."""
    (pair,) = found([FORK, FORK], select=("floor/call",))

    assert ("fork", "fork #2") == tuple(side.arm for side in pair.sides)


def test_arms_that_only_differ_in_who_looks_on_measure_the_same_case():
    """The effect of the sampler is a comparison like any other."""
    arms = [Arm(text="sample=off"), Arm(text="sample=on", sample=True)]
    pairs = found(arms, methods=(StartMethod.FORK,))

    assert all(one.sides[0].case == one.sides[1].case for one in pairs)
    assert [("off", "on")] * 2 == [tuple(side.arm for side in one.sides) for one in pairs]
    assert [(False, True)] * 2 == [tuple(side.is_sampled for side in one.sides) for one in pairs]


def test_two_interpreters_are_compared_on_everything():
    """Also workloads without start methods."""
    arms = [Arm(text="python=3.11", python="3.11"), Arm(text="python=3.13", python="3.13")]
    pairs = found(arms, select=("floor/*",), places=[place("3.11"), place("3.13")])

    assert [("3.11", "3.13")] == [tuple(side.subject.key for side in pair.sides) for pair in pairs]


def test_workloads_that_keep_their_load_on_are_measured_apart():
    """The set-up of a window is left before the other arm takes its turn."""
    (pair,) = found([FORK, SPAWN], select=("lock/rate",))

    assert [True, True] == [side.setup_per_slice for side in pair.sides]
    assert not found([FORK, SPAWN])[0].sides[0].setup_per_slice


def test_facts_are_further_readings():
    """A fact that both sides declare is compared beside the main reading."""
    pairs = found([FORK, SPAWN], facts=("first", "unknown"))

    assert [None, "first"] == [one.fact for one in pairs[0].readings]


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ([FORK], "two arms"),
        ([FORK, Arm(text="size=1", params={"size": 1})], "'size'"),
        ([FORK, Arm(text="workload=pipe/tripp", workload="pipe/tripp")], "pipe/trip"),
        ([FORK, Arm(text="workload=lock/rate", workload="lock/rate")], "one unit"),
        ([Arm(text="form=bytes", params={"form": "bytes"}), Arm(text="rev=a", rev="a")], None),
    ],
)
def test_impossible_arms_are_refused_with_what_is_wrong(arms, words):
    """The message names the arm, the parameter or the workload."""
    if words is None:
        with pytest.raises(UsageError, match="differ in none"):
            found(arms, select=("pipe/trip",), places=[place()] * 2)
        return
    with pytest.raises(UsageError, match=words):
        found(arms)
