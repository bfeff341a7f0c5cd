"""One of each thing that multiprocessing can build, alive and idle."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.workload import child_server
from mpbench.workloads.pool.executors import opened_executor
from mpbench.workloads.pool.lifecycle import expect, opened_threads, ready_pool
from mpbench.workloads.pool.tasks import echo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("CONSTRUCTS", "IDLE_COST_KINDS", "ObjectSpec")


class ObjectSpec(NamedTuple):
    """How to build one thing, and how many of it make a bill that can be seen."""

    build: Callable[[BaseContext], AbstractContextManager[None]]
    copies: int


def _wait_for_end(connection: Any) -> None:
    """Run in an idle child: wait until the parent closes its end."""
    connection.recv_bytes()


@contextmanager
def _nothing(context: BaseContext) -> Iterator[None]:
    yield


@contextmanager
def _process(context: BaseContext) -> Iterator[None]:
    with child_server(context, _wait_for_end):
        yield


@contextmanager
def _pool(context: BaseContext) -> Iterator[None]:
    with ready_pool(context, 2):
        yield


@contextmanager
def _thread_pool(context: BaseContext) -> Iterator[None]:
    with opened_threads(2):
        yield


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
def _queue(context: BaseContext) -> Iterator[None]:
    queue: Any = context.Queue()
    # The first message starts the feeder thread.
    queue.put(1)
    expect(1, queue.get(), "the queue's first message")
    try:
        yield
    finally:
        queue.close()
        queue.join_thread()


@contextmanager
def _joinable_queue(context: BaseContext) -> Iterator[None]:
    queue: Any = context.JoinableQueue()
    queue.put(1)
    expect(1, queue.get(), "the queue's first message")
    queue.task_done()
    try:
        yield
    finally:
        queue.close()
        queue.join_thread()


@contextmanager
def _simple_queue(context: BaseContext) -> Iterator[None]:
    queue: Any = context.SimpleQueue()
    try:
        yield
    finally:
        queue.close()


@contextmanager
def _pipe(context: BaseContext) -> Iterator[None]:
    here, there = context.Pipe()
    with here, there:
        yield


@contextmanager
def _listener(context: BaseContext) -> Iterator[None]:
    from multiprocessing.connection import Listener

    with Listener(authkey=os.urandom(32)):
        yield


@contextmanager
def _shared_memory(context: BaseContext) -> Iterator[None]:
    from multiprocessing.shared_memory import SharedMemory

    block = SharedMemory(create=True, size=1 << 16)
    try:
        yield
    finally:
        block.close()
        block.unlink()


def _held(make: Callable[[Any], Any]) -> Callable[[BaseContext], AbstractContextManager[None]]:
    """Return a construct that needs no ending but to be forgotten."""

    @contextmanager
    def hold(context: BaseContext) -> Iterator[None]:
        kept = make(context)
        yield
        del kept

    return hold


# Things with a process or a thread are built once; of the others there are 16,
# because one alone would not show in the memory.
CONSTRUCTS: dict[str, ObjectSpec] = {
    "nothing": ObjectSpec(_nothing, 1),
    "process": ObjectSpec(_process, 1),
    "pool": ObjectSpec(_pool, 1),
    "thread-pool": ObjectSpec(_thread_pool, 1),
    "executor": ObjectSpec(_executor, 1),
    "manager": ObjectSpec(_manager, 1),
    "queue": ObjectSpec(_queue, 1),
    "joinable-queue": ObjectSpec(_joinable_queue, 1),
    "simple-queue": ObjectSpec(_simple_queue, 16),
    "pipe": ObjectSpec(_pipe, 16),
    "lock": ObjectSpec(_held(lambda context: context.Lock()), 16),
    "rlock": ObjectSpec(_held(lambda context: context.RLock()), 16),
    "semaphore": ObjectSpec(_held(lambda context: context.Semaphore()), 16),
    "bounded-semaphore": ObjectSpec(_held(lambda context: context.BoundedSemaphore()), 16),
    "condition": ObjectSpec(_held(lambda context: context.Condition()), 16),
    "event": ObjectSpec(_held(lambda context: context.Event()), 16),
    "barrier": ObjectSpec(_held(lambda context: context.Barrier(2)), 16),
    "value": ObjectSpec(_held(lambda context: context.Value("i")), 16),
    "array": ObjectSpec(_held(lambda context: context.Array("i", 1_024)), 16),
    "shared-memory": ObjectSpec(_shared_memory, 16),
    "listener": ObjectSpec(_listener, 16),
}

# Those that have a thread or a process of their own, which may use the CPU when idle.
IDLE_COST_KINDS = ("nothing", "process", "pool", "thread-pool", "executor", "manager", "queue")
