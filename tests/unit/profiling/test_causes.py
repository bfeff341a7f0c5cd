"""Evidence of causes: chunk sizes, holders of locks, texts of arguments."""

import pytest
from profiled import MS, lane, moment, profile, ran, traced

from mpbench.profiling.causes import chunk_size
from mpbench.profiling.hook import kinds
from mpbench.profiling.hook.longest import brief
from mpbench.profiling.lock_holders import lock_uses
from mpbench.profiling.rules import RULES
from mpbench.profiling.tasks import Tasks


@pytest.mark.parametrize(
    ("calls", "in_chunk", "call_us", "workers", "size"),
    [
        (20_000, 1, 1, 2, 2_500),
        (20_000, 1, 100, 2, 100),
        (16, 1, 1, 4, None),
        (20_000, 2_500, 1, 2, None),
        (20_000, 200, 100, 2, None),
    ],
)
def test_a_chunk_size_leaves_four_chunks_for_each_worker(calls, in_chunk, call_us, workers, size):
    """And is never named where chunks are as large, or last long enough."""
    tasks = Tasks(calls // in_chunk, calls, call_us * 1_000 * in_chunk, 0, of_pools=True)

    assert size == chunk_size(tasks, workers)


def test_who_held_a_lock_while_others_waited():
    """Each wait counts, the holder's own does not."""
    things = {1: ("sem:1", "Lock", "a.py:3", {})}
    slow = traced(
        2,
        lane(moment(100, 101, kinds.BOOTSTRAP)),
        name="slow",
        things=things,
        holds=(moment(100, 300, kinds.HOLD, 1),),
        hold_places={1: "a.py:9"},
    )
    waiting = [
        traced(pid, lane(moment(200, 300, kinds.LOCK_WAIT, 1)), name=f"w{pid}", things=things)
        for pid in (3, 4)
    ]
    (use,) = lock_uses(profile(ran(), slow, *waiting).members)

    assert ("Lock", "a.py:3", 200 * MS) == use[:3]
    assert [("slow", 200 * MS, 1, 200 * MS, "a.py:9")] == [tuple(one) for one in use.holders]


class _Hostile:
    def __repr__(self):
        raise KeyError

    __len__ = __repr__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3.0"),
        ("x" * 100, f"'{'x' * 60}'... (100)"),
        ((1, [2, (3,)]), "(1, [2, <tuple of 1>])"),
        (list(range(9)), "[0, 1, 2, 3, ... (9)]"),
        (_Hostile(), "<_Hostile>"),
        (1 << 4_000, "<int>"),
        ({1: 2}, "<dict of 1>"),
    ],
)
def test_arguments_are_short_and_run_no_code_of_the_program(value, text):
    """Its own repr may be slow, or fail."""
    assert text == brief(value)


def test_every_rule_says_what_it_needs():
    """The table in the docs is made of it."""
    assert all(rule.evidence and rule.excluded and rule.losses for rule in RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
