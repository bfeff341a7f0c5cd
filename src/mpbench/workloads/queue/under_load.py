"""Queues under load: a full queue, a feeder thread beside a busy main thread."""

from __future__ import annotations

import os
import sys
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    Verifier,
    child_server,
    fixed,
    pair_deliveries,
    spin,
    spin_loops,
    subsample,
    workload,
)
from mpbench.workloads.queue.latency import end_queue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("back_pressure", "feeder_under_load")

_NEEDS = Needs(processes=2, descriptors=32, semaphores=True)
# Passes of the busy loop after which an item counts as lost: some ten seconds.
_LOST = 200_000_000


# A sample of `queue/back-pressure` holds so many puts for each iteration: the
# harness counts filling and emptying the queue, and would ask for one put only.
_PUTS = 200
# The queue is full when so many puts in a row had to wait for the reader.
_WAITED = 8


def _serve_slowly(control: Connection, queue: Any, loops: int) -> None:
    """Get items and work on each until None comes, and report when each was here."""
    while True:
        control.recv_bytes()
        stamps: list[int] = []
        control.send_bytes(b"r")
        while queue.get() is not None:
            stamps.append(monotonic_ns())
            spin(loops)
        control.send(stamps)


def _fill(put: Callable[[Any], None], item: bytes, maxsize: int, service_ns: int) -> int:
    """
    Put until the queue is full and each put waits for the reader.

    Returns:
        How many items it took.

    Raises:
        WorkloadError: The queue does not become full.
    """
    clock, limit = monotonic_ns, 20 * maxsize + 2_000
    row = 0
    for number in range(1, limit + 1):
        before = clock()
        put(item)
        row = row + 1 if clock() - before > service_ns // 4 else 0
        if row >= _WAITED and number >= 2 * maxsize:
            return number
    raise WorkloadError(f"{limit} puts did not fill a queue of {maxsize}: its reader is faster")


def _backlog(returned: list[int], got: list[int], before: int) -> int:
    """
    Return how many items stood in the queue when a put returned, at the median.

    Args:
        returned: When each timed put returned.
        got: When the reader had each item, the first ones included.
        before: How many items were put before the first timed one.
    """
    stood = [
        before + number - bisect_right(got, now) for number, now in enumerate(returned, start=1)
    ]
    return sorted(stood)[len(stood) // 2]


@workload(
    "queue/back-pressure",
    floor=NoFloor("a put into a full queue takes as long as the reader takes for an item"),
    covers=("Queue", "Queue.put", "Queue.get"),
    facts={"sojourn": Metric.LATENCY},
    revision=2,
    needs=_NEEDS,
    maxsize=Sweep((1,), (1, 100), (1, 10, 100, 1_000)),
    service_us=fixed(50),
    payload_bytes=fixed(64),
)
def back_pressure(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Put into a full bounded queue whose reader works on each item.

    Timed: each put, 200 or more in a row, while the queue is full, which is
    verified. The fact `sojourn` is the time from before a put until the reader
    got that item. Not timed: filling and emptying the queue.

    Reads as: put takes as long as the reader, whatever `maxsize` is; a larger
    queue only makes every item older.
    """
    maxsize, item = case.integer("maxsize"), os.urandom(case.integer("payload_bytes"))
    queue = context.Queue(maxsize)
    service_ns = case.integer("service_us") * 1_000
    try:
        with child_server(context, _serve_slowly, queue, spin_loops(service_ns)) as control:
            yield _pressing(control, queue, item, maxsize, service_ns)
    finally:
        end_queue(queue)


def _pressing(control: Connection, queue: Any, item: bytes, maxsize: int, service_ns: int) -> Body:
    """Return the body that puts into a full queue."""

    def body(iterations: int, /) -> Verifier:
        clock, put, count = monotonic_ns, queue.put, iterations * _PUTS
        control.send_bytes(b"s")
        control.recv_bytes()
        first = _fill(put, item, maxsize, service_ns)
        sent: list[int] = []
        returned: list[int] = []
        for _ in range(count):
            sent.append(clock())
            put(item)
            returned.append(clock())
        put(None)
        got = control.recv()

        def check() -> BodyResult:
            if len(got) != first + count:
                raise VerificationError(first + count, len(got), "items were got")
            backlog = _backlog(returned, got, first)
            if 2 * backlog < maxsize:
                raise WorkloadError(f"the queue of {maxsize} held only {backlog} items")
            facts = {"sojourn": (sum(got[first:]) - sum(sent)) / count}
            waits = [after - before for before, after in zip(sent, returned)]
            return BodyResult(count, count, sum(waits), facts, subsample(waits))

        return check

    return body


def _raise_flag(control: Connection, queue: Any, flag: Any) -> None:
    """Stamp items when they are here, and say so in shared memory."""
    while True:
        count = control.recv()
        stamps: list[int] = []
        control.send_bytes(b"r")
        for number in range(1, count + 1):
            queue.get()
            stamps.append(monotonic_ns())
            flag.value = number
        control.send(stamps)


def _spin_until(flag: Any, number: int) -> None:
    """
    Run Python code without a system call until the flag shows a number.

    Raises:
        WorkloadError: It never does.
    """
    for _ in range(_LOST):
        if flag.value == number:
            return
    raise WorkloadError(f"item {number} has not arrived after {_LOST} looks at the flag")


@workload(
    "queue/feeder-under-load",
    metric=Metric.LATENCY,
    floor="queue/put-delivered",
    covers=("Queue", "Queue.put", "Queue.get"),
    facts={"put_return": Metric.TIME},
    needs=_NEEDS,
    payload_bytes=fixed(64),
    switch_interval_us=Sweep((5_000,), (5_000,), (500, 5_000)),
)
def feeder_under_load(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Put one item, and compute in Python until its reader has it.

    Timed: from before put until the child's get has returned, on the common
    clock. The fact `put_return` is the duration of put. Not timed: starting the
    child and the feeder thread.

    Reads as: the delay of an item in a busy process. The feeder thread waits for
    the interpreter lock, `sys.setswitchinterval` (5,000 us) for each step. Compare
    with `queue/put-delivered`.
    """
    queue, item = context.Queue(), os.urandom(case.integer("payload_bytes"))
    flag = context.RawValue("q", 0)
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(case.integer("switch_interval_us") / 1e6)
        with child_server(context, _raise_flag, queue, flag) as control:
            yield _busy(control, queue, flag, item)
    finally:
        sys.setswitchinterval(before)
        end_queue(queue)


def _busy(control: Connection, queue: Any, flag: Any, item: bytes) -> Body:
    """Return the body that puts and computes."""

    def body(iterations: int, /) -> Verifier:
        clock, put = monotonic_ns, queue.put
        sent: list[int] = []
        returned: list[int] = []
        flag.value = 0
        control.send(iterations)
        control.recv_bytes()
        for number in range(1, iterations + 1):
            sent.append(clock())
            put(item)
            returned.append(clock())
            _spin_until(flag, number)

        def check() -> BodyResult:
            return pair_deliveries(sent, returned, control.recv(), fact="put_return")

        return check

    return body
