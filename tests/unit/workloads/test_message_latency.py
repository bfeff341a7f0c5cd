"""Latencies: thinned, and paired across two processes."""

from __future__ import annotations

import pytest

from mpbench.errors import VerificationError
from mpbench.workload import intervals, pair_deliveries, subsample


def test_few_values_are_kept_as_they_are() -> None:
    """Nothing is left out and no order is changed below the limit."""
    assert (3, 1, 2) == subsample([3, 1, 2], keep=3)


def test_many_values_keep_their_middle() -> None:
    """An even choice of many values has the same median."""
    kept = subsample(list(range(10_001)), keep=101)

    assert 101 == len(kept)
    assert 5_000 == kept[50]


def test_steps_are_differences_of_neighbours() -> None:
    """One reading more than steps."""
    assert [1, 3] == intervals([4, 5, 8])


def test_a_delivery_is_counted_from_before_the_call() -> None:
    """The main reading sums the latencies, the fact is the sender's share of one."""
    outcome = pair_deliveries([0, 100], [4, 106], [30, 150], fact="send_return")

    assert (2, 2, 80) == (outcome.operations, outcome.asked, outcome.elapsed_ns)
    assert (30, 50) == outcome.latencies_ns
    assert {"send_return": 5.0} == dict(outcome.facts)


@pytest.mark.parametrize("received", [[30], [30, 99]], ids=["lost", "before it was sent"])
def test_an_impossible_delivery_is_refused(received: list[int]) -> None:
    """A message that is missing, or arrives before it was sent, is an error."""
    with pytest.raises(VerificationError):
        pair_deliveries([0, 100], [4, 106], received, fact="send_return")
