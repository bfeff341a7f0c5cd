"""What touches memory for the first time is no part of a hand-over."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import suppress
from typing import Any

import pytest

from mpbench.workloads.shared.segments import segment
from mpbench.workloads.shared.transfers import _UNTIMED, _consume, _hand_over, _Side


class _Counted:
    """A connection that counts the messages of one size."""

    def __init__(self, pipe: Any) -> None:
        self.send, self._send_bytes, self.messages = pipe.send, pipe.send_bytes, 0

    def send_bytes(self, message: Any) -> None:
        """Send and count."""
        self.messages += 1
        self._send_bytes(message)


def _serve(pipe: Any, side: _Side) -> None:
    with suppress(EOFError):
        _consume(pipe, side)


@pytest.mark.parametrize("transport", ["pipe", "memory-and-pipe"])
def test_the_first_messages_are_not_timed(transport: str) -> None:
    """Both copies that live at a time have been made before the first reading counts."""
    context = multiprocessing.get_context("fork")
    side = _Side(context)
    here, there = context.Pipe()
    counted: Any = _Counted(here)
    consumer = threading.Thread(target=_serve, args=(there, side), daemon=True)
    consumer.start()
    with segment(4_096) as one:
        order = (transport, one.name, 4_096, 3 + _UNTIMED)
        outcome: Any = _hand_over(counted, side, one, order)()
        here.close()
        consumer.join(20)
    there.close()

    assert (3, 3) == (outcome.operations, len(outcome.latencies_ns))
    assert 3 + 2 == counted.messages
