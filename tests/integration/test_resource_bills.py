"""What a process tree holds, as the kernel tells it."""

from __future__ import annotations

import multiprocessing
import sys

import pytest

from mpbench.workload import partner
from mpbench.workloads.cross_processes import bill, descendants

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the counts are read from /proc"
)


def wait_for_end(connection) -> None:
    """Run in the child: wait until the parent closes its end."""
    connection.recv_bytes()


def test_locks_are_counted_as_semaphores() -> None:
    """Each lock adds one semaphore to the bill."""
    context = multiprocessing.get_context("fork")
    before = bill()
    locks = [context.Lock() for _ in range(3)]

    assert before.semaphores is not None
    assert before.semaphores + len(locks) == bill().semaphores


def test_pipes_are_counted_as_descriptors() -> None:
    """A pipe adds its two ends to the bill."""
    before = bill().descriptors
    here, there = multiprocessing.Pipe()
    with here, there:
        during = bill().descriptors

    assert before is not None
    assert before + 2 == during


def test_a_child_is_a_descendant_while_it_lives() -> None:
    """A child is found, and no longer found when it has ended."""
    before = descendants()
    with partner(multiprocessing.get_context("fork"), wait_for_end):
        during = descendants()

    assert before is not None
    assert during is not None
    assert 1 == len(set(during) - set(before))
    assert set(before) == set(descendants() or ())
