"""Whole messages over raw descriptors: a pipe or socket takes and gives what fits."""

from __future__ import annotations

import os

__all__ = ("read_exactly", "write_all")

# What a continued read takes at once.
_PIECE = 1 << 18


def read_exactly(descriptor: int, size: int) -> bytes:
    """
    Read a whole message; b"" when the other side is gone.

    Args:
        descriptor: Of a pipe or socket.
        size: Bytes of the message.
    """
    piece = os.read(descriptor, size)
    if len(piece) == size or not piece:
        return piece
    pieces, missing = [piece], size - len(piece)
    while missing:
        piece = os.read(descriptor, min(missing, _PIECE))
        if not piece:
            return b""
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def write_all(descriptor: int, message: bytes) -> None:
    """Write a whole message."""
    written = os.write(descriptor, message)
    while written < len(message):
        written += os.write(descriptor, memoryview(message)[written:])
