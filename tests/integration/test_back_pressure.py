"""Puts into a full queue are timed when it is full, whatever its size."""

from __future__ import annotations

import multiprocessing

import pytest

from mpbench.agent.calibrate import calibrate
from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, StartMethod
from mpbench.workload import BodyResult
from mpbench.workloads.queue import under_load


@pytest.mark.parametrize("maxsize", [1, 100, 1_000])
def test_puts_wait_for_the_reader_of_a_full_queue(maxsize: int) -> None:
    """A put lasts as long as the reader works, and an item's age is that for all before it."""
    params = {"maxsize": maxsize, "service_us": 50, "payload_bytes": 64}
    case = Case.make("queue/back-pressure", StartMethod.FORK, params)
    with under_load.back_pressure.set_up(multiprocessing.get_context("fork"), case) as body:
        iterations = calibrate(body, clock=monotonic_ns, sample_ns=10_000_000)
        check = body(iterations)
    assert callable(check)
    found = check()
    assert isinstance(found, BodyResult)
    assert found.elapsed_ns is not None
    each = found.elapsed_ns / found.operations

    assert 200 <= found.operations
    assert 25_000 < each
    # The age of an item is that of the whole queue, within a factor of two.
    assert 0.5 < found.facts["sojourn"] / ((maxsize + 1) * each) < 2


def test_the_backlog_is_counted_when_puts_return() -> None:
    """Three items were put before, and the reader took one more for each put."""
    assert 2 == under_load._backlog([10, 20, 30], [1, 9, 19, 29, 39, 49], 3)


def test_a_queue_that_never_fills_is_reported() -> None:
    """Puts that do not wait mean that there is no back pressure to measure."""
    with pytest.raises(WorkloadError, match="did not fill a queue of 4"):
        under_load._fill(lambda _: None, b"", 4, 1_000_000_000)
