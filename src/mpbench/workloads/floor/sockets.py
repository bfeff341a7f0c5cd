"""Floors of channels: round trips over raw pipes and sockets, creating, connecting."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
from typing import TYPE_CHECKING, Callable

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric
from mpbench.workload import Body, NoFloor, Sweep, fixed, workload
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.floor.descriptors import echo, read_exactly, round_trip_body, write_all
from mpbench.workloads.floor.forks import forked_over_pipes, forked_over_socket, without_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "framed_pipe_round_trip",
    "pipe_create",
    "socket_connect",
    "socket_round_trip",
    "socketpair_round_trip",
)

_FAMILIES = ("AF_UNIX", "AF_INET")
_SIZES = Sweep((64,), (64, 65_536), (1, 64, 1_024, 16_384, 16_385, 65_536, 1 << 20))
# Connection joins header and body into one write up to this many bytes.
_JOINED = 16_384
_HEADER = struct.Struct("!i")


def _echo_frames(reader: int, writer: int) -> None:
    """Send back framed messages, until end-of-file."""
    while True:
        header = read_exactly(reader, _HEADER.size)
        if not header:
            return
        _send_frame(writer, read_exactly(reader, _HEADER.unpack(header)[0]))


def _echo_socket(descriptor: int, size: int) -> None:
    echo(descriptor, descriptor, size)


def _send_frame(writer: int, message: bytes | bytearray) -> None:
    """Write as Connection does: joined when small, header and body apart when large."""
    header = _HEADER.pack(len(message))
    if len(message) > _JOINED:
        write_all(writer, header)
        write_all(writer, message)
    else:
        write_all(writer, header + message)


@workload(
    "floor/framed-pipe-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    by_method=False,
    revision=2,
    unsupported=without_fork,
    payload_bytes=_SIZES,
)
def framed_pipe_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one length-prefixed message over raw pipes to a forked child and get it back.

    Timed: one write (two above 16,384 bytes) and two reads on each side, the
    system calls that `Connection.send_bytes` and `recv_bytes` make, and two
    wake-ups. Not timed: starting the child.

    Reads as: the price of framing alone. What `pipe/round-trip` costs above
    it is the Python code of Connection, and pickling where objects are sent.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_pipes(_echo_frames) as (reader, writer):

        def body(iterations: int, /) -> int:
            returned = 0
            for _ in range(iterations):
                _send_frame(writer, message)
                size = _HEADER.unpack(read_exactly(reader, _HEADER.size))[0]
                returned += len(read_exactly(reader, size)) == len(message)
            return returned

        yield body


@workload(
    "floor/pipe-create",
    floor=NoFloor("making and closing a channel are the kernel's own operations"),
    by_method=False,
    revision=2,
    # A queue, which has no such parameter, is made of simplex pipes.
    duplex=fixed(False, True),
)
def pipe_create(context: BaseContext, case: Case) -> Body:
    """
    Make a raw channel and close both of its ends, in one process.

    Timed: `os.pipe` and two `os.close`, or `socket.socketpair` and two `close`
    where `duplex` is true.

    Reads as: the kernel's part of `Pipe(duplex)`.
    """
    if not case.value("duplex"):
        return unrolled_body(
            "here, there = make(); close(here); close(there)",
            {"make": os.pipe, "close": os.close},
            lambda _: True,
        )
    return unrolled_body(
        "here, there = make(); here.close(); there.close()",
        {"make": socket.socketpair},
        lambda _: True,
    )


@workload(
    "floor/socketpair-round-trip",
    metric=Metric.ROUND_TRIP,
    floor=NoFloor("one write and one read each way are the least a socket can do"),
    by_method=False,
    revision=3,
    unsupported=without_fork,
    payload_bytes=_SIZES,
)
def socketpair_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw socket pair to a forked child and get it back.

    Timed: one write and one read here, the same in the child, two wake-ups.
    Not timed: starting the child.

    Reads as: the floor of `Pipe()`, which is a socket pair unless
    `duplex=False` is asked for.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_socket(_echo_socket, len(message)) as descriptor:
        yield round_trip_body(descriptor, descriptor, message)


def _socket_pair(family: str) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection of a family."""
    if family == "AF_UNIX":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    return here, there


def _no_nagle(case: Case) -> str | None:
    """Say why a case cannot run here, or None."""
    if case.value("nodelay") and case.text("family") == "AF_UNIX":
        return "AF_UNIX has no TCP_NODELAY"
    return without_fork(case)


@workload(
    "floor/socket-round-trip",
    metric=Metric.ROUND_TRIP,
    floor=NoFloor("one write and one read each way are the least a connected socket can do"),
    by_method=False,
    revision=2,
    unsupported=_no_nagle,
    family=fixed(*_FAMILIES),
    payload_bytes=_SIZES,
    nodelay=Sweep((False,), (False,), (False, True)),
)
def socket_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw socket of a family to a forked child and get it back.

    AF_UNIX is a socket pair, AF_INET a connection over loopback TCP.

    Timed: one write and one read here, the same in the child, two wake-ups,
    and over AF_INET the network stack twice. Not timed: starting the child,
    connecting.

    Reads as: the floor of connections over that family. `nodelay` switches
    Nagle's algorithm off, which multiprocessing never does.
    """
    message = os.urandom(case.integer("payload_bytes"))
    here, there = _socket_pair(case.text("family"))
    if case.value("nodelay"):
        for end in (here, there):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with forked_over_socket(_echo_socket, len(message), pair=(here, there)) as descriptor:
        yield round_trip_body(descriptor, descriptor, message)


def _connecting(server: socket.socket, connect: Callable[[], socket.socket]) -> Body:
    """Return the body that connects to a listening socket of this process."""

    def body(iterations: int, /) -> int:
        accepted = 0
        for _ in range(iterations):
            client = connect()
            served, _ = server.accept()
            client.close()
            # End-of-file proves that both ends belong together; it is already there.
            accepted += served.recv(1) == b""
            served.close()
        return accepted

    return body


@workload(
    "floor/socket-connect",
    floor=NoFloor("connect, accept and close are the kernel's own operations"),
    by_method=False,
    family=fixed(*_FAMILIES),
)
def socket_connect(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Connect to a socket that listens in this process, accept, and close.

    Timed: `socket`, `connect`, `accept`, one `recv` of end-of-file, two
    `close`; no other process has to be woken.

    Reads as: the kernel's part of `Client` and `Listener.accept` over a
    family; what these cost above it is the handshake and the wake-ups.
    """
    family = getattr(socket, case.text("family"))
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder:
        path = f"{folder}/floor"
        if len(path.encode()) > 100:
            raise VerificationError(100, len(path.encode()), "bytes in a socket's path")
        with socket.socket(family) as server:
            server.bind(path if case.text("family") == "AF_UNIX" else ("127.0.0.1", 0))
            server.listen(16)
            address = server.getsockname()

            def connect() -> socket.socket:
                client = socket.socket(family)
                client.connect(address)
                return client

            yield _connecting(server, connect)
