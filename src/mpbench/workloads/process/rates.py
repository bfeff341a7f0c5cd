"""Rates of starts: in a burst, with a number alive, and from several threads."""

from __future__ import annotations

import threading
from multiprocessing import connection as _connection
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyResult, Needs, NoFloor, Sweep, workload
from mpbench.workloads.process.stamps import (
    COVERS,
    crowded,
    join_checked,
    kill_all,
    make_process,
    needs_children,
    warm,
    warm_stamps,
)
from mpbench.workloads.targets import exit_at_once, idle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("burst", "start_from_threads", "sustained_rate")


@workload(
    "process/burst",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("a rate; one start at a time is process/start-to-join, which has a floor"),
    covers=(*COVERS, "Process.kill", "parent_process"),
    facts={"first_start": Metric.TIME, "last_start": Metric.TIME},
    unsupported=crowded,
    needs=needs_children("processes"),
    deadline_s=240.0,
    processes=Sweep((8,), (8,), (8, 16, 32, 128, 384)),
)
def burst(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start many children at once and wait until all of them are ready.

    Timed: from the first call of `start` until the last child's message has
    been read; all children stay alive. `first_start` and `last_start` are the
    calls of `start` for the first and the last tenth of them. Not timed:
    ending the children.

    Reads as: how fast a program can start so many workers. The rate falls with
    the number because each `start` looks at all children.
    """
    count = case.integer("processes")
    tenth = max(1, count // 10)

    with warm_stamps(context) as pipe:

        def fill(children: list[BaseProcess]) -> tuple[int, list[int]]:
            began = monotonic_ns()
            calls = []
            for _ in range(count):
                child = make_process(context, idle, (pipe.path,), daemon=True)
                before = monotonic_ns()
                child.start()
                calls.append(monotonic_ns() - before)
                children.append(child)
            for child in children:
                pipe.wait(child)
            return monotonic_ns() - began, calls

        def body(iterations: int, /) -> BodyResult:
            elapsed = first = last = 0
            for _ in range(iterations):
                children: list[BaseProcess] = []
                try:
                    took, calls = fill(children)
                finally:
                    kill_all(children)
                elapsed += took
                first += sum(calls[:tenth])
                last += sum(calls[-tenth:])
            return BodyResult(
                operations=iterations * count,
                elapsed_ns=elapsed,
                facts={
                    "first_start": first / (iterations * tenth),
                    "last_start": last / (iterations * tenth),
                },
            )

        yield body


@workload(
    "process/sustained-rate",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("a rate; one start at a time is process/start-to-join, which has a floor"),
    covers=(*COVERS, "Process.sentinel", "connection.wait"),
    needs=lambda case: Needs(processes=case.integer("live")),
    live=Sweep((2,), (2,), (1, 2, 4, 8)),
)
def sustained_rate(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start a child that exits at once whenever fewer than a number of them live.

    Timed: starting, waiting on the sentinels of all, joining and closing each
    that has ended, until none is left.

    Reads as: jobs per second where each has a process of its own.
    """
    most = case.integer("live")

    def body(iterations: int, /) -> int:
        left, done = iterations, 0
        running: dict[int, BaseProcess] = {}
        while left or running:
            while left and len(running) < most:
                child = make_process(context, exit_at_once, ())
                child.start()
                running[child.sentinel] = child
                left -= 1
            for sentinel in _connection.wait(list(running)):
                join_checked(running.pop(sentinel))  # type: ignore[arg-type]  # only integers were given
                done += 1
        return done

    warm(context)
    yield body


@workload(
    "process/start-from-threads",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("a rate; one start at a time is process/start-to-join, which has a floor"),
    covers=("Process", "Process.start", "Process.kill"),
    tier=Tier.FULL,
    needs=lambda case: Needs(processes=32 * case.integer("threads")),
    threads=Sweep((2,), (1, 4), (1, 2, 4, 8, 16)),
)
def start_from_threads(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several threads of one parent start children at the same time.

    Timed: from a barrier of all threads until the last child has run its first
    statement; all children stay alive. Not timed: starting the threads, ending
    the children.

    Reads as: whether starts overlap. The fork server is a single loop, and
    fork holds the interpreter lock while it copies.
    """
    count = case.integer("threads")

    with warm_stamps(context) as pipe:

        def begin(go: threading.Barrier, children: list[BaseProcess], starts: int) -> None:
            go.wait()
            # Alive until all are started: two threads that find the same child
            # ended both reap it, and one of them then reads exit code 255.
            for _ in range(starts):
                child = make_process(context, idle, (pipe.path,), daemon=True)
                child.start()
                children.append(child)

        def body(iterations: int, /) -> BodyResult:
            go = threading.Barrier(count + 1)
            children: list[BaseProcess] = []
            threads = [
                threading.Thread(target=begin, args=(go, children, iterations))
                for _ in range(count)
            ]
            try:
                for thread in threads:
                    thread.start()
                go.wait()
                began = monotonic_ns()
                for thread in threads:
                    thread.join()
                first = [pipe.wait(child)[0] for child in children]
            finally:
                kill_all(children)
            return BodyResult(
                # A thread that failed has started fewer.
                operations=len(children),
                asked=iterations * count,
                elapsed_ns=max(first) - began,
            )

        yield body
