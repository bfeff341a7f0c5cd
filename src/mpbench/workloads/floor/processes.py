"""Floors of processes and threads: spawn, boot, fork, exit, kill, thread start."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyResult, Needs, NoFloor, Sweep, fixed, workload
from mpbench.workload.held_memory import held_memory
from mpbench.workloads.floor.forks import (
    EXECUTABLE,
    fork_child,
    forking,
    reap,
    running,
    without_fork,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "exit_to_wait",
    "os_fork_at_rss",
    "os_kill_wait",
    "posix_spawn",
    "python_boot",
    "thread_start_join",
)


def _without_spawn(case: Case) -> str | None:
    if not hasattr(os, "posix_spawn"):
        return f"{sys.platform} has no os.posix_spawn"
    return None if EXECUTABLE else "neither /bin/true nor /usr/bin/true exists"


@workload(
    "floor/posix-spawn",
    floor=NoFloor("spawn, exec, exit and wait are the kernel's own operations"),
    by_method=False,
    tier=Tier.QUICK,
    unsupported=_without_spawn,
)
def posix_spawn(context: BaseContext, case: Case) -> Body:
    """
    Run the program `true` and wait for it, with `os` alone.

    Timed: `os.posix_spawn` (fork and exec), the program's start and exit,
    `os.waitpid`.

    Reads as: the least time for a new program, however small. A spawned
    Python pays this and its own boot, see `floor/python-boot`.
    """
    return running(EXECUTABLE)


@workload(
    "floor/python-boot",
    floor="floor/posix-spawn",
    by_method=False,
    unsupported=_without_spawn,
    site=Sweep((False,), (False, True), (False, True)),
)
def python_boot(context: BaseContext, case: Case) -> Body:
    """
    Run an interpreter that does nothing and wait for it, with `os` alone.

    Timed: `os.posix_spawn` of this interpreter with `-I -S -c pass`, its boot
    and its exit, `os.waitpid`. With `site=True` the option `-S` is left out,
    as multiprocessing does.

    Reads as: what every spawned child, and the fork server once, pays before
    the first line of multiprocessing runs. `process/start-to-join` under
    spawn cannot be faster.
    """
    site = () if case.value("site") else ("-S",)
    return running(sys.executable, "-I", *site, "-c", "pass")


@workload(
    "floor/os-fork-at-rss",
    floor="floor/os-fork-wait",
    by_method=False,
    own_agent=True,
    revision=2,
    unsupported=without_fork,
    needs=lambda case: Needs(memory_bytes=case.integer("rss_mib") << 20),
    rss_mib=Sweep((64,), (0, 256), (0, 64, 256, 1_024)),
    pages=Sweep(("default",), ("default",), ("default", "small", "huge")),
)
def os_fork_at_rss(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Fork and wait while this process holds memory, with `os` alone.

    Timed: `os.fork`, which copies the page tables of the private memory, the
    child's `os._exit`, `os.waitpid`. Not timed: getting and writing the memory.

    Reads as: what the kernel charges a fork for the size of its parent. It
    depends on `pages`: a huge page needs 1 table entry where 512 small ones
    need 512.
    """
    with held_memory(case.integer("rss_mib"), case.text("pages")):
        yield forking


def _stamp_and_exit(writer: int) -> None:
    os.write(writer, b"%19d" % monotonic_ns())
    os._exit(0)


@workload(
    "floor/exit-to-wait",
    metric=Metric.LATENCY,
    floor=NoFloor("the kernel's exit and its wake-up of the waiting parent are the operation"),
    by_method=False,
    own_agent=True,
    revision=2,
    unsupported=without_fork,
)
def exit_to_wait(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let a forked child read the clock and exit, and wait for it, with `os` alone.

    Timed: from the child's reading of the clock, over its write to a pipe and
    `os._exit`, until `os.waitpid` has returned here. Not timed: the fork.

    Reads as: the least time from the end of a child's work until its parent
    knows. `process/exit-to-join` pays this and the interpreter's own exit.
    """
    reader, writer = os.pipe()

    def body(iterations: int, /) -> BodyResult:
        latencies = []
        for _ in range(iterations):
            pid = fork_child(_stamp_and_exit, writer)
            reap(pid)
            known = monotonic_ns()
            latencies.append(known - int(os.read(reader, 19)))
        return BodyResult(
            operations=len(latencies),
            asked=iterations,
            elapsed_ns=sum(latencies),
            latencies_ns=tuple(latencies[:2_000]),
        )

    try:
        yield body
    finally:
        os.close(reader)
        os.close(writer)


def _ready_and_pause(writer: int) -> None:
    os.write(writer, b"r")
    while True:
        signal.pause()


@workload(
    "floor/os-kill-wait",
    floor=NoFloor("the signal, the kernel's clean-up and the wait are the operation"),
    by_method=False,
    own_agent=True,
    revision=2,
    unsupported=without_fork,
    signal=fixed("SIGTERM"),
)
def os_kill_wait(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Kill a sleeping forked child and wait for it, with `os` alone.

    Timed: `os.kill` and `os.waitpid`. Not timed: the fork, and waiting until
    the child sleeps.

    Reads as: the least time from the wish to end a process until it is gone.
    """
    number = int(signal.Signals[case.text("signal")])
    reader, writer = os.pipe()

    def body(iterations: int, /) -> BodyResult:
        elapsed = 0
        for _ in range(iterations):
            pid = fork_child(_ready_and_pause, writer)
            os.read(reader, 1)
            started = monotonic_ns()
            os.kill(pid, number)
            reap(pid, number)
            elapsed += monotonic_ns() - started
        return BodyResult(operations=iterations, asked=iterations, elapsed_ns=elapsed)

    try:
        yield body
    finally:
        os.close(reader)
        os.close(writer)


def _nothing() -> None:
    """Be the whole life of a thread."""


@workload(
    "floor/thread-start-join",
    floor="floor/empty-call",
    by_method=False,
)
def thread_start_join(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Start a thread that returns at once, and join it.

    Timed: `threading.Thread`, `start`, `join`.

    Reads as: what a process costs is often compared with this; it is also
    what every pool and queue pays once for each of its helper threads.
    """

    def body(iterations: int, /) -> int:
        ended = 0
        for _ in range(iterations):
            thread = threading.Thread(target=_nothing)
            thread.start()
            thread.join()
            ended += not thread.is_alive()
        return ended

    yield body
