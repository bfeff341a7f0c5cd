"""Memory of a forked child that uses what it has inherited."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import Body, BodyResult, Needs, NoFloor, Sweep, fixed, workload
from mpbench.workloads.process.stamps import forked_only, join_checked, make_process, stamps
from mpbench.workloads.targets import report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("memory_after_fork",)

_SMAPS = "/proc/self/smaps_rollup"


def _own_bytes() -> int:
    """Return the bytes that belong to this process alone."""
    total = 0
    with open(_SMAPS, "rb") as lines:
        for line in lines:
            if line.startswith(b"Private_"):
                total += int(line.split()[1]) << 10
    return total


def _walk(objects: list[Any]) -> int:
    """Touch each object: that counts a reference to it, which writes to it."""
    return sum(1 for entry in objects if entry is not None)


def _measure_itself(path: str, objects: list[Any], use: str) -> None:
    """Report this child's own memory, before and after it has used what it inherited."""
    before = _own_bytes()
    began = monotonic_ns()
    seen = len(objects)
    if use == "walk":
        seen = _walk(objects)
    elif use == "collect":
        gc.collect()
    report(path, before, _own_bytes(), seen, monotonic_ns() - began)


def _unsupported(case: Case) -> str | None:
    return forked_only(case) or (None if os.path.exists(_SMAPS) else f"no {_SMAPS} here")


@workload(
    "process/memory-after-fork",
    metric=Metric.MEMORY,
    floor=NoFloor("its own fact `before` is the memory of a child that touches nothing"),
    covers=("Process", "Process.start", "Process.join"),
    facts={"before": Metric.MEMORY, "use_time": Metric.TIME},
    timing=Timing.ONCE,
    tier=Tier.FULL,
    unsupported=_unsupported,
    needs=lambda case: Needs(memory_bytes=400 * case.integer("objects")),
    objects=fixed(200_000),
    use=Sweep(("walk",), ("walk",), ("nothing", "walk", "collect")),
    frozen=Sweep((False,), (False,), (False, True)),
)
def memory_after_fork(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let a forked child use the objects that it has inherited, and count its own memory.

    Timed: nothing; the reading is the child's private memory after it has
    walked over a list of small lists, or has run the garbage collector.
    `before` is the same at its first statement, `use_time` how long it took.
    `frozen` says whether the parent has called `gc.freeze`.

    Reads as: how much shared memory is copied because reference counts and the
    collector write to objects. RSS does not show it.
    """
    count, use = case.integer("objects"), case.text("use")
    objects: list[Any] = [[place] for place in range(count)]

    with stamps() as pipe:

        def body(iterations: int, /) -> BodyResult:
            # The harness freezes everything for the timed region.
            if not case.value("frozen"):
                gc.unfreeze()
            try:
                child = make_process(context, _measure_itself, (pipe.path, objects, use))
                child.start()
                join_checked(child)
            finally:
                gc.freeze()
            before, after, seen, took = pipe.read()
            if seen != count:
                raise WorkloadError(f"the child saw {seen} objects, expected {count}")
            return BodyResult(
                operations=1,
                elapsed_ns=took,
                facts={"memory": after, "before": before, "use_time": took},
            )

        yield body
