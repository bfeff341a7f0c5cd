"""Contended locks and semaphores: throughput, fairness, waiting times."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyFactory,
    Needs,
    NoFloor,
    Sweep,
    WindowCounter,
    spin,
    spin_loops,
    worker_counts,
    worker_group,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("contended", "permits", "threads", "without_lock")

# lockhammer makes both lengths mandatory, because a lock that is held for no
# time and wanted again at once is a load that no program has. They are swept
# over what a counter, a small update and a system call take.
_CRITICAL = Sweep((1_000,), (1_000, 100_000), (0, 1_000, 10_000, 100_000))
_OUTSIDE = Sweep((1_000,), (1_000,), (0, 1_000, 10_000, 100_000))


def _needs(case: Case) -> Needs:
    workers = case.integer("workers")
    return Needs(processes=workers, descriptors=16 + 2 * workers, semaphores=True)


def contend(counter: WindowCounter, lock: Any, settings: Any) -> None:
    """
    Take the lock, work, give it back, work outside, until told to stop.

    Args:
        counter: This worker's side of the windows.
        lock: What the workers want.
        settings: Shared: passes of `spin` inside and outside the lock.
    """
    acquire, release, clock = lock.acquire, lock.release, monotonic_ns
    note = counter.waits.append
    inside, outside = settings[:]
    done = 0
    while counter.running:
        asked = clock()
        acquire()
        got = clock()
        if inside:
            spin(inside)
        release()
        now = clock()
        done += 1
        note(got - asked)
        if now >= counter.next_check_ns:
            counter.advance(now, done)
            inside, outside = settings[:]
        if outside:
            spin(outside)


def _work_alone(counter: WindowCounter, settings: Any) -> None:
    """Do as `contend` does, without any lock."""
    clock = monotonic_ns
    note = counter.waits.append
    inside, outside = settings[:]
    done = 0
    while counter.running:
        asked = clock()
        got = clock()
        if inside:
            spin(inside)
        now = clock()
        done += 1
        note(got - asked)
        if now >= counter.next_check_ns:
            counter.advance(now, done)
            inside, outside = settings[:]
        if outside:
            spin(outside)


class _Lengths:
    """The lengths of the two kinds of work, shared with the workers and changed for each case."""

    def __init__(self, context: BaseContext) -> None:
        self.settings: Any = context.RawArray("q", 2)
        # Calibrated before there is any load: one millisecond, then scaled.
        self._per_ns = spin_loops(1_000_000) / 1_000_000

    def choose(self, case: Case) -> None:
        """Publish the lengths of a case; workers see them before the next window."""
        self.settings[:] = [
            round(case.integer(name) * self._per_ns) for name in ("critical_ns", "outside_ns")
        ]


def _contending(
    context: BaseContext, case: Case, work: Callable[..., None], *objects: Any
) -> Iterator[BodyFactory]:
    """Start the workers of a case; each case then publishes its lengths."""
    lengths = _Lengths(context)
    members = [(work, (*objects, lengths.settings))] * case.integer("workers")
    with worker_group(context, members) as workers:

        def bind(case: Case) -> Body:
            lengths.choose(case)
            return workers.window

        yield bind


@workload(
    "lock/contended",
    metric=Metric.THROUGHPUT,
    floor="lock/without-lock",
    covers=("Lock.acquire", "Lock.release"),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("critical_ns", "outside_ns"),
    needs=_needs,
    workers=worker_counts(quick=(2,)),
    critical_ns=_CRITICAL,
    outside_ns=_OUTSIDE,
)
def contended(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Let several processes acquire one Lock repeatedly.

    Timed: acquires by all workers whose work under the lock ended inside a
    common window. Each worker acquires, works for `critical_ns`, releases, works
    for `outside_ns`; both are busy loops calibrated on an idle CPU. Each pass
    reads the clock three times, as `lock/without-lock` does.

    Reads as: acquires per second; 1/critical_ns is the limit of any lock. The
    percentiles are waiting times, `jain` and `smallest_share` the fairness (1 is
    even), `longest_wait` the worst of the window, `cpu_share` the part of their
    time that workers were on a CPU, `cpu_per_operation` the CPU time of all
    workers for one acquire.
    """
    yield from _contending(context, case, contend, context.Lock())


