"""Resources that each part of multiprocessing holds, and CPU time that it uses when idle."""

from __future__ import annotations

import gc
import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Timing
from mpbench.workload import Body, BodyFactory, BodyResult, Needs, NoFloor, Sweep, workload
from mpbench.workloads.cross.objects import CONSTRUCTS, IDLE_COST_KINDS, ObjectSpec
from mpbench.workloads.cross.processes import (
    ResourceCounts,
    activity_of,
    count_resources,
    descendants,
)
from mpbench.workloads.process.stamps import warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("idle_cost", "resource_bill")

_COUNTED = ("process", "pool", "manager", "queue", "pipe", "lock", "condition", "shared-memory")


def _needs_construct(case: Case) -> Needs:
    return Needs(processes=5, descriptors=96, shm_bytes=2 << 20, semaphores=True)


def _difference(before: ResourceCounts, after: ResourceCounts, copies: int) -> dict[str, float]:
    """Return what was added for each copy; what the platform does not tell is left out."""
    facts = {}
    for name, first, last in zip(ResourceCounts._fields, before, after):
        if first is not None and last is not None:
            facts[name] = max(0, last - first) / copies
    return facts


def _built_and_counted(context: BaseContext, construct: ObjectSpec) -> BodyResult:
    with ExitStack() as stack:
        before = count_resources()
        started = monotonic_ns()
        for _ in range(construct.copies):
            stack.enter_context(construct.build(context))
        elapsed = monotonic_ns() - started
        facts = _difference(before, count_resources(), construct.copies)
    return BodyResult(
        operations=construct.copies, asked=construct.copies, elapsed_ns=elapsed, facts=facts
    )


@workload(
    "cross/resource-bill",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=(
        *("Condition", "Lock", "Manager", "Pipe", "Pool", "Process", "Queue"),
        "shared_memory.SharedMemory",
    ),
    facts={
        **dict.fromkeys(("processes", "threads", "descriptors", "semaphores"), Metric.COUNT),
        "memory": Metric.MEMORY,
    },
    timing=Timing.ONCE,
    revision=2,
    body_params=("construct",),
    needs=_needs_construct,
    construct=Sweep(_COUNTED, _COUNTED, tuple(CONSTRUCTS)),
)
def resource_bill(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Build one object, or 16 of a small one, and count what the process tree then holds.

    Timed: building it until it works (a pool until its workers are up, a
    queue until its feeder thread has sent one message), for each. The facts
    are what was added for each: processes, threads and descriptors of the
    tree, semaphores of the parent, and memory as proportional set size,
    without resource tracker and fork server. Not timed: the counting, and
    ending it.

    Reads as: the resources that each construct takes. Descriptors and
    semaphores run out first; memory is that of idle processes. A fact is
    missing where the platform does not tell it.
    """
    warm(context)

    def bind(case: Case) -> Body:
        construct = CONSTRUCTS[case.text("construct")]
        # What the first one imports and allocates is not counted.
        _built_and_counted(context, construct)
        gc.collect()
        return lambda _: _built_and_counted(context, construct)

    yield bind
    gc.collect()


def _no_activity(case: Case) -> str | None:
    """Say why a case cannot run where the kernel does not tell what threads did."""
    if activity_of(descendants() or ()) is None:
        return "this platform does not tell the CPU time of single threads (/proc/PID/task)"
    return None


@workload(
    "cross/idle-cost",
    metric=Metric.SHARE,
    floor=NoFloor("nothing is what an idle thing should use; the construct `nothing` shows that"),
    facts={"share": Metric.SHARE, "wake_ups": Metric.COUNT, "processes": Metric.COUNT},
    timing=Timing.ONCE,
    revision=2,
    needs=_needs_construct,
    unsupported=_no_activity,
    construct=Sweep(("pool",), ("pool", "manager", "queue"), IDLE_COST_KINDS),
    idle_ms=Sweep((200,), (200,), (200, 5_000)),
)
def idle_cost(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Build an object, let it idle, and ask the kernel what it used meanwhile.

    Timed: the idle time. The share is the CPU time of all threads of this
    process but the one that sleeps, and of the processes that were added, over
    the idle time; `wake_ups` are their voluntary switches for each second,
    `processes` how many were added. Resource tracker and fork server are not
    counted. Not timed: building and ending it.

    Reads as: what a program pays for an object that it keeps and does not use.
    A constant number of wake-ups a second means that something polls.
    """
    idle_s = case.integer("idle_ms") / 1_000
    warm(context)
    others = frozenset(descendants() or ()) - {os.getpid()}
    with CONSTRUCTS[case.text("construct")].build(context):
        # What still runs after the building ends first.
        time.sleep(0.05)

        def body(iterations: int, /) -> BodyResult:
            pids = tuple(pid for pid in descendants() or () if pid not in others)
            before = activity_of(pids)
            started = monotonic_ns()
            time.sleep(idle_s)
            elapsed = monotonic_ns() - started
            after = activity_of(pids)
            facts: dict[str, float] = {"processes": len(pids) - 1}
            if before is not None and after is not None:
                facts["share"] = (after.cpu_ns - before.cpu_ns) / elapsed
                facts["wake_ups"] = (after.voluntary - before.voluntary) * 1e9 / elapsed
            return BodyResult(operations=1, asked=1, elapsed_ns=elapsed, facts=facts)

        yield body
