"""The one child at the other end of a pipe."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection

import pytest

from mpbench.errors import WorkloadError
from mpbench.workload import child_server

METHODS = multiprocessing.get_all_start_methods()


def echo(connection: Connection) -> None:
    """Send back what arrives."""
    while True:
        connection.send(connection.recv())


def break_down(connection: Connection) -> None:
    """Fail when asked."""
    connection.recv()
    raise ValueError("asked for")


@pytest.mark.parametrize("method", METHODS)
def test_a_partner_serves_and_ends_with_its_pipe(method: str) -> None:
    """The child answers while the block runs and is gone afterwards."""
    with child_server(multiprocessing.get_context(method), echo) as here:
        here.send("hello")
        answer = here.recv()

    assert "hello" == answer
    assert [] == multiprocessing.active_children()
    assert here.closed


@pytest.mark.parametrize("method", METHODS)
def test_a_partner_that_fails_is_an_error(method: str) -> None:
    """An exit code other than 0 does not go unseen."""
    context = multiprocessing.get_context(method)
    with (
        pytest.raises(WorkloadError, match="exit code 1"),
        child_server(context, break_down) as here,
    ):
        here.send("go")

    assert [] == multiprocessing.active_children()


def test_a_partner_is_ended_when_the_block_fails() -> None:
    """An error inside the block is raised, and no child is left."""
    with pytest.raises(KeyError), child_server(multiprocessing.get_context(), echo):
        raise KeyError("ours")

    assert [] == multiprocessing.active_children()
