"""Start and memory of each kind of worker."""

from __future__ import annotations

import os
import select
import tempfile
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import Body, Needs, NoFloor, Sweep, fixed, workload
from mpbench.workloads.cross.processes import count_resources
from mpbench.workloads.pool.lifecycle import expect, lifecycle_body
from mpbench.workloads.process.stamps import warm
from mpbench.workloads.worker.jobs import REPORT_BYTES, meet
from mpbench.workloads.worker.kinds import (
    KINDS,
    PROCESSES,
    STANDARD_KINDS,
    lacks_kind,
    method_of,
    workers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext

__all__ = ("start",)

# A worker that has not started by then never will.
_PATIENCE_S = 30.0


class _Meeting(NamedTuple):
    """Two named pipes: on one workers report, at the other they wait."""

    ready: str
    gate: str
    reader: int
    writer: int

    def await_all(self, count: int) -> list[int]:
        """Return when each worker was ready, in order; a WorkloadError says that one is missing."""
        times: list[int] = []
        for _ in range(count):
            if not select.select([self.reader], [], [], _PATIENCE_S)[0]:
                raise WorkloadError(
                    f"expected {count} workers at work at once, found {len(times)} after "
                    f"{_PATIENCE_S:g} s"
                )
            times.append(int(os.read(self.reader, REPORT_BYTES)))
        return sorted(times)

    def let_go(self, count: int) -> None:
        """Let so many workers go on."""
        os.write(self.writer, b"g" * count)


@contextmanager
def _meeting() -> Iterator[_Meeting]:
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder, ExitStack() as stack:
        paths = (f"{folder}/ready", f"{folder}/gate")
        descriptors = []
        for path in paths:
            os.mkfifo(path, 0o600)
            # For both directions, so that opening it does not wait for the other side.
            descriptors.append(os.open(path, os.O_RDWR))
            stack.callback(os.close, descriptors[-1])
        yield _Meeting(*paths, *descriptors)


def _lacks(case: Case) -> str | None:
    if not hasattr(os, "mkfifo"):
        return "this platform has no named pipes, on which the workers report"
    return lacks_kind(case)


def _needs(case: Case) -> Needs:
    count, shared = case.integer("workers"), case.integer("shared_mib") << 20
    copies = count if method_of(case.text("kind")) in {"spawn", "forkserver"} else 0
    processes = count + 1 if case.text("kind") in PROCESSES else 1
    return Needs(
        processes, descriptors=32 + 8 * count, memory_bytes=(copies + 2) * shared, semaphores=True
    )


@workload(
    "worker/start",
    metric=Metric.TIME,
    floor=NoFloor("threads and processes start by different calls of the kernel"),
    by_method=False,
    facts={"next": Metric.TIME, "memory": Metric.MEMORY, "end": Metric.TIME},
    unsupported=_lacks,
    needs=_needs,
    deadline_s=120.0,
    kind=Sweep(("thread-executor",), STANDARD_KINDS, KINDS),
    workers=fixed(4),
    shared_mib=Sweep((0,), (0,), (0, 100)),
)
def start(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start workers of a kind, until each is at work on a task at the same time.

    Timed: from before the pool is made until the first worker reads the clock
    in its first task. The facts: `next` is the time from there to the last
    worker, for each; `memory` what each worker adds to the process tree while
    it holds a task, as proportional set size; `end` the orderly end of all.
    With `shared_mib` each worker is handed that much data by its initializer,
    and has read all of its pages: forked workers and threads see the parent's,
    interpreters a view of them, other processes are sent a copy. Not timed:
    making the data, starting resource tracker and fork server.

    Reads as: what the first worker costs, what one more costs, in time and in
    memory.
    """
    count, size = case.integer("workers"), case.integer("shared_mib") << 20
    kind = case.text("kind")
    method = method_of(kind)
    if method is not None:
        warm(context.get_context(method))
    shared = b"\1" * size

    def once() -> tuple[int, Mapping[str, int]]:
        before = count_resources().memory
        with _meeting() as meeting:
            began = monotonic_ns()
            with workers(context, kind, count, shared) as made:
                wait = made.begin(meet, [(meeting.ready, meeting.gate, size)] * count)
                times = meeting.await_all(count)
                during = count_resources().memory
                meeting.let_go(count)
                expect([size] * count, wait(None), "what each worker read")
                over = monotonic_ns()
            ended = monotonic_ns()
        facts = {"next": (times[-1] - times[0]) // max(1, count - 1), "end": ended - over}
        if before is not None and during is not None:
            facts["memory"] = max(0, during - before) // count
        return times[0] - began, facts

    once()
    yield lifecycle_body(once)
