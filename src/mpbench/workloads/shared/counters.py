"""Shared numbers written by several processes: counters, false sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    WindowCounter,
    WorkerGroup,
    fixed,
    worker_group,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("contended_counter", "false_sharing")

# Workers here do not note single waits.
_FACTS = {name: metric for name, metric in WORKER_METRICS.items() if name != "longest_wait"}

# As integers, in the order of the shared choice.
_KINDS = ("Value", "RawValue-and-Lock", "unlocked", "slots")

# 256 bytes between two workers' own counters, so that no cache line is shared.
_STRIDE = 32


def _needs(case: Case) -> Needs:
    workers = case.integer("workers")
    return Needs(processes=workers, descriptors=16 + 2 * workers, semaphores=True)


class _Counters:
    """One counter of each kind, the choice among them, and what every worker has done."""

    def __init__(self, context: BaseContext, workers: int) -> None:
        self.value: Any = context.Value("q", 0)
        self.raw: Any = context.RawValue("q", 0)
        self.lock: Any = context.Lock()
        self.unlocked: Any = context.RawValue("q", 0)
        self.slots: Any = context.RawArray("q", _STRIDE * workers)
        self.choice: Any = context.RawValue("i", 0)
        self.totals: Any = context.RawArray("q", workers)

    def sum(self, kind: str) -> int:
        """Read a counter; nobody may be writing."""
        counters = {"Value": self.value, "RawValue-and-Lock": self.raw, "unlocked": self.unlocked}
        return sum(self.slots) if kind == "slots" else int(counters[kind].value)


def _adder(counters: _Counters, index: int) -> Callable[[], None]:
    """Return what adds one to the chosen counter."""
    value, raw, unlocked, slots = counters.value, counters.raw, counters.unlocked, counters.slots
    lock, mine = counters.lock, _STRIDE * index

    def add_to_value() -> None:
        with value.get_lock():
            value.value += 1

    def add_to_raw() -> None:
        with lock:
            raw.value += 1

    def add_unlocked() -> None:
        unlocked.value += 1

    def add_to_slot() -> None:
        slots[mine] += 1

    return (add_to_value, add_to_raw, add_unlocked, add_to_slot)[counters.choice.value]


def _count(counter: WindowCounter, counters: _Counters) -> None:
    """Add one again and again; stand still between windows, so that the sum can be read."""
    clock, totals = monotonic_ns, counters.totals
    done = 0
    counter.wait_for_window()
    add = _adder(counters, counter.index)
    while counter.running:
        add()
        now = clock()
        done += 1
        if now >= counter.next_check_ns:
            # Before the crossing, which may report this window.
            totals[counter.index] = done
            counter.advance(now, done)
            if counter.is_idle:
                counter.wait_for_window()
                add = _adder(counters, counter.index)


def _counted(workers: WorkerGroup, counters: _Counters, kind: str, milliseconds: int) -> BodyResult:
    """Open a window on a kind of counter, and compare its growth with what was added."""
    counters.choice.value = _KINDS.index(kind)
    growth, added = -counters.sum(kind), -sum(counters.totals)
    outcome = workers.window(milliseconds)
    growth += counters.sum(kind)
    added += sum(counters.totals)
    lost = added - growth
    if kind != "unlocked" and lost:
        raise VerificationError(added, growth, f"increments of {kind} are lost")
    facts = {**outcome.facts, "lost_updates": lost, "lost_share": lost / added}
    return outcome._replace(facts=facts)


@workload(
    "shared/contended-counter",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("its kind `slots` is the floor: every worker has a counter of its own"),
    covers=(
        "Value",
        "RawValue",
        "Synchronized.get_lock",
        "Synchronized.value",
        "Lock.acquire",
        "Lock.release",
    ),
    facts={**_FACTS, "lost_updates": Metric.COUNT, "lost_share": Metric.SHARE},
    timing=Timing.WINDOW,
    body_params=("kind",),
    revision=2,
    needs=_needs,
    workers=Sweep((2,), (2, 4), (1, 2, 3, 4, 6, 8, 16)),
    kind=fixed(*_KINDS),
)
def contended_counter(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Let several processes increment the same number.

    Timed: increments by all workers inside a common window. `Value` uses `with
    value.get_lock()`, `RawValue-and-Lock` a plain Lock around a RawValue,
    `unlocked` no lock, `slots` a number for each worker. Each pass also calls a
    function and reads the clock.

    Reads as: increments per second. After every window all workers stop and the
    number is compared with the increments: `lost_updates` and `lost_share` say how
    many an unlocked counter lost. A locked kind that loses one fails.
    """
    counters = _Counters(context, case.integer("workers"))
    with worker_group(context, [(_count, (counters,))] * case.integer("workers")) as workers:

        def bind(case: Case) -> Body:
            kind = case.text("kind")
            return lambda milliseconds, /: _counted(workers, counters, kind, milliseconds)

        yield bind


# Writes between two readings of the clock: a single one costs less than the reading.
_BATCH = 100


def _write(counter: WindowCounter, octets: Any, place: Any) -> None:
    """Write one byte of one's own again and again, in batches."""
    clock = monotonic_ns
    view = memoryview(octets).cast("B")
    done = 0
    mine = place[counter.index]
    while counter.running:
        for number in range(_BATCH):
            view[mine] = number
        now = clock()
        done += 1
        if now >= counter.next_check_ns:
            counter.advance(now, done)
            mine = place[counter.index]


@workload(
    "shared/false-sharing",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("the largest distance is the floor: the writers share no cache line"),
    covers=("RawArray",),
    facts=_FACTS,
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    body_params=("distance_bytes",),
    needs=Needs(processes=2),
    distance_bytes=fixed(1, 64, 128, 4_096),
)
def false_sharing(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Let two processes write different bytes that lie close together.

    Timed: batches of 100 single-byte writes through a memoryview, by both workers,
    inside a common window; one operation is one batch.

    Reads as: the disturbance between neighbours. Bytes of one cache line travel
    between the CPUs; from 64 bytes on (128 where lines are fetched in pairs) they do
    not. Writes from Python are slow, so the effect is smaller than in C.
    """
    import ctypes

    octets: Any = context.RawArray("B", 3 * 4_096)
    place: Any = context.RawArray("q", 2)
    # A page boundary, so that the distance alone decides about cache lines.
    start = -ctypes.addressof(octets) % 4_096
    with worker_group(context, [(_write, (octets, place))] * 2) as workers:

        def bind(case: Case) -> Body:
            place[:] = [start, start + case.integer("distance_bytes")]
            return workers.window

        yield bind
