"""Whole messages over pipes and sockets that give them in pieces."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from mpbench.workloads.floor.descriptors import read_exactly, write_all


@pytest.mark.parametrize("size", [1, 64, 65_536, 65_537, 1 << 20])
def test_what_arrives_is_what_was_written(size: int) -> None:
    """A message larger than a socket holds is put together again."""
    message = os.urandom(size)
    here, there = socket.socketpair()
    with here, there:
        writer = threading.Thread(target=write_all, args=(here.fileno(), message))
        writer.start()
        found = read_exactly(there.fileno(), size)
        writer.join()

    assert message == found


@pytest.mark.parametrize("size", [64, 1 << 20])
@pytest.mark.parametrize("written", [0, 32])
def test_a_message_that_ends_too_soon_is_none(size: int, written: int) -> None:
    """End-of-file before or within a message gives nothing."""
    reader, writer = os.pipe()
    os.write(writer, bytes(written))
    os.close(writer)
    found = read_exactly(reader, size)
    os.close(reader)

    assert b"" == found
