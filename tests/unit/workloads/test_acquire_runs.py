"""A worker that notes who had the lock before it keeps its notes outside."""

from __future__ import annotations

from typing import Any

from mpbench.workloads.lock.acquire_runs import _EPOCH, _HEAD, _run


class _Lock:
    """A lock that others take before some of our turns."""

    def __init__(self, board: _Board, holders: list[int]) -> None:
        self._board, self._holders = board, holders
        self.held = False

    def __enter__(self) -> None:
        other = self._holders.pop(0)
        if other:
            self._board.words[0] = other
        self.held = True

    def __exit__(self, *_: object) -> None:
        self.held = False


class _Board:
    """Shared words that count how often they are used under the lock."""

    def __init__(self, length: int) -> None:
        self.words = [0] * length
        self.lock: _Lock | None = None
        self.under_lock = 0

    def _look(self) -> None:
        self.under_lock += self.lock is not None and self.lock.held

    def __getitem__(self, place: Any) -> Any:
        self._look()
        return self.words[place]

    def __setitem__(self, place: Any, value: Any) -> None:
        self._look()
        self.words[place] = value


class _Turn:
    """A worker's turn that crosses at every pass and ends after some."""

    index = 0
    next_check_ns = 0

    def __init__(self, passes: int) -> None:
        self._left = passes

    @property
    def running(self) -> bool:
        """Whether passes are left."""
        self._left -= 1
        return self._left >= 0

    def advance(self, now: int, done: int) -> None:
        """Take no note."""


def _worked(holders: list[int], epoch: int = 0) -> _Board:
    """Work once for each holder that came before, 0 for nobody."""
    board = _Board(_HEAD + 6)
    board.words[_EPOCH] = epoch
    board.lock = _Lock(board, list(holders))
    turn: Any = _Turn(len(holders))
    _run(turn, board.lock, board, 1, 1)
    return board


def test_two_words_are_used_under_the_lock() -> None:
    """Anything more lengthens the work of which the case says how long it is."""
    board = _worked([0, 0, 2, 0])

    assert 4 * 2 == board.under_lock


def test_runs_are_counted_by_whoever_makes_them() -> None:
    """Three in a row, one after another worker, and two after it once more."""
    board = _worked([0, 0, 0, 2, 2, 0])

    assert [6, 3, 3] == board.words[_HEAD : _HEAD + 3]


def test_a_new_window_begins_with_the_acquire_that_sees_it() -> None:
    """What was noted before the parent's announcement is forgotten."""
    board = _worked([0, 0, 2], epoch=1)

    assert [3, 2, 2] == board.words[_HEAD : _HEAD + 3]
