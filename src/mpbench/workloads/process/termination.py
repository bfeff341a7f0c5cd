"""Ends of processes: exit, join, signals, close, and joins with a timeout."""

from __future__ import annotations

import os
import signal
from multiprocessing import connection as _connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, BodyResult, NoFloor, Sweep, fixed, workload
from mpbench.workloads.process.stamps import (
    COVERS,
    Stamps,
    idle_children,
    join_checked,
    latency_result,
    make_process,
    warm,
    warm_stamps,
)
from mpbench.workloads.targets import (
    compute,
    exit_at_once,
    idle,
    leave_buffer,
    leave_finalizers,
    spin_until_end,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "close",
    "exit_path",
    "exit_to_join",
    "interrupt",
    "join_alive",
    "join_expires",
    "terminate",
)

# Longer than any child here runs.
_LONG_S = 60.0

_WAITS: dict[str, Callable[[BaseProcess], object]] = {
    "join": lambda process: process.join(),
    "join-with-timeout": lambda process: process.join(_LONG_S),
    "sentinel": lambda process: _connection.wait([process.sentinel]),
}


@workload(
    "process/exit-to-join",
    metric=Metric.LATENCY,
    floor="floor/exit-to-wait",
    covers=(*COVERS, "Process.sentinel", "connection.wait"),
    body_params=("wait",),
    wait=Sweep(("join",), ("join", "sentinel"), ("join", "join-with-timeout", "sentinel")),
)
def exit_to_join(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Wait for a child by `join`, `join` with a timeout, or `connection.wait` on its sentinel.

    Timed: from the child's last statement until the wait has returned in the
    parent. Not timed: the start.

    Reads as: the exit of the interpreter and the process, and the parent's
    wake-up. With forkserver the fork server reports the end, which is later.
    """
    with warm_stamps(context) as pipe:

        def bind(case: Case) -> Body:
            wait = _WAITS[case.text("wait")]

            def body(iterations: int, /) -> BodyResult:
                latencies = []
                for _ in range(iterations):
                    child = make_process(context, stamp, (pipe.path,))
                    child.start()
                    wait(child)
                    noticed = monotonic_ns()
                    join_checked(child)
                    latencies.append(noticed - pipe.read()[1])
                return latency_result(latencies, {}, iterations)

            return body

        yield bind


# What a child leaves behind for its exit; each gets the same arguments.
_LEAVERS: dict[str, Callable[..., None]] = {
    "nothing": stamp,
    "finalizers": leave_finalizers,
    "queue": leave_buffer,
    "queue-cancelled": leave_buffer,
}


@workload(
    "process/exit-path",
    metric=Metric.LATENCY,
    floor="floor/exit-to-wait",
    covers=(*COVERS, "Queue.cancel_join_thread", "Queue.put"),
    tier=Tier.FULL,
    leaving=Sweep(
        ("nothing",), ("nothing", "queue"), ("nothing", "finalizers", "queue", "queue-cancelled")
    ),
)
def exit_path(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    End a child that leaves something to be done at its exit.

    Timed: from the last statement of the child's function until `join` has
    returned. Not timed: the start.

    `leaving` is nothing, 100 finalizers, 1 MiB in a queue, which the parent
    gets before it joins, or the same with `cancel_join_thread`, which is
    not read.

    Reads as: what a child does after its function has returned. A child that
    has put into a queue ends only when the message has been read.
    """
    leaving = case.text("leaving")
    with warm_stamps(context) as pipe:

        def once() -> int:
            queue = context.Queue()
            child = make_process(context, _LEAVERS[leaving], (pipe.path, queue, leaving))
            child.start()
            try:
                if leaving == "queue" and len(queue.get()) != 1 << 20:
                    raise WorkloadError("the child's message is not 1 MiB long")
                child.join()
                noticed = monotonic_ns()
            finally:
                queue.close()
                queue.join_thread()
            join_checked(child)
            return noticed - pipe.read()[1]

        def body(iterations: int, /) -> BodyResult:
            return latency_result([once() for _ in range(iterations)], {}, iterations)

        yield body


# What a child does when it is ended.
_BUSY = {"sleeping": idle, "running": spin_until_end, "computing": compute}


def _ending_body(make: Callable[[], BaseProcess], pipe: Stamps, call: str, code: int) -> Body:
    """Return the body that starts children and ends them by a call; only the end is timed."""

    def body(iterations: int, /) -> BodyResult:
        latencies = []
        for _ in range(iterations):
            child = make()
            child.start()
            pipe.wait(child)
            began = monotonic_ns()
            getattr(child, call)()
            child.join()
            latencies.append(monotonic_ns() - began)
            join_checked(child, code)
        return latency_result(latencies, {}, iterations)

    return body


@workload(
    "process/terminate",
    metric=Metric.TIME,
    floor="floor/os-kill-wait",
    covers=("Process.terminate", "Process.kill", "Process.join", "Process.exitcode"),
    body_params=("call", "child"),
    call=Sweep(("terminate",), ("terminate", "kill"), ("terminate", "kill")),
    child=Sweep(("sleeping",), ("sleeping",), ("sleeping", "running", "computing")),
)
def terminate(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    End a child by a signal, and join it.

    Timed: from the call of `terminate` or `kill` until `join` has returned.
    Not timed: the start.

    `child` sleeps in the kernel, runs Python code, or is in one long call into C.

    Reads as: how long a parent waits for a child that it ends.
    """
    codes = {"terminate": -signal.SIGTERM, "kill": -signal.SIGKILL}

    with warm_stamps(context) as pipe:

        def bind(case: Case) -> Body:
            call, target = case.text("call"), _BUSY[case.text("child")]

            return _ending_body(
                lambda: make_process(context, target, (pipe.path,), daemon=True),
                pipe,
                call,
                codes[call],
            )

        yield bind


def _interruptible(case: Case) -> str | None:
    return None if hasattr(BaseProcess, "interrupt") else "Process.interrupt needs Python 3.14"


@workload(
    "process/interrupt",
    metric=Metric.TIME,
    floor="floor/os-kill-wait",
    covers=("Process.interrupt", "Process.join", "Process.exitcode"),
    tier=Tier.FULL,
    unsupported=_interruptible,
)
def interrupt(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Interrupt a child that sleeps, and join it (Python 3.14 and newer).

    Timed: from the call of `interrupt` until `join` has returned. Not timed:
    the start.

    Reads as: `process/terminate` plus the child's KeyboardInterrupt and the
    exit of its interpreter.
    """
    with warm_stamps(context) as pipe:
        yield _ending_body(
            lambda: make_process(context, idle, (pipe.path,), daemon=True), pipe, "interrupt", 0
        )


def _descriptors() -> int:
    """Return how many this process has open; 0 where that is not known."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@workload(
    "process/close",
    metric=Metric.TIME,
    floor=NoFloor("closing two descriptors is the operation"),
    covers=("Process.close", "Process.start", "Process.join"),
)
def close(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Close process objects whose children have been joined, and look for leaks.

    Timed: `Process.close`. Not timed: start and join.

    Reads as: what closing a child's descriptors costs. The case fails if the
    parent holds more of them than before.
    """

    def body(iterations: int, /) -> BodyResult:
        before = _descriptors()
        elapsed = 0
        for _ in range(iterations):
            child = make_process(context, exit_at_once, ())
            child.start()
            child.join()
            if child.exitcode != 0:
                raise WorkloadError(f"a child ended with exit code {child.exitcode}, expected 0")
            began = monotonic_ns()
            child.close()
            elapsed += monotonic_ns() - began
        after = _descriptors()
        if after != before:
            raise WorkloadError(
                f"{iterations} closed children left {after - before} descriptors, expected 0"
            )
        return BodyResult(operations=iterations, asked=iterations, elapsed_ns=elapsed)

    warm(context)
    yield body


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

    Reads as: what polling by `join` costs; `process/state` has `is_alive`.
    """
    with warm_stamps(context) as pipe, idle_children(context, 1, pipe) as (child,):

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
    with warm_stamps(context) as pipe, idle_children(context, 1, pipe) as (child,):

        def body(iterations: int, /) -> BodyResult:
            late = []
            for _ in range(iterations):
                began = monotonic_ns()
                child.join(timeout)
                late.append(monotonic_ns() - began - round(timeout * 1e9))
            if min(late) < 0:
                raise WorkloadError(f"a join returned {-min(late)} ns before its timeout")
            return latency_result(late, {}, iterations)

        yield body
