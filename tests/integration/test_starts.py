"""How starts are stamped: with real children under every start method."""

from __future__ import annotations

import multiprocessing
import os
import sys

import pytest

from mpbench.errors import WorkloadError
from mpbench.workloads.process.main_modules import main_module
from mpbench.workloads.process.stamps import (
    idle_children,
    join_checked,
    make_process,
    ready_body,
    stamps,
    stop_fork_server,
    timed_life,
    warm,
)
from mpbench.workloads.targets import exit_at_once, stamp, stamp_length

METHODS = multiprocessing.get_all_start_methods()


@pytest.fixture(autouse=True)
def _no_fork_server_left():
    """End the fork server that a test has started in this process."""
    yield
    stop_fork_server()


@pytest.mark.parametrize("method", METHODS)
def test_a_life_is_stamped_in_order(method: str) -> None:
    """The child's first statement lies between start and join, on one clock."""
    context = multiprocessing.get_context(method)
    with stamps() as pipe:
        warm(context)
        life = timed_life(make_process(context, stamp, (pipe.path,)), pipe)

    assert 0 < life.first_bytecode < life.total
    assert 0 < life.exit_to_join < life.total
    assert 0 < life.start_return < life.total


def test_a_child_that_says_nothing_is_reported() -> None:
    """Waiting for a child that ends without its message fails with its exit code."""
    context = multiprocessing.get_context("fork")
    with stamps() as pipe:
        child = make_process(context, exit_at_once, ())
        child.start()
        with pytest.raises(WorkloadError, match="exit code 0 before it was ready"):
            pipe.wait(child)
        child.close()


def test_an_exit_code_is_checked() -> None:
    """A child that fails makes its case fail."""
    child = make_process(multiprocessing.get_context("fork"), os._exit, (3,))
    child.start()

    with pytest.raises(WorkloadError, match="exit code 3, expected 0"):
        join_checked(child)


def test_a_payload_of_the_wrong_size_is_refused() -> None:
    """What the child received is compared with what was sent."""
    context = multiprocessing.get_context("fork")
    with stamps() as pipe:
        body = ready_body(lambda: make_process(context, stamp_length, (pipe.path, b"12")), pipe, 3)

        with pytest.raises(WorkloadError, match="received 2 bytes, expected 3"):
            body(1)


def lose_one() -> None:
    """Kill one of two sleeping children."""
    context = multiprocessing.get_context("fork")
    with stamps() as pipe, idle_children(context, 2, pipe) as children:
        children[0].kill()
        children[0].join()


def test_a_crowd_that_shrinks_is_reported() -> None:
    """A sleeping child that has ended meanwhile would change what was measured."""
    with pytest.raises(WorkloadError, match="expected 2 sleeping children at the end, found 1"):
        lose_one()

    assert [] == multiprocessing.active_children()


@pytest.mark.parametrize("method", METHODS)
def test_a_script_stands_as_main_for_a_while(method: str) -> None:
    """The script is run again in spawned children, and the old main module comes back."""
    old, arguments = sys.modules["__main__"], sys.argv
    context = multiprocessing.get_context(method)
    with main_module("plain", method=method), stamps() as pipe:
        assert sys.modules["__main__"].__file__.endswith("plain.py")
        timed_life(make_process(context, stamp, (pipe.path,)), pipe)

    assert (old, arguments) == (sys.modules["__main__"], sys.argv)
