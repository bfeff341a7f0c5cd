"""A workload that may claim more than it calls; for tests only."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.context import BaseContext

from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, NoFloor, workload

__all__ = ("claiming", "honest")

_NONE = NoFloor("a test")


def put_one(queue: object) -> None:
    """Use a queue in a child."""
    queue.put(1)  # type: ignore[attr-defined]


def _pass_one(context: BaseContext, iterations: int) -> int:
    for _ in range(iterations):
        queue = context.SimpleQueue()
        child = context.Process(target=put_one, args=(queue,))  # type: ignore[attr-defined]
        child.start()
        if queue.get() != 1:
            raise WorkloadError("something else arrived")
        child.join()
        child.close()
        queue.close()
    return iterations


@workload(
    "test/honest",
    metric=Metric.TIME,
    floor=_NONE,
    covers=("Process.start", "Process.join", "SimpleQueue.get", "SimpleQueue.put"),
    tier=Tier.FULL,
)
def honest(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let a child put something into a queue; `put` is called nowhere else.

    Timed: all of it.

    Reads as: nothing.
    """
    del case
    yield lambda iterations, /: _pass_one(context, iterations)


@workload(
    "test/claiming",
    metric=Metric.TIME,
    floor=_NONE,
    covers=("Process.start", "Barrier.wait", "SimpleQueue.put", "Pool.map"),
    tier=Tier.FULL,
)
def claiming(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Do the same, and claim a Barrier and a Pool that nobody uses.

    Timed: all of it.

    Reads as: nothing.
    """
    del case
    yield lambda iterations, /: _pass_one(context, iterations)
