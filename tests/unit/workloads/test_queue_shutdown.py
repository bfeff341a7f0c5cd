"""How a crew that waits for its queue is let out."""

from __future__ import annotations

from queue import Full

import pytest

from mpbench.workloads.queue.producers_consumers import _let_out


class Process:
    """A process that ends after its exit code was asked for some times."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    @property
    def exitcode(self) -> int | None:
        """None while it lives."""
        self._looks -= 1
        return None if self._looks > 0 else 0


class Gang:
    """Two processes that are asked to stop."""

    def __init__(self) -> None:
        self.processes = (Process(3), Process(3))
        self.is_stopped = False

    def stop(self) -> None:
        """Take note."""
        self.is_stopped = True


class Crowded:
    """A queue whose room is taken by items that have not been written yet."""

    def __init__(self) -> None:
        self.refused = 0

    def empty(self) -> bool:
        """Nothing can be got."""
        return True

    def put(self, item: bytes) -> None:
        """Wait for room for ever."""
        pytest.fail(f"put of {item!r} would never return")

    def put_nowait(self, item: bytes) -> None:
        """Refuse: there is no room."""
        del item
        self.refused += 1
        raise Full


def test_letting_out_never_waits_for_room() -> None:
    """A full queue that shows nothing to get does not hold up the end of a crew."""
    workers, queue = Gang(), Crowded()

    _let_out(workers, queue, 1)

    assert workers.is_stopped
    assert queue.refused > 0
