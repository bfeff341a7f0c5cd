"""
Workers that time themselves: a ready handshake, one GO, and common windows.

A fixed count for each worker would refuse exactly the unfair runs that one
wants to see, so the crew keeps its load on all the time and every worker
counts the operations that it completes inside a window [start, end) of the
common clock. Windows are published in a shared page that workers look at
between operations; nothing else passes between them while the load is on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import connection as _connection
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import WorkerReading
from mpbench.workload.contract import Outcome

__all__ = ("Crew", "Member", "Turn", "crew", "jain_index")

# Where each thing stands in the page of 64-bit integers.
_SEQUENCE, _START, _END, _STOP = range(4)
_DONE, _FIRST, _LAST, _COUNT, _KEPT, _LONGEST = range(6)
# 256 bytes between workers, so that no two share a cache line or its prefetched
# neighbour (will-it-scale uses the same distance).
_STRIDE = 32
# Waiting times kept of one worker in one window; more are thinned evenly.
_KEEP = 1_000
# How often a worker without a window looks for one.
_IDLE_NS = 500_000
# From publishing a window to its start: long enough for every worker to see it.
_LEAD_NS = 3_000_000

# What a member runs: work(turn, *arguments) until turn.running is false.
Work = Callable[..., None]
Member = tuple[Work, tuple[Any, ...]]


def jain_index(counts: Sequence[int]) -> float:
    """
    Return Jain's fairness index: 1 when all are equal, 1/n when one has everything.

    Jain, Chiu, Hawe: A quantitative measure of fairness, DEC TR-301, 1984.
    """
    squares = sum(count * count for count in counts)
    return sum(counts) ** 2 / (len(counts) * squares) if squares else 0.0


class Turn:
    """
    One worker's side of the windows.

    A worker loops while `running`, and after each operation reads the clock;
    when the reading reaches `edge` it calls `cross`. A worker that wants its
    waiting times kept appends one to `waits` for each operation.
    """

    def __init__(self, index: int, page: Any) -> None:
        self.index = index
        self.running = True
        self.edge = 0
        self.waits: list[int] = []
        self._page = page
        self._at = _STRIDE * (index + 1)
        self._seen = 0
        self._inside: tuple[int, int] | None = None
        self._pending: tuple[int, int] | None = None

    def cross(self, now: int, done: int) -> None:
        """
        Take note of the time after the *done*-th operation.

        Args:
            now: The clock, read after that operation.
            done: Operations completed since the worker began.
        """
        if self._inside is not None and now >= self._inside[1]:
            self._leave(now, done)
        if self._inside is None:
            self._look(now, done)

    def _look(self, now: int, done: int) -> None:
        page = self._page
        if page[_STOP]:
            self.running = False
            return
        if self._pending is None and page[_SEQUENCE] != self._seen:
            self._seen = page[_SEQUENCE]
            self._pending = (page[_START], page[_END])
        if self._pending is None:
            self.waits.clear()
            self.edge = now + _IDLE_NS
        elif now < self._pending[0]:
            self.edge = self._pending[0]
        else:
            self._enter(now, done)

    def _enter(self, now: int, done: int) -> None:
        assert self._pending is not None
        start, end = self._pending
        self._pending = None
        # The operation that ended just now is the first inside the window.
        self._first, self._before = now, done - 1
        self._inside = (start, end)
        del self.waits[:-1]
        self.edge = end
        if now >= end:
            self._leave(now, done)

    def _leave(self, now: int, done: int) -> None:
        at, page = self._at, self._page
        # The operation that ended just now ended after the window.
        kept = self.waits[:-1]
        page[at + _LONGEST] = max(self.waits, default=0)
        if len(kept) > _KEEP:
            step = len(kept) / _KEEP
            kept = [kept[int(place * step)] for place in range(_KEEP)]
        page[at + _FIRST], page[at + _LAST] = self._first, now
        page[at + _COUNT] = done - self._before - 1
        page[at + _KEPT] = len(kept)
        if kept:
            base = page[_STOP + 1] + self.index * _KEEP
            page[base : base + len(kept)] = kept
        page[at + _DONE] = self._seen
        self._inside = None
        self.waits.clear()
        self.edge = now + _IDLE_NS


def _serve(
    work: Work, index: int, page: Any, pipes: tuple[Connection, Connection], arguments: Any
) -> None:
    """Run in the child: say ready, wait for the one GO, then work."""
    ready, go = pipes
    turn = Turn(index, page)
    ready.send_bytes(b"r")
    # Nobody reads the byte, so one write wakes every worker (WORKLOADS rule R1).
    go.poll(None)
    work(turn, *arguments)


class Crew:
    """The parent's side: publishes windows and reads what the workers counted."""

    def __init__(self, page: Any, processes: Sequence[BaseProcess]) -> None:
        self._page = page
        self.processes = tuple(processes)
        self.latest: tuple[WorkerReading, ...] = ()

    def window(self, milliseconds: int, *, counting: Sequence[int] | None = None) -> Outcome:
        """
        Open one window and return what was completed in it.

        Args:
            milliseconds: Its length.
            counting: Indices of the workers whose operations count; all by default.

        Returns:
            An outcome with the facts `jain` (1 is fair) and `longest_wait`
            (nanoseconds), and the waiting times that workers noted.

        Raises:
            WorkloadError: A worker ended before the window did.
        """
        page = self._page
        length = milliseconds * 1_000_000
        start = monotonic_ns() + _LEAD_NS
        page[_START], page[_END] = start, start + length
        page[_SEQUENCE] += 1
        time.sleep((length + _LEAD_NS) / 1e9)
        self._wait_for(page[_SEQUENCE])
        chosen = range(len(self.processes)) if counting is None else counting
        return self._collect(length, tuple(chosen))

    def _wait_for(self, sequence: int) -> None:
        for index in range(len(self.processes)):
            while self._page[_STRIDE * (index + 1) + _DONE] != sequence:
                self.check()
                time.sleep(0.0005)

    def _collect(self, length: int, chosen: tuple[int, ...]) -> Outcome:
        page = self._page
        readings: list[WorkerReading] = []
        waits: list[int] = []
        longest = 0
        for index in chosen:
            at = _STRIDE * (index + 1)
            readings.append(WorkerReading(page[at + _FIRST], page[at + _LAST], page[at + _COUNT]))
            longest = max(longest, page[at + _LONGEST])
            base = page[_STOP + 1] + index * _KEEP
            waits += page[base : base + page[at + _KEPT]]
        self.latest = tuple(readings)
        counts = [reading.operations for reading in readings]
        facts: Mapping[str, float] = {"jain": jain_index(counts), "longest_wait": longest}
        return Outcome(
            operations=sum(counts),
            elapsed_ns=length,
            facts=facts,
            latencies_ns=tuple(waits),
            workers=tuple(readings),
        )

    def check(self) -> None:
        """
        Make sure that every worker is alive.

        Raises:
            WorkloadError: One is not.
        """
        for index, process in enumerate(self.processes):
            if process.exitcode is not None:
                raise WorkloadError(
                    f"worker {index} of {len(self.processes)} ended with exit code "
                    f"{process.exitcode} while it should have worked; see the agent's stderr"
                )

    def stop(self) -> None:
        """Ask the workers to end after their next look at the page."""
        self._page[_STOP] = 1