@workload(
    "lock/without-lock",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("it is what contended locks are compared with: the same work without a lock"),
    facts=WORKER_METRICS,
    by_method=False,
    timing=Timing.WINDOW,
    body_params=("critical_ns", "outside_ns"),
    needs=_needs,
    workers=worker_counts(quick=(2,)),
    critical_ns=_CRITICAL,
    outside_ns=_OUTSIDE,
)
def without_lock(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Do the work of `lock/contended` without the lock.

    Timed: as there. Workers wait for a CPU only.

    Reads as: the throughput without mutual exclusion; its ratio to
    `lock/contended` is the cost of waiting, of the calls, of sleep and wake-up.
    """
    yield from _contending(context, case, _work_alone)


@workload(
    "lock/permits",
    metric=Metric.THROUGHPUT,
    floor="lock/without-lock",
    covers=("Semaphore.acquire", "Semaphore.release"),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    body_params=("critical_ns", "outside_ns"),
    needs=_needs,
    workers=Sweep((4,), (4,), (2, 4, 8)),
    permits=Sweep((2,), (2,), (1, 2, 4)),
    critical_ns=Sweep((10_000,), (10_000,), (1_000, 100_000)),
    outside_ns=Sweep((1_000,), (1_000,), (1_000,)),
)
def permits(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Let several processes share the permits of one Semaphore.

    Timed: as `lock/contended`, with a Semaphore of `permits`.

    Reads as: with as many permits as workers nobody waits for a permit; with fewer
    the others sleep.
    """
    yield from _contending(context, case, contend, context.Semaphore(case.integer("permits")))


def _contend_in_threads(counter: WindowCounter, lock: Any, settings: Any, count: int) -> None:
    """Run `count` threads that contend; whichever comes first reports for all of them."""
    counts = [0] * count
    gate = threading.Lock()
    inside, outside = settings[:]

    def contend_too(place: int) -> None:
        while counter.running:
            with lock:
                spin(inside)
            counts[place] += 1
            if monotonic_ns() >= counter.next_check_ns and gate.acquire(False):
                try:
                    # Read again: another thread may have crossed since.
                    counter.advance(monotonic_ns(), sum(counts))
                finally:
                    gate.release()
            spin(outside)

    others = [threading.Thread(target=contend_too, args=(place,)) for place in range(1, count)]
    for thread in others:
        thread.start()
    contend_too(0)
    for thread in others:
        thread.join()


@workload(
    "lock/threads",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("its own `threads=1` is the reference: the same loop in one thread"),
    covers=("Lock.acquire", "Lock.release"),
    facts={name: metric for name, metric in WORKER_METRICS.items() if name != "longest_wait"},
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    needs=_needs,
    workers=Sweep((2,), (2,), (1, 2, 4)),
    threads=Sweep((2,), (2,), (1, 2, 4)),
    critical_ns=Sweep((1_000,), (1_000,), (1_000, 100_000)),
    outside_ns=Sweep((1_000,), (1_000,), (1_000,)),
)
def threads(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several threads in each of several processes acquire one Lock.

    Timed: as `lock/contended`, with `threads` threads in each worker; counts are
    exact to one operation for each thread. The fairness is between processes.

    Reads as: the part of the GIL. A thread that waits for the lock releases the
    GIL and needs it again before it can use the lock that it got.
    """
    lengths = _Lengths(context)
    lengths.choose(case)
    arguments = (context.Lock(), lengths.settings, case.integer("threads"))
    members = [(_contend_in_threads, arguments)] * case.integer("workers")
    with worker_group(context, members) as workers:
        yield workers.window
