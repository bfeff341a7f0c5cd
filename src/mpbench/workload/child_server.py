"""Child server: a child process that answers a body over a pipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import WorkloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("Serve", "child_server")

# What the child runs: serve(connection, *arguments), usually without end.
Serve = Callable[..., None]

# What the child says before it serves.
_READY = b"ready"

# How long a child may take to notice end-of-file and to leave.
_PATIENCE_S = 20.0


def _run(serve: Serve, here: Connection, there: Connection, arguments: Any) -> None:
    """Run in the child: drop the parent's end, so that end-of-file can arrive, and serve."""
    here.close()
    with there:
        there.send_bytes(_READY)
        try:
            serve(there, *arguments)
        except EOFError:
            # The parent has closed its end, or has died: that is how a child server ends.
            return


def _check(child: BaseProcess, serve: Serve) -> None:
    """Raise unless the child has ended well."""
    if child.exitcode is None:
        raise WorkloadError(
            f"the child that runs {serve.__name__} did not end within {_PATIENCE_S:g} s of "
            "end-of-file; it was killed"
        )
    if child.exitcode != 0:
        raise WorkloadError(
            f"the child that runs {serve.__name__} ended with exit code {child.exitcode}, "
            "expected 0; see the agent's stderr"
        )


def _await(here: Connection, serve: Serve) -> None:
    """Wait until the child has started, so that no body is charged for that."""
    try:
        greeting = here.recv_bytes()
    except EOFError:
        greeting = b""
    if greeting != _READY:
        raise WorkloadError(
            f"the child that runs {serve.__name__} sent {greeting!r}, expected {_READY!r}; "
            "see the agent's stderr"
        )


@contextmanager
def child_server(context: BaseContext, serve: Serve, *arguments: Any) -> Iterator[Connection]:
    """
    Keep one child at the other end of a duplex pipe while the block runs.

    The child is told to end by end-of-file, which also reaches it when the
    agent dies. Partners that are nested must be left in reverse order, because
    a forked child holds a copy of the ends that were open before it.

    Args:
        context: Where the process and the pipe come from.
        serve: A top-level function, called in the child with its end and *arguments*;
            it may return, or wait for a message until `EOFError`.
        arguments: What else it needs.

    Yields:
        The parent's end.

    Raises:
        WorkloadError: The child did not end, or ended with an exit code other than 0.
    """
    here, there = context.Pipe()
    child: BaseProcess = context.Process(  # type: ignore[attr-defined]  # not in typeshed's BaseContext
        target=_run, args=(serve, here, there, arguments), daemon=True
    )
    try:
        child.start()
        there.close()
        _await(here, serve)
        yield here
        here.close()
        child.join(_PATIENCE_S)
        _check(child, serve)
    finally:
        here.close()
        there.close()
        if child.pid is not None:
            if child.exitcode is None:
                child.kill()
            child.join()
        child.close()
