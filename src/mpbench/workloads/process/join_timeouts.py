"""Processes: what it costs to look after children that are still at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyResult, fixed, workload
from mpbench.workloads.process.stamps import idle_children, outcome_of, stamps, warm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("join_alive", "join_expires")


@workload(
    "process/join-alive",
    metric=Metric.TIME,
    floor="floor/poll",
    covers=("Process.join", "Process.is_alive"),
    tier=Tier.FULL,
)
def join_alive(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Ask a child that is alive to be joined within no time.

    Timed: `Process.join(timeout=0)`.

    Reads as: what a program pays that looks after its children by joining
    them. `is_alive` answers the same question, see `process/state`.
    """
    del case
    with stamps() as pipe:
        warm(context)
        with idle_children(context, 1, pipe) as (child,):

            def body(iterations: int, /) -> int:
                join = child.join
                for _ in range(iterations):
                    join(0)
                if not child.is_alive():
                    raise WorkloadError("the child has ended, expected it to sleep")
                return iterations

            yield body


@workload(
    "process/join-expires",
    metric=Metric.WAITING,
    floor="floor/sleep-late",
    covers=("Process.join",),
    tier=Tier.FULL,
    timeout_ms=fixed(1, 10),
)
def join_expires(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Join a child that sleeps, with a timeout that expires.

    Timed: what the call took beyond its timeout.

    Reads as: how late a timeout is. A negative lateness would be a fault.
    """
    timeout = case.integer("timeout_ms") / 1_000
    with stamps() as pipe:
        warm(context)
        with idle_children(context, 1, pipe) as (child,):

            def body(iterations: int, /) -> BodyResult:
                late = []
                for _ in range(iterations):
                    began = monotonic_ns()
                    child.join(timeout)
                    late.append(monotonic_ns() - began - round(timeout * 1e9))
                if min(late) < 0:
                    raise WorkloadError(f"a join returned {-min(late)} ns before its timeout")
                return outcome_of(late, {}, iterations)

            yield body
