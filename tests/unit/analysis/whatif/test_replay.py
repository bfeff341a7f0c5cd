"""The replay against closed forms: pools, critical sections, pipelines, shared CPUs."""

from math import ceil, isclose

import pytest
from programs import equal, pooled, processes

from mpbench.analysis.whatif.model import (
    Acquire,
    AwaitItems,
    Cost,
    Item,
    MakePool,
    Receive,
    Release,
    Send,
    Submit,
    Work,
)
from mpbench.analysis.whatif.replay import replay


def seconds(program):
    """Return how long a program takes."""
    taken = replay(program).seconds
    assert taken is not None
    return taken


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("calls", [1, 5, 12, 40])
@pytest.mark.parametrize("chunk", [1, 3, 10])
def test_equal_calls_take_as_many_rounds_as_chunks_need(workers, calls, chunk) -> None:
    """M workers and N equal calls in chunks of c: the last worker decides."""
    chunks = [min(chunk, calls - first) for first in range(0, calls, chunk)]
    rounds = ceil(len(chunks) / workers)
    # All rounds are full chunks but the last, which is as long as its longest.
    expected = (rounds - 1) * chunk + max(chunks[(rounds - 1) * workers :])

    assert isclose(expected, seconds(pooled(equal(calls), workers, chunk)))


def test_more_workers_than_cpus_share_them() -> None:
    """Two CPUs give two seconds a second, however many ask for them."""
    assert isclose(6.0, seconds(pooled(equal(12), 4, cpus=2)))


def test_sleeping_calls_need_no_cpu() -> None:
    """Twelve calls that wait a second each, four at once, on one CPU."""
    assert isclose(3.0, seconds(pooled([Item(0.0, 1.0)] * 12, 4, cpus=1)))


def test_a_long_last_call_is_waited_for() -> None:
    """One worker begins it when the others have two left; first, it costs nothing more."""
    items = [*equal(6), Item(4.0)]

    assert isclose(6.0, seconds(pooled(items, 3)))
    assert isclose(4.0, seconds(pooled(items[::-1], 3)))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_parent_that_hands_over_slowly_is_the_limit(workers) -> None:
    """Handing over takes as long as a call: more workers than one or two do not help."""
    taken = seconds(pooled(equal(10), workers, hand=Cost(2.0)))

    # Ten chunks of two seconds in the parent, and at one worker ten calls after the first.
    assert taken >= 20.0
    assert taken <= 20.0 + 10.0 * (workers == 1) + 2.0


def test_starts_come_one_after_the_other_and_boots_at_once() -> None:
    """The first worker is ready after 1 + 5 seconds, the second one a second later."""
    program = pooled(equal(3), 3, start=Cost(1.0), boot=Cost(5.0))

    # At 7 the first one has done a call, and does another beside the second one's.
    assert isclose(8.0, seconds(program))


def test_replaced_workers_boot_again() -> None:
    """Each worker does one call: four starts and boots, one after the other at one worker."""
    program = pooled(equal(4), 1, boot=Cost(2.0), max_tasks=1)

    assert isclose(4 * (2.0 + 1.0), seconds(program))


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_a_critical_section_is_passed_one_by_one(workers) -> None:
    """W processes, R rounds of s under the lock and f outside: the larger of two bounds."""
    inside, outside, rounds = 2.0, 3.0, 20
    step = (
        Acquire("lock"), Work(Cost(inside)), Release("lock"), Work(Cost(outside)),
    )  # fmt: skip
    taken = seconds(processes(*[step * rounds] * workers))
    alone, serial = rounds * (inside + outside), workers * rounds * inside

    assert taken >= max(alone, serial + outside) - 1e-9
    # Nobody waits for more than the first turn of the others beside that.
    assert taken <= max(alone, serial + outside) + workers * inside


@pytest.mark.parametrize("stages", [(1.0, 3.0, 2.0), (2.0, 2.0, 2.0), (5.0, 1.0, 1.0)])
def test_a_pipeline_runs_at_the_pace_of_its_slowest_stage(stages) -> None:
    """N messages through stages: one passes all of them, then one comes at each slowest step."""
    messages, first, second, third = 10, *stages
    program = processes(
        (Work(Cost(first)), Send("a", Cost(0.0))) * messages,
        (Receive("a"), Work(Cost(second)), Send("b", Cost(0.0))) * messages,
        (Receive("b"), Work(Cost(third))) * messages,
    )

    assert isclose(sum(stages) + (messages - 1) * max(stages), seconds(program))


def test_threads_of_one_process_share_one_cpu() -> None:
    """The parent computes while it hands over: both take their CPU time from one process."""
    program = pooled(equal(4, 0.0), 4, hand=Cost(1.0))
    busy = program.scripts["main"]
    ops = (MakePool(1), Submit(1), Work(Cost(4.0)), AwaitItems(1))
    program = program.__class__(
        scripts={"main": busy.__class__(ops=ops)}, pools=program.pools, jobs=program.jobs, cpus=64
    )

    assert isclose(8.0, seconds(program))


def test_the_first_result_can_be_waited_for_alone() -> None:
    """An imap gives what is done while the rest goes on."""
    program = pooled([Item(1.0), Item(5.0)], 2)
    main = program.scripts["main"]
    ops = (MakePool(1), Submit(1), AwaitItems(1, 1), Work(Cost(7.0)), AwaitItems(1, 2))
    scripts = {"main": main.__class__(ops=ops)}
    program = program.__class__(scripts=scripts, pools=program.pools, jobs=program.jobs, cpus=64)

    assert isclose(8.0, seconds(program))


def test_who_waits_for_ever_is_noticed() -> None:
    """A message that nobody sends ends the replay, not the machine."""
    assert replay(processes((Receive("nobody"),))).seconds is None


def test_the_profiler_is_left_out_unless_it_is_asked_for() -> None:
    """Its time is known, and belongs to the measured run only."""
    program = processes((Work(Cost(1.0, 0.0, 0.5)),))

    assert isclose(1.0, seconds(program))
    assert replay(program, with_profiler=True).seconds == 1.5


def test_many_small_calls_are_replayed_as_few() -> None:
    """Chunks that are replayed together take what they take apart."""
    program = pooled(equal(20_000, 1e-3), 4, 1, take=Cost(1e-3))

    assert isclose(10.0, seconds(program), rel_tol=0.03)
    assert replay(program).steps < 20_000
