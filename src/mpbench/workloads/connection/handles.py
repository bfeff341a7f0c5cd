"""Passing of descriptors and connections to a running process."""

from __future__ import annotations

import os
import socket
import sys
from multiprocessing import reduction as _reduction
from multiprocessing import resource_sharer as _resource_sharer
from typing import TYPE_CHECKING, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, Sweep, child_server, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("handle_passing",)

# At most so many marks lie in the pipe at once; it holds 65,536 bytes.
_MARKS = 1_000
_MARK = b"x"


def _receive_socket(connection: Connection) -> int:
    """Receive one descriptor with the function that takes a socket."""
    with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as end:
        received: list[int] = _reduction.recvfds(end, 1)
    return received[0]


def _use(control: Connection) -> None:
    """Take up what is handed over, leave a mark in it and close it, as often as announced."""
    control.send(os.getpid())
    while True:
        way, count = control.recv()
        control.send_bytes(b"r")
        for _ in range(count):
            if way == "connection":
                with control.recv() as received:
                    os.write(received.fileno(), _MARK)
            else:
                receive = _reduction.recv_handle if way == "send_handle" else _receive_socket
                handle = receive(control)
                os.write(handle, _MARK)
                os.close(handle)
            control.send_bytes(b"a")


def _sender(control: Connection, writer: Connection, way: str, pid: int) -> Callable[[], None]:
    """Return the call that hands the writing end over."""
    handle = writer.fileno()
    if way == "send_handle":
        return lambda: _reduction.send_handle(control, handle, pid)
    if way == "connection":
        return lambda: control.send(writer)

    def send_socket() -> None:
        with socket.fromfd(control.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as end:
            _reduction.sendfds(end, [handle])

    return send_socket


def _not_unix(case: Case) -> str | None:
    return None if hasattr(_reduction, "sendfds") else f"{sys.platform} passes no descriptors"


@workload(
    "connection/handle-passing",
    floor="floor/socketpair-round-trip",
    covers=(
        *("Pipe", "Connection.send", "Connection.recv", "Connection.fileno"),
        *("reduction.send_handle", "reduction.recv_handle"),
        *("reduction.sendfds", "reduction.recvfds", "reduction.DupFd"),
    ),
    body_params=("way",),
    unsupported=_not_unix,
    needs=Needs(processes=2, descriptors=48),
    way=Sweep(
        ("send_handle",), ("send_handle", "connection"), ("send_handle", "sendfds", "connection")
    ),
)
def handle_passing(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Pass the writing end of a pipe to a running child, which uses and closes it.

    `way`: `send_handle` (reduction.send_handle), `sendfds` (the function below it)
    or `connection` (the Connection itself is sent through a pipe).

    Timed: the call, receiving it in the child, one byte written to it, closing it,
    and an answer. Not timed: starting the child.

    Reads as: a descriptor costs about one message. A pickled Connection costs much
    more: it travels as an address at which a thread of the sender listens, and the
    receiver connects there, with authentication, for each object.
    """
    reader, writer = context.Pipe(duplex=False)
    with reader, writer, child_server(context, _use) as control:
        pid = control.recv()
        try:

            def bind(case: Case) -> Body:
                return _passing(control, (reader, writer), case.text("way"), pid)

            yield bind
        finally:
            # The thread that hands out connections was started by the first of them.
            _resource_sharer.stop(timeout=10.0)


def _passing(control: Connection, pipe: tuple[Connection, Connection], way: str, pid: int) -> Body:
    """Return the body that hands over and counts the marks that were left."""
    reader, writer = pipe
    hand_over = _sender(control, writer, way, pid)

    def body(iterations: int, /) -> BodyResult:
        marked = elapsed = 0
        control.send((way, iterations))
        control.recv_bytes()
        for start in range(0, iterations, _MARKS):
            count = min(_MARKS, iterations - start)
            began = monotonic_ns()
            for _ in range(count):
                hand_over()
                control.recv_bytes()
            elapsed += monotonic_ns() - began
            marked += len(os.read(reader.fileno(), count))
        return BodyResult(marked, iterations, elapsed)

    return body
