"""The longest tasks of a worker: their index, function and arguments."""

from __future__ import annotations

import time

from . import kinds
from .call_times import CallTimes
from .recorder import now, recorder
from .wrap import drop_frame

# `typing` itself would cost each process several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ("TaskLog", "brief", "task_log")

# Shorter tasks are never described.
_LEAST_NS = 1_000_000
# A task is described when it is this much longer than all before it: few lines in all.
_LONGER, _OF = 11, 10
_MOST_ITEMS, _MOST_LETTERS, _MOST_BITS = 4, 60, 128
# Place of a chunk in its job, and CPU time, share one word.
_INDEX_BITS, _MOST = 32, (1 << 32) - 1
_NUMBERS = (float, complex, bool, type(None))


def brief(value: Any, depth: int = 2) -> str:
    """Return a short text of a value; code of the program's own never runs for it."""
    kind = type(value)
    if kind in _NUMBERS or (kind is int and value.bit_length() <= _MOST_BITS):
        return repr(value)
    if kind in (str, bytes):
        more = f"... ({len(value):,})" if len(value) > _MOST_LETTERS else ""
        return repr(value[:_MOST_LETTERS]) + more
    if kind in (tuple, list) and depth:
        items = ", ".join(brief(item, depth - 1) for item in value[:_MOST_ITEMS])
        more = f", ... ({len(value):,})" if len(value) > _MOST_ITEMS else ""
        return f"({items}{more})" if kind is tuple else f"[{items}{more}]"
    size = f" of {len(value):,}" if kind in (tuple, list, dict, set, bytearray) else ""
    return f"<{kind.__qualname__}{size}>"


def _name(function: Any) -> str:
    function = getattr(function, "func", function)
    return str(getattr(function, "__qualname__", "") or type(function).__qualname__)


class TaskLog:
    """What a worker is doing, and the longest call that it has done."""

    def __init__(self) -> None:
        self._task: Any = None
        self._began = 0
        self._longest = _LEAST_NS * _OF // _LONGER
        # Of the longest call in the present chunk: duration, place in the chunk, argument.
        self._call: tuple[int, int, Any] | None = None
        self._size = 1
        self._times = CallTimes()
        self._cpu = 0
        self._clock = getattr(time, "thread_time_ns", time.process_time_ns)

    def items(self, batch: Any) -> Iterator[Any]:
        """Yield the arguments of a chunk's calls; one reading of the clock for each."""
        longest = offset = 0
        size = len(batch)
        self._size = max(self._size, size)
        times = self._times
        # A chunk of one call is an event of its own.
        at = times.room(self._began, size) if size > 1 else 0
        words, before = times.words, now()
        for number, item in enumerate(batch):
            yield item
            after = now()
            if at:
                words[at + number] = after - before
            if after - before > longest:
                longest, offset = after - before, number
            before = after
        if at:
            times.close_chunk(at, size)
        if batch:
            self._call = longest, offset, batch[offset]

    def follow_get(self, get: Any) -> Any:
        """Return a queue's get that notes which task begins."""

        def wrapper(*args: Any, **named: Any) -> Any:
            self._finish()
            try:
                task = get(*args, **named)
            except BaseException as error:
                drop_frame(error)
                raise
            self._cpu = self._clock()
            self._task, self._began = task, now()
            return task

        return wrapper

    def follow_put(self, put: Any) -> Any:
        """Return a queue's put that notes the end of the task first: a pool may end after it."""

        def wrapper(*args: Any, **named: Any) -> Any:
            self._finish()
            try:
                return put(*args, **named)
            except BaseException as error:
                drop_frame(error)
                raise

        return wrapper

    def _finish(self) -> None:
        task, call = self._task, self._call
        self._task = self._call = None
        if task is None:
            return
        end = now()
        self._keep(task, end)
        duration = end - self._began if call is None else call[0]
        if duration * _OF <= self._longest * _LONGER:
            return
        self._longest = duration
        try:
            self._write(task, duration, call)
        except Exception:  # noqa: BLE001 - whatever a subclass has made of it; the task is done
            return

    def _keep(self, task: Any, end: int) -> None:
        """Record a chunk: the job that it is of, its place in it, and its CPU time."""
        job, index = (task[0], task[1]) if type(task) is tuple else (0, task.work_id)
        cpu_us = min(max(0, self._clock() - self._cpu) // 1000, _MOST)
        word = (index & _MOST) | cpu_us << _INDEX_BITS
        recorder().record(kinds.CHUNK, job & _MOST, self._began, end, word)

    def _write(self, task: Any, duration: int, call: tuple[int, int, Any] | None) -> None:
        if type(task) is tuple:
            # A Pool's: job, index, function, arguments, named arguments.
            _, index, function, arguments, named = task
        else:
            index, function = task.work_id, task.fn
            arguments, named = task.args, task.kwargs
        words = brief(arguments)
        if call is not None:
            # What was called is the function of the chunk, and its argument one of the batch.
            function = arguments[0][0] if type(task) is tuple else function.args[0]
            index, words = index * self._size + call[1], brief(call[2])
        elif named:
            words += f" {brief(tuple(named.items()))}"
        recorder().write_metadata(
            {
                "task": duration,
                "began_ns": self._began,
                "index": index,
                "function": _name(function),
                "arguments": words,
            }
        )


_LOGS: list[TaskLog] = []


def task_log() -> TaskLog:
    """Return this process's log of tasks."""
    if not _LOGS:
        _LOGS.append(TaskLog())
    return _LOGS[0]
