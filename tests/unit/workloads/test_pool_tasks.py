"""The work of tasks has the length that was asked for, and its memory is there before."""

from __future__ import annotations

import multiprocessing
from statistics import median

import pytest

from mpbench.clock import monotonic_ns
from mpbench.model import Case
from mpbench.workload import BodyResult
from mpbench.workloads.cross import baselines
from mpbench.workloads.pool import tasks
from mpbench.workloads.pool.scaling import amount_of


class Buffer:
    """A buffer that counts how many bytes are written to it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.written = 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, where: slice) -> range:
        assert 0 <= where.start <= where.stop <= self.size // 2
        return range(where.start, where.stop)

    def __setitem__(self, where: slice, values: range) -> None:
        assert self.size // 2 <= where.start <= where.stop <= self.size
        assert len(values) == where.stop - where.start
        self.written += len(values)


@pytest.mark.parametrize("mebibytes", [0, 1, 5, 16, 275])
def test_so_many_bytes_are_copied_as_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, mebibytes: int
) -> None:
    """More than half of the buffer is copied in several passes, and not cut off."""
    buffer = Buffer(32 << 20)
    monkeypatch.setattr(tasks, "_stream_view", lambda: buffer)
    size = (mebibytes << 20) + 12_345

    assert 7 == tasks.stream((size, 7))
    assert size == buffer.written


@pytest.mark.parametrize("work", ["memory", "cpu", "syscall"])
def test_work_lasts_about_as_long_as_asked(work: str) -> None:
    """Ten milliseconds of a kind of work take milliseconds, not a fraction of one."""
    amount = amount_of(work, 10_000)
    tasks.prepare(work)
    lengths = []
    for number in range(9):
        started = monotonic_ns()
        tasks.work_once(work, amount, number)
        lengths.append(monotonic_ns() - started)

    assert 2_500_000 < median(lengths)


def test_calibrating_leaves_no_buffer_behind() -> None:
    """What is started afterwards does not inherit the memory of the calibration."""
    amount_of("memory", 1_000)

    assert 0 == tasks._stream_view.cache_info().currsize


def test_touching_is_taken_off_the_unit_that_ends_last() -> None:
    """Without touching, the last unit would have ended 6 sooner, or 1 where the other did not."""
    assert 6 == baselines._untimed_ns([(2, 13), (6, 20)])
    assert 1 == baselines._untimed_ns([(1, 20), (9, 20)])


@pytest.mark.parametrize("unit", ["serial", "thread", "fork"])
def test_units_have_their_memory_before_they_are_timed(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    """Units in this process find the buffer; a process touches its own and says how long."""
    monkeypatch.setattr(baselines, "amount_of", lambda *_: 1)
    case = Case.make("cross/threads-control", None, {"unit": unit, "work": "memory", "units": 2})
    context = multiprocessing.get_context("fork")
    with baselines.threads_control.set_up(context, case) as bind:
        body = bind(case)
        here = tasks._stream_view.cache_info().currsize
        started = monotonic_ns()
        check = body(3)
        wall = monotonic_ns() - started
    assert callable(check)
    result = check()

    assert isinstance(result, BodyResult)
    assert 3 == result.operations
    assert result.elapsed_ns is not None
    assert (unit != "fork") == here
    # Touching 32 MiB takes milliseconds, of which a process is charged none.
    assert unit != "fork" or result.elapsed_ns < wall - 3_000_000
    assert 0 == tasks._stream_view.cache_info().currsize
