"""What a receiver stamps: that it has the message, and nothing that it does with it."""

from __future__ import annotations

from typing import Any

import pytest

from mpbench.workload import message_timing


class _Control:
    """The child's end of a connection that keeps what was sent."""

    def __init__(self, order: list[str]) -> None:
        self.reports: list[Any] = []
        self._order = order

    def send_bytes(self, message: bytes) -> None:
        """Note an answer."""
        self._order.append({b"r": "ready", b"a": "answer"}[message])

    def send(self, report: Any) -> None:
        """Keep the report."""
        self.reports.append(report)


def test_what_follows_an_arrival_comes_after_its_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    """task_done is called when the clock has been read, and before the answer."""
    order: list[str] = []
    control: Any = _Control(order)
    monkeypatch.setattr(message_timing, "monotonic_ns", lambda: order.append("stamp") or 7)

    def get() -> bytes:
        order.append("get")
        return b"m"

    message_timing.note_arrivals(control, get, 2, afterwards=lambda: order.append("done"))

    assert ["ready", *["get", "stamp", "done", "answer"] * 2] == order
    assert [([7, 7], b"m")] == control.reports
