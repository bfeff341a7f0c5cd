"""Locks, queues and shared values as arguments of a new child."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.model import Case, Metric
from mpbench.workload import (
    START_FLOOR,
    Body,
    BodyFactory,
    Needs,
    Sweep,
    workload,
)
from mpbench.workloads.process.stamps import READY_FACTS, make_process, ready_body, warm_stamps
from mpbench.workloads.targets import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("ship_primitives",)


_ARGUMENTS: dict[str, tuple[Any, ...]] = {"Barrier": (2,), "Value": ("q", 0), "Array": ("q", 8)}
_KINDS = (
    *("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"),
    *("Queue", "SimpleQueue", "JoinableQueue", "Value", "Array"),
)


@workload(
    "process/ship-primitives",
    metric=Metric.LATENCY,
    floor=START_FLOOR,
    covers=("Process", "Process.start", "Process.join", *_KINDS),
    facts=READY_FACTS,
    body_params=("kind", "count"),
    needs=lambda case: Needs(
        descriptors=2 * case.integer("count") + 32, shm_bytes=1 << 20, semaphores=True
    ),
    kind=Sweep(("Queue",), ("Lock", "Queue"), _KINDS),
    count=Sweep((8,), (8,), (1, 8, 64)),
)
def ship_primitives(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Start a child with locks, queues or shared values as arguments.

    Timed: from the call of `Process.start` until the parent has read the
    child's message, sent as its first statement. Not timed: making the
    objects, `join`.

    Reads as: under fork they are simply there. Under spawn and forkserver
    each is pickled here, and opened again by name or descriptor there; the
    first of a kind also brings the import of its module.
    """
    with warm_stamps(context) as pipe:

        def bind(case: Case) -> Body:
            kind = case.text("kind")
            make: Callable[..., Any] = getattr(context, kind)
            objects = [make(*_ARGUMENTS.get(kind, ())) for _ in range(case.integer("count"))]
            return ready_body(lambda: make_process(context, stamp, (pipe.path, *objects)), pipe)

        yield bind
