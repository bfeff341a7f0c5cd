"""Properties of the replay: more work, fewer workers and fewer CPUs never end earlier."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from programs import pooled, processes

from mpbench.analysis.whatif.model import Acquire, Cost, Item, Release, Work
from mpbench.analysis.whatif.replay import replay

_QUICK = settings(max_examples=40, deadline=None)
_TINY = 1e-9
SECONDS = st.floats(0.01, 10)
ITEMS = st.lists(st.builds(Item, SECONDS, st.floats(0, 5), st.just(0.0)), min_size=1, max_size=12)


def seconds(program):
    """Return how long a program takes."""
    taken = replay(program).seconds
    assert taken is not None
    return taken


@_QUICK
@given(ITEMS, st.integers(1, 5), st.integers(1, 4))
def test_unlimited_workers_reach_the_critical_path(items, cpus, chunk) -> None:
    """With a worker and a CPU for each call only the longest one counts; with one of each all."""
    many = pooled(items, len(items), cpus=len(items) + 1)
    total = sum(sum(item) for item in items)

    assert abs(seconds(many) - max(sum(item) for item in items)) < _TINY
    assert abs(seconds(pooled(items, 1, chunk, cpus=cpus)) - total) < 1e-6


@_QUICK
@given(ITEMS, st.integers(1, 4), st.integers(1, 4), SECONDS)
def test_more_work_in_order_never_ends_earlier(items, workers, chunk, more) -> None:
    """One more call at the end, on as many CPUs as there are processes."""
    before = seconds(pooled(items, workers, chunk))

    assert seconds(pooled([*items, Item(more)], workers, chunk)) >= before - _TINY


@_QUICK
@given(ITEMS, st.integers(1, 4), st.integers(1, 6))
def test_no_schedule_beats_the_work_and_none_wastes_a_worker(items, workers, cpus) -> None:
    """Between what workers and CPUs could do at best, and one call more than their share."""
    taken = seconds(pooled(items, workers, cpus=cpus))
    cpu, total = sum(item.cpu_s for item in items), sum(sum(item) for item in items)

    assert taken >= max(cpu / cpus, total / workers, *(sum(item) for item in items)) - 1e-6
    assert taken <= total + 1e-6


@_QUICK
@given(st.lists(SECONDS, min_size=1, max_size=5), SECONDS, st.integers(1, 3))
def test_longer_holds_never_end_earlier(holds, more, cpus) -> None:
    """One process that holds the lock longer delays itself and may delay others."""

    def held(each):
        return [(Acquire("l"), Work(Cost(one)), Release("l")) for one in each]

    before = seconds(processes(*held(holds), cpus=cpus))

    assert seconds(processes(*held([holds[0] + more, *holds[1:]]), cpus=cpus)) >= before - _TINY
    assert abs(before - sum(holds)) < 1e-6


@_QUICK
@given(ITEMS, st.integers(1, 4), st.floats(1.0, 2.0))
def test_a_slower_machine_never_ends_earlier(items, cpus, slowdown) -> None:
    """One worker's work takes longer where all CPUs are busy, and as long where they are not."""
    program = pooled(items, 1, cpus=cpus)
    taken = seconds(replace(program, slowdown=slowdown))

    assert taken >= seconds(program) - 1e-6
