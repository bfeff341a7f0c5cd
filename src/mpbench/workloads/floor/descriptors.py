"""Whole messages over raw descriptors: reading, writing, echoing, round trips."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mpbench.workload import Body

__all__ = ("echo", "read_exactly", "round_trip_body", "write_all")

# Up to here (the smallest PIPE_BUF of a Linux pipe, and less than a TCP segment) the
# kernel gives a message of one write to one read.
_WHOLE = 1_024
# Up to here a message is read at once; a socket or pipe seldom gives more.
_PIECE = 1 << 16


def read_exactly(descriptor: int, size: int) -> bytes | bytearray:
    """
    Read a whole message; b"" when the other side is gone.

    A large one is read into one buffer. To keep its pieces and join them takes
    several times as long as `Connection` does, of which this is the floor.

    Args:
        descriptor: Of a pipe or socket.
        size: Bytes of the message.
    """
    piece = b""
    if size <= _PIECE:
        piece = os.read(descriptor, size)
        if len(piece) == size or not piece:
            return piece
    whole, got = bytearray(size), len(piece)
    whole[:got] = piece
    with memoryview(whole) as view:
        while got < size:
            with view[got:] as rest:
                count = os.readv(descriptor, [rest])
            if not count:
                return b""
            got += count
    return whole


def write_all(descriptor: int, message: bytes | bytearray) -> None:
    """Write a whole message."""
    written = os.write(descriptor, message)
    while written < len(message):
        written += os.write(descriptor, memoryview(message)[written:])


def echo(reader: int, writer: int, size: int) -> None:
    """Send back messages of a size until end-of-file, with bare system calls where they do."""
    read, write = (os.read, os.write) if size <= _WHOLE else (read_exactly, write_all)
    message = read(reader, size)
    while message:
        write(writer, message)
        message = read(reader, size)


def round_trip_body(reader: int, writer: int, message: bytes) -> Body:
    """Return the body that sends a message to `echo` and waits until it is back."""
    size = len(message)
    read, write = (os.read, os.write) if size <= _WHOLE else (read_exactly, write_all)

    def body(iterations: int, /) -> int:
        returned: bytes | bytearray = b""
        whole = 0
        for _ in range(iterations):
            write(writer, message)
            returned = read(reader, size)
            whole += len(returned) == size
        return whole if returned == message else 0

    return body
