"""Hand-offs of a lock between processes; a stopped lock holder."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    WindowCounter,
    child_server,
    intervals,
    latency_result,
    spin,
    spin_loops,
    subsample,
    worker_group,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("convoy", "hand_off")

# How long a holder stays stopped: some scheduling periods of an ordinary kernel.
_PAUSE_S = 0.02

# How often the parent looks whether the lock has moved on, in seconds.
_POLL_S = 0.000_5

# Where things stand on the board: who has the lock, which stopped worker it
# shall move on from, and when it did. Workers are counted from 1.
_HOLDER, _STOPPED, _TAKEN = range(3)

# How long it may take to find a worker that holds the lock.
_PATIENCE_NS = 5_000_000_000


_NEEDS = Needs(processes=1, semaphores=True)


def _cpus(placement: str) -> tuple[int, int] | None:
    """Return the CPUs of parent and child, or None where the scheduler chooses."""
    if placement == "os":
        return None
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[0] if placement == "same-cpu" else usable[1])


def _cannot_place(case: Case) -> str | None:
    placement = case.text("placement")
    if placement == "os":
        return None
    if not hasattr(os, "sched_setaffinity"):
        return "this platform does not let a process choose its CPU"
    if placement == "two-cpus" and len(os.sched_getaffinity(0)) < 2:
        return "only one CPU is usable here"
    return None


@contextmanager
def _placed(cpu: int | None) -> Iterator[None]:
    """Run the block on one CPU, then on those of before."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _answer(pipe: Connection, locks: tuple[Any, Any], stop: Any, cpu: int | None) -> None:
    """Give the turn back as often as it comes."""
    mine, theirs = locks
    acquire, release = mine.acquire, theirs.release
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    pipe.send_bytes(b"r")
    while acquire():
        if stop.value:
            return
        release()


@workload(
    "lock/hand-off",
    floor="floor/semaphore-hand-off",
    covers=tuple(
        f"{kind}.{call}"
        for kind in ("Semaphore", "Lock", "BoundedSemaphore")
        for call in ("acquire", "release")
    ),
    needs=_NEEDS,
    unsupported=_cannot_place,
    kind=Sweep(("Semaphore",), ("Semaphore",), ("Semaphore", "Lock", "BoundedSemaphore")),
    placement=Sweep(("os",), ("os",), ("os", "same-cpu", "two-cpus")),
)
def hand_off(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Pass control to a sleeping process and back with two semaphores.

    Timed: one hand-off, half of a round trip of one `release()` and one
    `acquire()` on each side. The percentiles are of halves of single round
    trips. Not timed: starting the child.

    Reads as: the delay until another process continues: a wake-up by the
    scheduler. `placement` says whether both share a CPU.
    """
    make = getattr(context, case.text("kind"))
    # One permit each, taken here: what is released there is acquired by the other side.
    there, here = make(), make()
    there.acquire()
    here.acquire()
    stop = context.RawValue("b", 0)
    ours, theirs = _cpus(case.text("placement")) or (None, None)
    with child_server(context, _answer, (there, here), stop, theirs) as pipe, _placed(ours):
        pipe.recv_bytes()

        def body(iterations: int, /) -> BodyResult:
            acquire, release, clock = here.acquire, there.release, monotonic_ns
            rounds = max(1, iterations // 2)
            stamps = [clock()]
            done = 0
            for _ in range(rounds):
                release()
                done += acquire()
                stamps.append(clock())
            if done != rounds:
                raise WorkloadError(f"expected {rounds} answers, found {done}")
            return BodyResult(
                operations=2 * done,
                elapsed_ns=stamps[-1] - stamps[0],
                latencies_ns=subsample([step // 2 for step in intervals(stamps)]),
            )

        try:
            yield body
        finally:
            stop.value = 1
            there.release()


def _hold(counter: WindowCounter, lock: Any, board: Any, loops: int) -> None:
    """Take the lock, say so on the board, and work under it, until told to stop."""
    done = 0
    mine = counter.index + 1
    while counter.running:
        with lock:
            now = monotonic_ns()
            board[_HOLDER] = mine
            if board[_STOPPED] not in (0, mine):
                # The first turn of another worker after a holder was stopped.
                board[_TAKEN] = now
                board[_STOPPED] = 0
            spin(loops)
            board[_HOLDER] = 0
        done += 1
        if now >= counter.next_check_ns:
            counter.advance(now, done)


def _stop_the_holder(board: Any, pids: tuple[int, ...]) -> int:
    """Stop a worker that holds the lock; return which."""
    limit = monotonic_ns() + _PATIENCE_NS
    while monotonic_ns() < limit:
        holder = board[_HOLDER]
        if not holder:
            continue
        os.kill(pids[holder - 1], signal.SIGSTOP)
        # Stopping takes effect on the other CPU a little later.
        time.sleep(_PAUSE_S)
        if board[_HOLDER] == holder:
            return int(holder)
        os.kill(pids[holder - 1], signal.SIGCONT)
    raise WorkloadError(f"no holder could be stopped within {_PATIENCE_NS} ns; do the workers run?")


def _lacks_signals(case: Case) -> str | None:
    return None if hasattr(signal, "SIGSTOP") else "this platform cannot stop a process"


@workload(
    "lock/convoy",
    metric=Metric.LATENCY,
    floor=NoFloor("a stopped process has no cheaper form; lock/hand-off is the ordinary turn"),
    covers=("Lock.acquire", "Lock.release"),
    tier=Tier.FULL,
    unsupported=_lacks_signals,
    needs=lambda case: Needs(processes=case.integer("workers"), semaphores=True),
    workers=Sweep((2,), (2,), (2, 4)),
)
def convoy(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Stop the process that holds a contended lock, continue it, and wait for the next holder.

    Timed: from the signal that continues the stopped holder until another worker
    has the lock. Not timed: the 20 ms of the stop. The work under the lock takes
    200 us.

    Reads as: how long a lock needs to move on after its holder was descheduled:
    the holder runs, finishes its work and loses the race for its own lock.
    """
    board: Any = context.RawArray("q", 3)
    loops = spin_loops(200_000)
    members = [(_hold, (context.Lock(), board, loops))] * case.integer("workers")
    with worker_group(context, members) as workers:
        pids = tuple(int(process.pid or 0) for process in workers.processes)

        def recovery() -> int:
            holder = board[_STOPPED] = _stop_the_holder(board, pids)
            started = monotonic_ns()
            os.kill(pids[holder - 1], signal.SIGCONT)
            while board[_STOPPED]:
                workers.check()
                # Not a busy loop: the workers need the CPUs.
                time.sleep(_POLL_S)
            return int(board[_TAKEN]) - started

        def body(iterations: int, /) -> BodyResult:
            try:
                latencies = [recovery() for _ in range(iterations)]
            finally:
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)
            return latency_result(latencies, iterations)

        yield body
