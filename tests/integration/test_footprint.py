"""What a process tree holds, as the kernel tells it."""

from __future__ import annotations

import multiprocessing
import sys
from typing import cast

import pytest

from mpbench.model import Case, StartMethod
from mpbench.workload import Body, BodyResult, child_server
from mpbench.workloads.cross.footprint import idle_cost
from mpbench.workloads.cross.processes import count_resources, descendants

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the counts are read from /proc"
)


def wait_for_end(connection) -> None:
    """Run in the child: wait until the parent closes its end."""
    connection.recv_bytes()


def test_locks_are_counted_as_semaphores() -> None:
    """Each lock adds one semaphore to the bill."""
    context = multiprocessing.get_context("fork")
    before = count_resources()
    locks = [context.Lock() for _ in range(3)]

    assert before.semaphores is not None
    assert before.semaphores + len(locks) == count_resources().semaphores


def test_pipes_are_counted_as_descriptors() -> None:
    """A pipe adds its two ends to the bill."""
    before = count_resources().descriptors
    here, there = multiprocessing.Pipe()
    with here, there:
        during = count_resources().descriptors

    assert before is not None
    assert before + 2 == during


def test_a_child_is_a_descendant_while_it_lives() -> None:
    """A child is found, and no longer found when it has ended."""
    before = descendants()
    with child_server(multiprocessing.get_context("fork"), wait_for_end):
        during = descendants()

    assert before is not None
    assert during is not None
    assert 1 == len(set(during) - set(before))
    assert set(before) == set(descendants() or ())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize(("construct", "processes"), [("nothing", 0), ("queue", 0), ("process", 1)])
def test_an_idle_thing_is_billed_for_itself_only(
    method: str, construct: str, processes: int
) -> None:
    """A child, a tracker and a fork server that were there before are in nobody's bill."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no start method {method}")
    context = multiprocessing.get_context(method)
    case = Case.make(idle_cost.name, StartMethod(method), {"construct": construct, "idle_ms": 50})

    with (
        child_server(multiprocessing.get_context("fork"), wait_for_end),
        idle_cost.set_up(context, case) as body,
    ):
        done = cast("Body", body)(1)

    assert isinstance(done, BodyResult)
    assert processes == done.facts["processes"]


def test_what_idles_is_measured_under_every_start_method() -> None:
    """Which method serves must be said: the first one differs between versions of Python."""
    assert idle_cost.by_method