def _page_for(context: BaseContext, count: int) -> Any:
    head = _STRIDE * (count + 1)
    page = context.RawArray("q", head + count * _KEEP)
    page[_STOP + 1] = head
    return page


def _end(processes: Sequence[BaseProcess]) -> None:
    """End what is left, after a failure."""
    for process in processes:
        if process.exitcode is None:
            process.kill()
        process.join()


@contextmanager
def crew(context: BaseContext, members: Sequence[Member]) -> Iterator[Crew]:
    """
    Start workers, let all go at once, and stop them at the end.

    Args:
        context: Where the processes come from.
        members: For each worker its top-level function and its arguments.

    Raises:
        WorkloadError: A worker died, or ended with an exit code other than 0.
    """
    page = _page_for(context, len(members))
    ready_here, ready_there = context.Pipe(duplex=False)
    go_there, go_here = context.Pipe(duplex=False)
    processes: list[BaseProcess] = []
    try:
        for index, (work, arguments) in enumerate(members):
            processes.append(
                context.Process(  # type: ignore[attr-defined]  # BaseContext has no Process in typeshed
                    target=_serve,
                    args=(work, index, page, (ready_there, go_there), arguments),
                    daemon=True,
                )
            )
            processes[-1].start()
        gang = Crew(page, processes)
        for _ in processes:
            while not _connection.wait([ready_here], timeout=0.5):
                gang.check()
            ready_here.recv_bytes()
        go_here.send_bytes(b"g")
        yield gang
        gang.stop()
        for index, process in enumerate(processes):
            process.join()
            if process.exitcode != 0:
                raise WorkloadError(f"worker {index} ended with exit code {process.exitcode}")
    finally:
        _end(processes)
        for process in processes:
            process.close()
        for pipe in (ready_here, ready_there, go_here, go_there):
            pipe.close()
