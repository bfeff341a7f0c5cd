"""Predictions for programs that can be solved by hand, and when they are withheld."""

import pytest
from programs import equal, pooled, processes

from mpbench.analysis.whatif.changes import default_chunk_size
from mpbench.analysis.whatif.costs import Costs, Estimate, StartCosts
from mpbench.analysis.whatif.from_profile import Recorded
from mpbench.analysis.whatif.model import Acquire, Cost, Item, Receive, Release, Work
from mpbench.analysis.whatif.predict import predict
from mpbench.analysis.whatif.prediction import Change
from mpbench.analysis.whatif.replay import replay


def exactly(value):
    """Return a cost that is known without doubt."""
    return Estimate(value, value, value)


def costs(**boots):
    """Return costs of starts by method; messages cost nothing."""
    nothing = exactly(0.0)
    return Costs(
        starts={
            method: StartCosts(nothing, exactly(boot), nothing, nothing)
            for method, boot in boots.items()
        },
        hand=nothing, take=nothing, byte_parent=nothing, byte_worker=nothing, byte_copy=nothing,
        slowdown=exactly(1.0),
    )  # fmt: skip


def recorded(program, **given):
    """Return a program that took what its replay takes."""
    taken = replay(program, with_profiler=True).seconds
    return Recorded(program, **{"measured_s": taken, "outside_s": 0.0, "unknown_s": 0.0, **given})


def by_setting(what_if):
    """Return predictions by what compare would be given."""
    return {one.setting: one for one in what_if.predictions if one.setting is not None}


def by_change(what_if):
    """Return predictions that nothing outside can make, by what is changed."""
    return {one.change: one for one in what_if.predictions if one.setting is None}


def test_workers_chunks_and_methods_are_predicted() -> None:
    """Forty calls of a second at two workers, chunk size 1, with four CPUs."""
    program = pooled(equal(40), 2, 1, cpus=4, method="fork", boot=Cost(0.5))
    found = by_setting(predict(recorded(program), costs(fork=0.5, spawn=2.5)))

    assert found["workers=4"].seconds == pytest.approx(10.5)
    assert found["workers=1"].seconds == pytest.approx(40.5)
    assert found["chunk_size=20"].seconds == pytest.approx(20.5)
    assert found["method!=spawn"].seconds == pytest.approx(22.5)
    assert "method!=fork" not in found
    assert found["workers=4"].low_s < 10.5 < found["workers=4"].high_s
    assert all(one.assumption for one in found.values())


def test_the_default_chunk_size_follows_the_workers() -> None:
    """A map that was given none gets another one with other workers."""
    size = default_chunk_size(64, 2)
    program = pooled(equal(64), 2, size, cpus=4)
    found = by_setting(predict(recorded(program), None))

    assert size == 8
    assert found["workers=4"].seconds == pytest.approx(16.0)


def test_the_longest_call_first_saves_the_idle_tail() -> None:
    """Six calls of one second and a last one of four, on three workers."""
    program = pooled([*equal(6), Item(4.0)], 3)
    found = by_change(predict(recorded(program), None))

    assert found[Change.LONGEST_FIRST].seconds == pytest.approx(4.0)
    assert not found[Change.LONGEST_FIRST].is_provable


def test_a_lock_held_half_as_long_is_predicted() -> None:
    """Three processes that do nothing but what the lock guards."""
    held = (Acquire("lock"), Work(Cost(2.0)), Release("lock")) * 5
    found = by_change(predict(recorded(processes(held, held, held)), None))

    assert found[Change.SHORTER_LOCK].seconds == pytest.approx(15.0)


def test_what_the_replay_leaves_unexplained_widens_the_interval() -> None:
    """A program that took 5 % longer is predicted so much later, and less surely."""
    program = pooled(equal(40), 2, cpus=4)
    exact = by_setting(predict(recorded(program), None))["workers=4"]
    later = by_setting(predict(recorded(program, measured_s=21.0), None))["workers=4"]

    assert later.seconds == pytest.approx(exact.seconds + 1.0)
    assert later.high_s - later.low_s > exact.high_s - exact.low_s + 1.9


def test_the_same_record_gives_the_same_predictions() -> None:
    """Whatever is drawn is drawn alike."""
    program = pooled([Item(number / 10) for number in range(1, 30)], 3, cpus=4)

    assert predict(recorded(program), costs(fork=1.0, spawn=2.0)) == predict(
        recorded(program), costs(fork=1.0, spawn=2.0)
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"measured_s": 30.0}, "its replay takes 20 s"),
        ({"unknown_s": 5.0}, "cause is not recorded"),
        ({"problem": "the program was ended from outside"}, "ended from outside"),
    ],
)
def test_predictions_are_withheld_with_a_reason(given, words) -> None:
    """Where the replay does not reproduce the program, nothing is said about changes."""
    what_if = predict(recorded(pooled(equal(40), 2, cpus=4), **given), None)

    assert what_if.predictions == ()
    assert words in what_if.withheld


def test_a_program_that_waits_for_ever_in_its_replay_has_no_predictions() -> None:
    """Its time is not known then."""
    what_if = predict(recorded(processes((Receive("nobody"),)), measured_s=1.0), None)

    assert what_if.simulated_s is None
    assert "no end" in what_if.withheld


def test_threads_are_predicted_for_tasks_that_wait_only() -> None:
    """Under the interpreter lock computing tasks would come one after the other."""
    computing = predict(recorded(pooled(equal(8), 2)), None)
    waiting = predict(recorded(pooled([Item(0.0, 1.0)] * 8, 2, boot=Cost(1.0))), None)

    assert "100%" in by_change(computing)[Change.THREADS].withheld
    assert by_change(waiting)[Change.THREADS].seconds == pytest.approx(4.0, rel=0.01)


def test_workers_are_not_predicted_where_handing_over_takes_the_time() -> None:
    """How workers hinder each other at their queue is not simulated."""
    program = pooled(equal(1000, 1e-5), 2, cpus=2, hand=Cost(3e-5), take=Cost(3e-5))
    found = by_setting(predict(recorded(program), None))

    assert "hand them over" in found["workers=4"].withheld
    assert found["chunk_size=500"].seconds < replay(program).seconds / 3


def test_large_messages_make_chunk_sizes_unpredictable() -> None:
    """They may be of the calls, or of the function that comes with each chunk."""
    program = pooled(equal(40), 2, cpus=2, chunk_bytes=1e6, hand_payload=Cost(0.1), hand=Cost(0.2))
    what_if = predict(recorded(program), costs(fork=0.1))

    assert "large messages" in by_setting(what_if)["chunk_size=5"].withheld
    assert by_change(what_if)[Change.HALF_MESSAGES].seconds < replay(program).seconds


def test_handing_over_may_be_the_profilers_own_time() -> None:
    """What tiny tasks took under it is an upper end rather than a middle."""
    tiny = pooled(equal(1000, 1e-6), 2, cpus=2, method="fork", hand=Cost(1e-3))
    one = by_setting(predict(recorded(tiny), costs(fork=0.0, spawn=0.0)))["method!=spawn"]

    assert one.seconds - one.low_s > 4 * (one.high_s - one.seconds)
