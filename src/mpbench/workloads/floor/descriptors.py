"""Whole messages over raw descriptors: a pipe or socket takes and gives what fits."""

from __future__ import annotations

import os

__all__ = ("read_exactly", "write_all")

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
