"""Managers with several clients: calls and connections per second."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    WindowCounter,
    worker_group,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("clients", "storm")

# A visit takes milliseconds on a busy machine; a shorter window may see none.
_MIN_MS = 100


def _needs(case: Case) -> Needs:
    count = case.integer("clients")
    return Needs(processes=count + 2, descriptors=4 * count + 48)


def _call(counter: WindowCounter, proxy: Any) -> None:
    """Call until told to stop, and note how long each call took."""
    counter.repeat(proxy.get, notes_waits=True)


@workload(
    "manager/clients",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one client that waits for each call is manager/access, which has a floor"),
    covers=("Manager", "SyncManager.Value", "ValueProxy.get"),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    needs=_needs,
    clients=Sweep((1,), (1, 4), (1, 2, 3, 4, 6, 8, 16)),
)
def clients(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several processes read one shared Value through a manager.

    Timed: calls that clients completed inside a common window, while all keep on;
    single calls give the latencies. Not timed: starting the manager and the
    clients, connecting.

    Reads as: calls per second of all clients together. The server runs them in
    threads of one interpreter; once it is busy, more clients only wait longer.
    """
    with context.Manager() as manager:
        value = manager.Value("i", 7)
        with worker_group(context, [(_call, (value,))] * case.integer("clients")) as workers:
            yield workers.window


def _attach(counter: WindowCounter, pickled: bytes) -> None:
    """Take up a proxy, call it once and drop it, until told to stop."""
    counter.repeat(lambda: ForkingPickler.loads(pickled).get(), notes_waits=True)


@workload(
    "manager/storm",
    metric=Metric.THROUGHPUT,
    floor="manager/clients",
    covers=("Manager", "SyncManager.Value", "ValueProxy.get", "reduction.ForkingPickler"),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    needs=_needs,
    clients=Sweep((1,), (1, 4), (1, 2, 4, 8, 16)),
)
def storm(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several processes take up a proxy, call it once and drop it, repeatedly.

    Timed: such visits completed inside a common window; each is three
    authenticated connections with a thread each in the server. A refused connection
    ends the case with an error. Not timed: starting.

    Reads as: visits per second of short-lived processes, such as workers that are
    replaced after some tasks.
    """
    with context.Manager() as manager:
        value = manager.Value("i", 7)
        pickled = bytes(ForkingPickler.dumps(value))
        with worker_group(context, [(_attach, (pickled,))] * case.integer("clients")) as workers:

            def body(milliseconds: int, /) -> BodyResult:
                return workers.window(max(_MIN_MS, milliseconds))

            yield body
