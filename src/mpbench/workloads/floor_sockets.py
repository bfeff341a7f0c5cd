"""Floors of channels: raw pipes and sockets with the framing that Connection adds."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
from typing import TYPE_CHECKING, Callable

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric
from mpbench.workload import Body, NoFloor, Sweep, workload
from mpbench.workloads.descriptors import read_exactly, write_all
from mpbench.workloads.forks import forked, without_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "framed_pipe_round_trip",
    "socketpair_round_trip",
    "tcp_connect",
    "tcp_round_trip",
    "unix_socket_connect",
)

_SIZES = Sweep((64,), (64, 65_536), (1, 64, 1_024, 16_384, 16_385, 65_536, 1 << 20))
# Connection joins header and body into one write up to this many bytes.
_JOINED = 16_384
_HEADER = struct.Struct("!i")


def _echo(reader: int, writer: int, size: int, others: tuple[int, ...]) -> None:
    """Send back what arrives, until end-of-file."""
    for descriptor in others:
        os.close(descriptor)
    while True:
        message = read_exactly(reader, size)
        if not message:
            return
        write_all(writer, message)


def _echo_frames(reader: int, writer: int, others: tuple[int, ...]) -> None:
    """Send back framed messages, until end-of-file."""
    for descriptor in others:
        os.close(descriptor)
    while True:
        header = read_exactly(reader, _HEADER.size)
        if not header:
            return
        _send_frame(writer, read_exactly(reader, _HEADER.unpack(header)[0]))


def _send_frame(writer: int, message: bytes) -> None:
    """Write as Connection does: joined when small, header and body apart when large."""
    header = _HEADER.pack(len(message))
    if len(message) > _JOINED:
        write_all(writer, header)
        write_all(writer, message)
    else:
        write_all(writer, header + message)


def _turns(reader: int, writer: int, message: bytes) -> Body:
    """Return the body of an unframed round trip."""
    size = len(message)

    def body(iterations: int, /) -> int:
        returned = 0
        for _ in range(iterations):
            write_all(writer, message)
            returned += len(read_exactly(reader, size)) == size
        return returned

    return body


@workload(
    "floor/framed-pipe-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    by_method=False,
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
    del context
    message = bytes(case.integer("payload_bytes"))
    there_reader, here_writer = os.pipe()
    here_reader, there_writer = os.pipe()
    here = (here_writer, here_reader)

    def body(iterations: int, /) -> int:
        returned = 0
        for _ in range(iterations):
            _send_frame(here_writer, message)
            size = _HEADER.unpack(read_exactly(here_reader, _HEADER.size))[0]
            returned += len(read_exactly(here_reader, size)) == len(message)
        return returned

    with forked(_echo_frames, there_reader, there_writer, here):
        os.close(there_reader)
        os.close(there_writer)
        try:
            yield body
        finally:
            os.close(here_writer)
            os.close(here_reader)


@workload(
    "floor/socketpair-round-trip",
    metric=Metric.ROUND_TRIP,
    floor=NoFloor("one write and one read each way are the least a socket can do"),
    by_method=False,
    unsupported=without_fork,
    payload_bytes=_SIZES,
)
def socketpair_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw socket pair to a forked child and get it back.

    Timed: one write and one read here, the same in the child, two wake-ups.
    Not timed: starting the child.

    Reads as: the floor of `Pipe()`, which is a socket pair unless
    `duplex=False` is asked for, and of connections over AF_UNIX.
    """
    del context
    here, there = socket.socketpair()
    message = bytes(case.integer("payload_bytes"))
    descriptor = there.fileno()
    with here, forked(_echo, descriptor, descriptor, len(message), (here.fileno(),)):
        there.close()
        try:
            yield _turns(here.fileno(), here.fileno(), message)
        finally:
            here.close()


@workload(
    "floor/tcp-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/socketpair-round-trip",
    by_method=False,
    unsupported=without_fork,
    payload_bytes=_SIZES,
    nodelay=Sweep((False,), (False,), (False, True)),
)
def tcp_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over loopback TCP to a forked child and get it back.

    Timed: one write and one read here, the same in the child, two wake-ups
    and the network stack twice. Not timed: starting the child, connecting.

    Reads as: the floor of connections over AF_INET. `nodelay` switches
    Nagle's algorithm off, which multiprocessing never does.
    """
    del context
    message = bytes(case.integer("payload_bytes"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    for end in (here, there):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, bool(case.value("nodelay")))
    descriptor = there.fileno()
    with here, forked(_echo, descriptor, descriptor, len(message), (here.fileno(),)):
        there.close()
        try:
            yield _turns(here.fileno(), here.fileno(), message)
        finally:
            here.close()


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
    "floor/unix-socket-connect",
    metric=Metric.TIME,
    floor=NoFloor("connect, accept and close are the kernel's own operations"),
    by_method=False,
)
def unix_socket_connect(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Connect to an AF_UNIX socket that listens in this process, accept, and close.

    Timed: `socket`, `connect`, `accept`, one `recv` of end-of-file, two
    `close`; no other process has to be woken.

    Reads as: the kernel's part of `Client` and `Listener.accept` over
    AF_UNIX; what these cost above it is the handshake and the wake-ups.
    """
    del context, case
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder:
        address = f"{folder}/floor"
        if len(address.encode()) > 100:
            raise VerificationError(100, len(address.encode()), "bytes in a socket's path")

        def connect() -> socket.socket:
            client = socket.socket(socket.AF_UNIX)
            client.connect(address)
            return client

        with socket.socket(socket.AF_UNIX) as server:
            server.bind(address)
            server.listen(16)
            yield _connecting(server, connect)


@workload(
    "floor/tcp-connect",
    metric=Metric.TIME,
    floor="floor/unix-socket-connect",
    by_method=False,
)
def tcp_connect(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Connect to a loopback TCP socket that listens in this process, accept, and close.

    Timed: `socket`, `connect`, `accept`, one `recv` of end-of-file, two
    `close`; no other process has to be woken.

    Reads as: the kernel's part of `Client` and `Listener.accept` over AF_INET.
    """
    del context, case
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        address = server.getsockname()

        def connect() -> socket.socket:
            client = socket.socket()
            client.connect(address)
            return client

        yield _connecting(server, connect)
