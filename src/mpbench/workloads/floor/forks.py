"""Bare forked children, alone and behind raw sockets or pipes, for floors."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpbench.workload import Body

__all__ = (
    "EXECUTABLE",
    "fork_child",
    "forked",
    "forked_over_pipes",
    "forked_over_socket",
    "forking",
    "reap",
    "running",
    "without_fork",
)

# What `posix_spawn` runs where the child shall do nothing; empty where neither exists.
EXECUTABLE = next((path for path in ("/bin/true", "/usr/bin/true") if os.path.exists(path)), "")


def without_fork(case: object) -> str | None:
    """Say why a floor that forks cannot run here, or None."""
    return None if hasattr(os, "fork") else f"{sys.platform} has no os.fork"


def fork_child(serve: Callable[..., Any], *arguments: Any) -> int:
    """
    Fork a child that runs a function and never returns into the caller.

    Args:
        serve: What the child runs; an exception makes it exit with 1.
        arguments: Its arguments.

    Returns:
        The child's process id.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        serve(*arguments)
        code = 0
    except BaseException as error:  # noqa: BLE001 - the exit code says it, stderr says why
        os.write(2, f"forked child: {type(error).__name__}: {error}\n".encode())
    finally:
        # Before any handler of the caller: the child must not answer for the agent.
        os._exit(code)


def reap(pid: int, expected: int = 0) -> None:
    """
    Wait for a child.

    Raises:
        WorkloadError: Its wait status is not the expected one.
    """
    _, status = os.waitpid(pid, 0)
    if status != expected:
        raise WorkloadError(
            f"the forked child {pid} ended with wait status {status}, expected {expected}"
        )


def forking(iterations: int, /) -> int:
    """Fork children that exit at once, wait for each, and count them: the body of a floor."""
    reaped = 0
    for _ in range(iterations):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        reaped += os.waitpid(pid, 0) == (pid, 0)
    return reaped


def running(*command: str) -> Body:
    """Return the body that runs a program and waits for it, by `os.posix_spawn`."""
    environment = dict(os.environ)

    def body(iterations: int, /) -> int:
        reaped = 0
        for _ in range(iterations):
            pid = os.posix_spawn(command[0], command, environment)
            reaped += os.waitpid(pid, 0) == (pid, 0)
        return reaped

    return body


@contextmanager
def forked(serve: Callable[..., Any], *arguments: Any) -> Iterator[int]:
    """
    Keep a forked child while the block runs; the block must make it end.

    Args:
        serve: What the child runs until it sees end-of-file or a message to stop.
        arguments: Its arguments.
    """
    pid = fork_child(serve, *arguments)
    try:
        yield pid
    except BaseException:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise
    reap(pid)


def _serve_socket(here: socket.socket, serve: Callable[..., Any], arguments: Any) -> None:
    here.close()
    serve(*arguments)


@contextmanager
def forked_over_socket(
    serve: Callable[..., Any],
    *arguments: Any,
    pair: tuple[socket.socket, socket.socket] | None = None,
) -> Iterator[int]:
    """
    Keep a forked child at the other end of a socket while the block runs.

    Args:
        serve: Called in the child with its descriptor and the arguments; ends at end-of-file.
        arguments: Its further arguments.
        pair: Connected sockets, this one's first; a new socket pair by default.

    Yields:
        The descriptor of this end.
    """
    here, there = pair or socket.socketpair()
    with here, forked(_serve_socket, here, serve, (there.fileno(), *arguments)):
        there.close()
        try:
            yield here.fileno()
        finally:
            here.close()


def _serve_pipes(here: tuple[int, int], serve: Callable[..., Any], arguments: Any) -> None:
    for descriptor in here:
        os.close(descriptor)
    serve(*arguments)


@contextmanager
def forked_over_pipes(serve: Callable[..., Any], *arguments: Any) -> Iterator[tuple[int, int]]:
    """
    Keep a forked child behind two raw pipes while the block runs.

    Args:
        serve: Called in the child with its reading and its writing descriptor and the
            arguments; ends at end-of-file.
        arguments: Its further arguments.

    Yields:
        The reading and the writing descriptor of this side.
    """
    there_reader, here_writer = os.pipe()
    here_reader, there_writer = os.pipe()
    here, there = (here_reader, here_writer), (there_reader, there_writer)
    with forked(_serve_pipes, here, serve, (*there, *arguments)):
        for descriptor in there:
            os.close(descriptor)
        try:
            yield here
        finally:
            for descriptor in here:
                os.close(descriptor)
