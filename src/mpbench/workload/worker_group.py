"""
Worker group: start barrier and common windows of workers that count for themselves.

A fixed count for each worker would refuse unfair runs. So the workers keep the
load on, and each counts the operations that it completes inside a window
[start, end) of the common clock. Windows are published in a shared page that
workers read between operations; nothing else passes between them meanwhile.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from multiprocessing import connection as _connection
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Metric, WorkerCount
from mpbench.workload.contract import BodyResult
from mpbench.workload.window_counter import (
    IDLE_NS,
    KEEP,
    HeaderWord,
    WindowCounter,
    WorkerWord,
    block_length,
    subsample,
    worker_offset,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = (
    "WORKER_METRICS",
    "WindowCounter",
    "WorkerGroup",
    "WorkerSpec",
    "jain_index",
    "worker_group",
)

# From announcing a window to its start: long enough for every worker to see it.
_LEAD_NS = 3_000_000

# How often a window is announced again, when the parent was held up meanwhile
# or when nothing was completed in it.
_ATTEMPTS = 10

# How much longer the next window is when nothing was completed in one: a
# machine so busy that no worker ran needs more time, not a failure.
_STRETCH = 4

# How long after a window the others keep up their load for a worker that has
# not got through yet. Then they step back, so that a starved worker delays a
# run by this much and not without limit.
_PATIENCE_NS = 1_000_000_000

# A window is not stretched beyond this.
_LONGEST_NS = 5_000_000_000

# How often the parent looks whether all have reported, in seconds.
_POLL_S = 0.000_5

# How often a waiting worker looks whether its parent still lives, in seconds.
_ORPHAN_S = 1.0

# Waiting times that one sample carries, of all workers together.
_WAITS_OF_ALL = 2_000

# The facts of every window, for a workload's declaration. `longest_wait` is
# there only where the workers note their waits.
WORKER_METRICS: Mapping[str, Metric] = {
    "jain": Metric.FAIRNESS,
    "smallest_share": Metric.EFFICIENCY,
    "longest_wait": Metric.WAITING,
    "cpu_share": Metric.SHARE,
    "cpu_per_operation": Metric.TIME,
}

# What a member runs: work(counter, *arguments) until turn.running is false.
Work = Callable[..., None]
WorkerSpec = tuple[Work, tuple[Any, ...]]


def jain_index(counts: Sequence[int]) -> float:
    """
    Return Jain's fairness index: 1 when all are equal, 1/n when one has everything.

    Jain, Chiu, Hawe: A quantitative measure of fairness, DEC TR-301, 1984.
    """
    squares = sum(count * count for count in counts)
    return sum(counts) ** 2 / (len(counts) * squares) if squares else 0.0


def _serve(
    work: Work, index: int, page: Any, pipes: tuple[Connection, Connection], arguments: Any
) -> None:
    """Run in the child: say ready, wait for the one GO, then work."""
    ready, go = pipes
    counter = WindowCounter(index, page)
    parent = os.getppid()
    ready.send_bytes(b"r")
    # Nobody reads the byte, so one write wakes every worker (WORKLOADS rule R1).
    while not go.poll(_ORPHAN_S):
        if os.getppid() != parent:
            return
    work(counter, *arguments)


def _waits_of(page: Any, chosen: Sequence[int]) -> tuple[int, ...]:
    """
    Return waiting times of the chosen workers, each operation with equal weight.

    Every worker keeps an even choice of its own waits; here each gives as many
    as its share of the operations, or a starved worker's few would weigh as
    much as a greedy one's many.
    """
    counts = {index: page[worker_offset(index) + WorkerWord.COUNT] for index in chosen}
    whole = max(1, sum(counts.values()))
    # Rounding up gives each at most one more.
    wanted = max(0, _WAITS_OF_ALL - len(counts))
    waits: list[int] = []
    for index in chosen:
        base = page[HeaderWord.WAITS] + index * KEEP
        kept = list(page[base : base + page[worker_offset(index) + WorkerWord.KEPT]])
        waits += subsample(kept, -(-wanted * counts[index] // whole))
    return tuple(waits)


def _processor_use(page: Any, workers: int) -> float:
    """Return how many CPUs the workers used at a time, on average over the window."""
    used = 0.0
    for index in range(workers):
        at = worker_offset(index)
        used += page[at + WorkerWord.CPU] / max(1, page[at + WorkerWord.SPAN])
    return used


class WorkerGroup:
    """The parent's side: publishes windows and reads what the workers counted."""

    def __init__(self, page: Any, processes: Sequence[BaseProcess]) -> None:
        self._page = page
        self.processes = tuple(processes)
        self.latest: tuple[WorkerCount, ...] = ()

    def window(self, milliseconds: int, *, counting: Sequence[int] | None = None) -> BodyResult:
        """
        Open one window and return what was completed in it.

        Args:
            milliseconds: Its length; longer only if nothing was completed in that time.
            counting: Indices of the workers whose operations count; all by default.

        Returns:
            An outcome with the facts of `WORKER_METRICS`: Jain's index and the
            smallest worker's share of an equal part, the longest wait, how
            much of their time all workers were on a CPU, and the CPU time of
            all workers per operation; and the waiting times that workers
            noted.

        Raises:
            WorkloadError: A worker ended before the window did, or no window
                could be announced in time and hold an operation.
        """
        length = milliseconds * 1_000_000
        chosen = tuple(range(len(self.processes)) if counting is None else counting)
        for _ in range(_ATTEMPTS):
            in_time = self._announce(length)
            time.sleep((length + _LEAD_NS) / 1e9)
            self._wait_for_all(WorkerWord.DONE, self._page[HeaderWord.SEQUENCE])
            outcome = self._collect(length, chosen)
            if in_time and outcome.operations:
                return outcome
            if in_time and length < _LONGEST_NS:
                length *= _STRETCH
        raise WorkloadError(
            f"{_ATTEMPTS} windows were announced too late or nothing was completed in them; "
            "the machine is too busy to measure on"
        )

    def await_load(self) -> None:
        """
        Wait until every worker is at its work, so that the first window finds the load on.

        Raises:
            WorkloadError: A worker ended instead.
        """
        self._wait_for_all(WorkerWord.BEGUN, 1)
        self._page[HeaderWord.EASE] = 0

    def _announce(self, length: int) -> bool:
        """Publish a window; return whether every worker can still see it before its start."""
        page = self._page
        start = monotonic_ns() + _LEAD_NS
        page[HeaderWord.EASE] = 0
        page[HeaderWord.START], page[HeaderWord.END] = start, start + length
        page[HeaderWord.SEQUENCE] += 1
        return monotonic_ns() + IDLE_NS <= start

    def _wait_for_all(self, word: int, value: int) -> None:
        """Wait until a word of every record has a value; at last, ease the load for it."""
        patience = monotonic_ns() + _PATIENCE_NS
        for index in range(len(self.processes)):
            while self._page[worker_offset(index) + word] != value:
                self.check()
                if monotonic_ns() > patience:
                    self._page[HeaderWord.EASE] = 1
                time.sleep(_POLL_S)

    def _collect(self, length: int, chosen: tuple[int, ...]) -> BodyResult:
        page = self._page
        workers = len(self.processes)
        offsets = [worker_offset(index) for index in chosen]
        self.latest = tuple(
            WorkerCount(
                page[at + WorkerWord.FIRST], page[at + WorkerWord.LAST], page[at + WorkerWord.COUNT]
            )
            for at in offsets
        )
        counts = [reading.operations for reading in self.latest]
        total = sum(counts)
        used = _processor_use(page, workers)
        facts: dict[str, float] = {
            "jain": jain_index(counts),
            "smallest_share": min(counts) * len(counts) / total if total else 0.0,
            "cpu_share": used / workers,
            "cpu_per_operation": used * length / max(1, total),
        }
        longest = max(page[at + WorkerWord.LONGEST] for at in offsets)
        if longest:
            facts["longest_wait"] = longest
        return BodyResult(
            operations=total,
            elapsed_ns=length,
            facts=facts,
            latencies_ns=_waits_of(page, chosen),
            workers=self.latest,
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
        self._page[HeaderWord.STOP] = 1


def _page_for(context: BaseContext, count: int) -> Any:
    length, waits = block_length(count)
    page = context.RawArray("q", length)
    page[HeaderWord.WAITS] = waits
    return page


def _await_exits(processes: Sequence[BaseProcess]) -> None:
    """
    Wait for workers that were told to stop.

    Raises:
        WorkloadError: One ended with an exit code other than 0; the others may
            wait for it for ever and are not waited for.
    """
    left = {process.sentinel: index for index, process in enumerate(processes)}
    while left:
        for sentinel in _connection.wait(list(left)):
            assert isinstance(sentinel, int)
            index = left.pop(sentinel)
            processes[index].join()
            if processes[index].exitcode != 0:
                raise WorkloadError(
                    f"worker {index} of {len(processes)} ended with exit code "
                    f"{processes[index].exitcode}, expected 0; see the agent's stderr"
                )


def _end(processes: Sequence[BaseProcess]) -> None:
    """End what is left, after a failure."""
    for process in processes:
        if process.exitcode is None:
            process.kill()
        process.join()


@contextmanager
def worker_group(context: BaseContext, members: Sequence[WorkerSpec]) -> Iterator[WorkerGroup]:
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
        group = WorkerGroup(page, processes)
        for _ in processes:
            while not _connection.wait([ready_here], timeout=0.5):
                group.check()
            ready_here.recv_bytes()
        go_here.send_bytes(b"g")
        group.await_load()
        yield group
        group.stop()
        _await_exits(processes)
    finally:
        _end(processes)
        for process in processes:
            process.close()
        for pipe in (ready_here, ready_there, go_here, go_there):
            pipe.close()
