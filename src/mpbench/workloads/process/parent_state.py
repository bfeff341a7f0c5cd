"""Starts from a parent that holds memory, threads, open files or other children."""

from __future__ import annotations

import mmap
import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyResult, FloorByMethod, Needs, NoFloor, Sweep, fixed, workload
from mpbench.workload.held_memory import held_memory
from mpbench.workloads.process.stamps import (
    COVERS,
    LIFE,
    crowded,
    forked_only,
    idle_children,
    kill_all,
    needs_children,
    stamps,
    start_and_join,
    start_idle,
    warm_stamps,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "start_among_children",
    "start_among_threads",
    "start_at_rss",
    "start_with_files",
    "write_after_start",
)


_RSS_FLOOR = FloorByMethod("floor/os-fork-at-rss", "floor/python-boot", "floor/os-fork-wait")


@workload(
    "process/start-at-rss",
    **{**LIFE, "floor": _RSS_FLOOR},
    needs=lambda case: Needs(memory_bytes=2 * case.integer("rss_mib") << 20),
    rss_mib=Sweep((256,), (0, 256), (0, 64, 256, 1_024)),
    pages=Sweep(("default",), ("default",), ("default", "small", "huge")),
)
def start_at_rss(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start and join a child while the parent holds memory that it has written.

    Timed: as in `process/start-to-join`. Not timed: getting the memory.

    `pages` says whether the kernel may use huge pages.

    Reads as: fork copies the parent's page tables, so its time grows with the
    memory; that of spawn and forkserver must not.
    """
    # A fork server that starts later would do so from a larger parent.
    with warm_stamps(context) as pipe, held_memory(case.integer("rss_mib"), case.text("pages")):
        yield start_and_join(context, pipe)


@workload(
    "process/write-after-start",
    metric=Metric.TIME,
    floor=NoFloor("its own fact `write_before` is the same write without a child"),
    covers=("Process", "Process.start", "Process.kill", "Process.join", "Process.close"),
    facts={"write_before": Metric.TIME},
    tier=Tier.FULL,
    unsupported=forked_only,
    needs=lambda case: Needs(memory_bytes=2 * case.integer("rss_mib") << 20),
    rss_mib=fixed(64),
)
def write_after_start(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let the parent write its memory again while a forked child shares it.

    Timed: per page of 4 KiB, one write of one byte by the parent, which must
    copy the page because the child has it too. `write_before` is the same
    without a child. Not timed: starting and ending the child.

    Reads as: what fork costs later; it is in no start time. It is paid once for
    each page that either side writes.
    """
    size = case.integer("rss_mib") << 20
    pages = range(0, size, mmap.PAGESIZE)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS

    with stamps() as pipe, mmap.mmap(-1, size, flags=flags) as memory:
        # Small pages, or one write would copy 2 MiB here and 4 KiB there.
        memory.madvise(getattr(mmap, "MADV_NOHUGEPAGE", mmap.MADV_NORMAL))

        def write() -> int:
            began = monotonic_ns()
            for offset in pages:
                memory[offset] = 1
            return monotonic_ns() - began

        def body(iterations: int, /) -> BodyResult:
            before = after = 0
            for _ in range(iterations):
                before += write()
                child = start_idle(context, pipe)
                try:
                    pipe.wait(child)
                    after += write()
                finally:
                    kill_all([child])
            count = iterations * len(pages)
            return BodyResult(
                operations=count, elapsed_ns=after, facts={"write_before": before / count}
            )

        write()
        yield body


@workload("process/start-among-threads", **LIFE, threads=Sweep((8,), (8,), (0, 1, 8, 64)))
def start_among_threads(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start and join a child while threads of the parent sleep.

    Timed: as in `process/start-to-join`. Not timed: starting the threads.

    Reads as: what threads in the parent add. Since 3.12 each fork looks for
    them and warns, because a fork among threads can deadlock.
    """
    leave = threading.Event()
    threads = [threading.Thread(target=leave.wait) for _ in range(case.integer("threads"))]
    with warm_stamps(context) as pipe:
        for thread in threads:
            thread.start()
        try:
            yield start_and_join(context, pipe)
        finally:
            leave.set()
            for thread in threads:
                thread.join()


@workload(
    "process/start-with-files",
    **LIFE,
    needs=lambda case: Needs(descriptors=case.integer("files") + 32),
    files=Sweep((1_000,), (1_000,), (16, 1_000, 10_000)),
)
def start_with_files(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start and join a child while the parent has files open.

    Timed: as in `process/start-to-join`. Not timed: opening the files.

    Reads as: what open descriptors add: fork copies them, spawn closes them.
    """
    with warm_stamps(context) as pipe, ExitStack() as stack:
        kept = os.open(os.devnull, os.O_RDONLY)
        stack.callback(os.close, kept)
        for _ in range(case.integer("files") - 1):
            stack.callback(os.close, os.dup(kept))
        yield start_and_join(context, pipe)


@workload(
    "process/start-among-children",
    **{**LIFE, "covers": (*COVERS, "Process.kill", "Process.is_alive", "parent_process")},
    unsupported=crowded,
    needs=needs_children("children"),
    deadline_s=180.0,
    children=Sweep((8,), (16,), (1, 8, 16, 64, 256)),
)
def start_among_children(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start and join a child while the parent has other children, all asleep.

    Timed: as in `process/start-to-join`. Not timed: the other children.

    Reads as: what running children add: each `start` asks every child whether
    it has ended, by one system call, or more under forkserver.
    """
    with warm_stamps(context) as pipe, idle_children(context, case.integer("children"), pipe):
        yield start_and_join(context, pipe)
