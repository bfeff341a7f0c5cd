"""End of a queue: close, join_thread, exit with unread items."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    child_server,
    fixed,
    workload,
)
from mpbench.workloads.queue.latency import end_queue, make_queue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("shutdown", "undrained_exit")

_NEEDS = Needs(processes=2, descriptors=32, semaphores=True)


def _take_all(control: Connection, queue: Any) -> None:
    """Get until the empty item, and say how many bytes there were."""
    received, item = 0, queue.get()
    while item:
        received += len(item)
        item = queue.get()
    control.send(received)


@workload(
    "queue/shutdown",
    floor=NoFloor("what is waited for is a thread that still has something to write"),
    covers=("Queue", "Queue.put", "Queue.close", "Queue.join_thread"),
    body_params=("payload_bytes",),
    needs=_NEEDS,
    payload_bytes=Sweep((0,), (0, 1 << 20), (0, 65_536, 1 << 20, 1 << 24)),
)
def shutdown(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Close a queue into which items of 64 KiB were just put, and wait for its thread.

    Timed: close and join_thread, while a child gets the items. Not timed: making
    the queue, starting the child, the puts.

    Reads as: how long a program waits at its end for items that are not written
    yet. A process that exits does the same by itself.
    """
    item = os.urandom(65_536)

    def once(size: int) -> tuple[int, int]:
        queue = context.Queue()
        with child_server(context, _take_all, queue) as control:
            for _ in range(size // len(item)):
                queue.put(item)
            queue.put(b"")
            started = monotonic_ns()
            queue.close()
            queue.join_thread()
            elapsed = monotonic_ns() - started
            return elapsed, int(control.recv())

    def bind(case: Case) -> Body:
        size = case.integer("payload_bytes")

        def body(iterations: int, /) -> BodyResult:
            readings = [once(size) for _ in range(iterations)]
            complete = sum(received == size for _, received in readings)
            return BodyResult(complete, iterations, sum(elapsed for elapsed, _ in readings))

        return body

    yield bind


def _exit_undrained(control: Connection, queue: Any, size: int, is_cancelled: bool) -> None:
    """Put what nobody gets before this process wants to exit."""
    for _ in range(max(1, size // 65_536)):
        queue.put(bytes(65_536))
    if is_cancelled:
        queue.cancel_join_thread()
    control.send(monotonic_ns())


@workload(
    "queue/undrained-exit",
    floor=NoFloor("an exit with nothing left to write is what `way=cancel` shows"),
    covers=(
        *("Queue", "Queue.put", "Queue.cancel_join_thread"),
        *("JoinableQueue", "JoinableQueue.put", "JoinableQueue.cancel_join_thread"),
    ),
    tier=Tier.FULL,
    needs=_NEEDS,
    payload_bytes=fixed(1 << 20),
    way=fixed("join", "cancel"),
    kind=fixed("Queue", "JoinableQueue"),
)
def undrained_exit(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let a child exit that has put 1 MiB which nobody has got yet.

    `way=join`: the parent gets everything once the child has put it.
    `way=cancel`: the child calls cancel_join_thread, nobody gets anything.

    Timed: from the child's last statement until it is joined. Not timed: starting
    the child, the puts.

    Reads as: a process lives until its queue is read; cancelling loses the items.
    """
    size, is_cancelled = case.integer("payload_bytes"), case.text("way") == "cancel"

    def once() -> int:
        queue = make_queue(context, case.text("kind"))
        stamp = 0
        with child_server(context, _exit_undrained, queue, size, is_cancelled) as control:
            stamp = int(control.recv())
            if not is_cancelled:
                for _ in range(size // 65_536):
                    queue.get()
        elapsed = monotonic_ns() - stamp
        end_queue(queue)
        return elapsed

    def body(iterations: int, /) -> BodyResult:
        readings = [once() for _ in range(iterations)]
        return BodyResult(len(readings), iterations, sum(readings))

    yield body
