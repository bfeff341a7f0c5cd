"""One of each object that multiprocessing can build, alive and idle."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.workload import child_server
from mpbench.workloads.pool.executors import opened_executor
from mpbench.workloads.pool.lifecycle import expect, opened_threads, ready_pool
from mpbench.workloads.pool.tasks import echo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("CONSTRUCTS", "IDLE_COST_KINDS", "ObjectSpec")

Build = Callable[["BaseContext"], "AbstractContextManager[Any]"]


class ObjectSpec(NamedTuple):
    """How to build one object, and how many of it change the counts of resources visibly."""

    build: Build
    copies: int


def _wait_for_end(connection: Any) -> None:
    """Run in an idle child: wait until the parent closes its end."""
    connection.recv_bytes()


@contextmanager
def _executor(context: BaseContext) -> Iterator[None]:
    with opened_executor(context, 2) as pool:
        expect([0] * 64, list(pool.map(echo, [0] * 64)), "the executor's first answers")
        yield


@contextmanager
def _manager(context: BaseContext) -> Iterator[None]:
    with context.Manager() as server:
        expect(0, len(server.list()), "the manager's first answer")
        yield


@contextmanager
def _used(queue: Any) -> Iterator[None]:
    """Keep a queue whose first message has started its feeder thread."""
    queue.put(1)
    expect(1, queue.get(), "the queue's first message")
    if hasattr(queue, "task_done"):
        queue.task_done()
    try:
        yield
    finally:
        queue.close()
        queue.join_thread()


@contextmanager
def _pipe(context: BaseContext) -> Iterator[None]:
    here, there = context.Pipe()
    with here, there:
        yield


def _shared_memory(context: BaseContext) -> AbstractContextManager[Any]:
    # Not at the top: the idle child, whose memory is counted, imports this module.
    from mpbench.workloads.shared.segments import segment

    return segment(1 << 16)


def _listener(context: BaseContext) -> AbstractContextManager[Any]:
    from multiprocessing.connection import Listener

    return Listener(authkey=os.urandom(32))


def _kept(make: Callable[[Any], Any]) -> ObjectSpec:
    """Return 16 of an object that needs no ending."""
    return ObjectSpec(lambda context: nullcontext(make(context)), 16)


# Objects with a process or a thread are built once; of the others there are 16,
# because one alone would not show in the memory.
CONSTRUCTS: dict[str, ObjectSpec] = {
    "nothing": ObjectSpec(lambda _: nullcontext(), 1),
    "process": ObjectSpec(lambda context: child_server(context, _wait_for_end), 1),
    "pool": ObjectSpec(lambda context: ready_pool(context, 2), 1),
    "thread-pool": ObjectSpec(lambda _: opened_threads(2), 1),
    "executor": ObjectSpec(_executor, 1),
    "manager": ObjectSpec(_manager, 1),
    "queue": ObjectSpec(lambda context: _used(context.Queue()), 1),
    "joinable-queue": ObjectSpec(lambda context: _used(context.JoinableQueue()), 1),
    "simple-queue": ObjectSpec(lambda context: closing(context.SimpleQueue()), 16),
    "pipe": ObjectSpec(_pipe, 16),
    "lock": _kept(lambda context: context.Lock()),
    "rlock": _kept(lambda context: context.RLock()),
    "semaphore": _kept(lambda context: context.Semaphore()),
    "bounded-semaphore": _kept(lambda context: context.BoundedSemaphore()),
    "condition": _kept(lambda context: context.Condition()),
    "event": _kept(lambda context: context.Event()),
    "barrier": _kept(lambda context: context.Barrier(2)),
    "value": _kept(lambda context: context.Value("i")),
    "array": _kept(lambda context: context.Array("i", 1_024)),
    "shared-memory": ObjectSpec(_shared_memory, 16),
    "listener": ObjectSpec(_listener, 16),
}

# Those that have a thread or a process of their own, which may use the CPU when idle.
IDLE_COST_KINDS = ("nothing", "process", "pool", "thread-pool", "executor", "manager", "queue")
