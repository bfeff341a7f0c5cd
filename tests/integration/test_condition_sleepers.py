"""Children that sleep until they are woken, as real processes."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from mpbench.errors import WorkloadError
from mpbench.workloads.condition.sleepers import _sleeps, sleepers

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="needs /proc to see what a process does"
)


def wait_for(ready, event):
    """Say that it runs, and sleep until the event is set."""
    ready.release()
    event.wait()


def exit_with(ready, code):
    """Say that it runs, and end the process."""
    ready.release()
    os._exit(code)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_children_are_asleep_when_the_group_says_so(method):
    """Each child is seen in the kernel's sleep, and ends when it is told to stop."""
    context = multiprocessing.get_context(method)
    ready, event = context.Semaphore(0), context.Event()
    with sleepers(context, wait_for, [(ready, event)] * 2, stop=event.set) as workers:
        workers.collect(ready, 2)
        workers.fall_asleep()

        assert [True, True] == [_sleeps(state) for state in workers._states]

    assert [] == multiprocessing.active_children()


def test_a_child_that_ended_is_an_error_instead_of_a_hang():
    """Waiting for more than the children will ever give finds that one is gone."""
    context = multiprocessing.get_context()
    ready = context.Semaphore(0)
    ended = pytest.raises(WorkloadError, match="child 0 of 1 ended with exit code 3")
    with ended, sleepers(context, exit_with, [(ready, 3)], stop=lambda: None) as workers:
        workers.collect(ready, 2)
        pytest.fail("the child released once only, and two were collected")

    assert [] == multiprocessing.active_children()


def test_a_running_process_does_not_sleep():
    """The process that reads its own state is running."""
    state = os.open("/proc/self/stat", os.O_RDONLY)
    try:
        assert not _sleeps(state)
    finally:
        os.close(state)
