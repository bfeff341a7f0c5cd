"""Runs of acquisitions of a contended lock by one process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyResult,
    Needs,
    Sweep,
    WindowCounter,
    spin,
    spin_loops,
    worker_group,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("runs",)

# Where things stand on the board: the last holder, counted from 1, and the number
# of the window; then for each worker its acquires, its runs and the longest run.
_LAST, _EPOCH, _HEAD = range(3)
_EACH = 3


def _run(counter: WindowCounter, lock: Any, board: Any, inside: int, outside: int) -> None:
    """Take the lock and note whether the same worker had it before, until told to stop."""
    mine, at = counter.index + 1, _HEAD + _EACH * counter.index
    done = epoch = 0
    acquires = runs = length = longest = 0
    while counter.running:
        with lock:
            before = board[_LAST]
            board[_LAST] = mine
            spin(inside)
        now = monotonic_ns()
        # Whoever had the lock in between has left its number.
        acquires += 1
        if before != mine:
            runs += 1
            length = 0
        length += 1
        longest = max(longest, length)
        done += 1
        if now >= counter.next_check_ns:
            if board[_EPOCH] != epoch:
                epoch = board[_EPOCH]
                acquires = runs = length = longest = 1
            # Before the crossing, which may report this window.
            board[at : at + _EACH] = [acquires, runs, longest]
            counter.advance(now, done)
        spin(outside)


@workload(
    "lock/runs",
    metric=Metric.THROUGHPUT,
    floor="lock/without-lock",
    covers=("Lock.acquire", "Lock.release"),
    facts={
        **{name: metric for name, metric in WORKER_METRICS.items() if name != "longest_wait"},
        "mean_run": Metric.COUNT,
        "longest_run": Metric.COUNT,
    },
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    revision=2,
    needs=lambda case: Needs(processes=case.integer("workers"), semaphores=True),
    workers=Sweep((2,), (2,), (2, 4)),
    critical_ns=Sweep((1_000,), (1_000,), (1_000, 100_000)),
    outside_ns=Sweep((1_000,), (1_000,), (1_000, 100_000)),
)
def runs(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Count how often in a row one process gets a contended lock.

    Timed: acquires by all workers inside a common window, as `lock/contended`;
    under the lock each worker also reads and writes the last holder's number.
    `mean_run` and `longest_run` count acquires in a row by one worker.

    Reads as: 1 is a lock that alternates. A worker that releases asks again
    before a sleeper is awake, so short work outside the lock makes long runs.
    """
    per_ns = spin_loops(1_000_000) / 1_000_000
    count = case.integer("workers")
    board: Any = context.RawArray("q", _HEAD + _EACH * count)
    loops = [round(case.integer(name) * per_ns) for name in ("critical_ns", "outside_ns")]
    members = [(_run, (context.Lock(), board, *loops))] * count
    with worker_group(context, members) as workers:

        def body(milliseconds: int, /) -> BodyResult:
            # Seen by every worker when it sees the window.
            board[_EPOCH] += 1
            outcome = workers.window(milliseconds)
            acquires, changes, longest = (board[_HEAD + place :: _EACH] for place in range(_EACH))
            if sum(acquires) < outcome.operations:
                raise WorkloadError(
                    f"expected {outcome.operations} acquires, found {sum(acquires)}"
                )
            facts = {"mean_run": sum(acquires) / sum(changes), "longest_run": max(longest)}
            return outcome._replace(facts={**outcome.facts, **facts})

        yield body
