"""Transports of the same payloads, and first answers of processes, pools and managers."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    START_FLOOR,
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    workload,
)
from mpbench.workloads.cross.channels import MESSAGES, Deliver, Transports
from mpbench.workloads.pool.executors import opened_executor
from mpbench.workloads.pool.lifecycle import await_ready, expect, lifecycle_body, opened
from mpbench.workloads.pool.tasks import echo, make_payload, say_ready
from mpbench.workloads.process.stamps import join_checked, make_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ("start_matrix", "transports")


def _needs_transport(case: Case) -> Needs:
    size = MESSAGES * case.integer("payload_bytes")
    shared = case.text("transport") in {"shared-memory", "array"}
    return Needs(
        processes=4,
        descriptors=48,
        memory_bytes=4 * size,
        shm_bytes=2 * size if shared else 0,
        semaphores=True,
    )


@workload(
    "cross/transports",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=(
        *("Connection.recv", "Connection.recv_bytes", "Connection.send", "Connection.send_bytes"),
        *("Pipe", "Queue", "Queue.get", "Queue.put", "SharedMemory.close", "SharedMemory.unlink"),
        "shared_memory.SharedMemory",
    ),
    facts={"per_message": Metric.TIME},
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("transport", "payload_bytes"),
    needs=_needs_transport,
    transport=Sweep(
        ("pipe", "queue", "shared-memory"),
        ("pipe", "queue", "simple-queue", "shared-memory", "array", "manager-queue", "pool-map"),
        (
            *("pipe", "pipe-bytes", "queue", "simple-queue", "shared-memory", "array"),
            *("manager-queue", "pool-map", "file"),
        ),
    ),
    payload_bytes=Sweep((1 << 16,), (1 << 16, 1 << 20), (64, 1 << 10, 1 << 16, 1 << 20)),
)
def transports(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Bring 16 distinct payloads to another process, which answers that they are right.

    Timed: handing over all of them, taking each one as a bytes object in the
    other process, looking at its size and its number, and one small answer
    for all. With `shared-memory`, `array` and `file` a pipe carries the
    number of each payload; both sides copy. Not timed: starting the
    processes, building the payloads.

    Reads as: the transport with the most bytes a second at the size of your
    messages is the one to use, if all of the message is read.
    """
    with ExitStack() as stack:
        channels = Transports(context, stack)

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")
            return _delivering(channels.deliverer(case.text("transport"), size), size)

        yield bind


def _delivering(deliver: Deliver, size: int) -> Body:
    payloads = [make_payload(size, number) for number in range(MESSAGES)]
    # The first job waits for the child to be up.
    deliver(payloads)

    def body(iterations: int, /) -> Verifier:
        right = 0
        started = monotonic_ns()
        for _ in range(iterations):
            right += deliver(payloads)
        elapsed = monotonic_ns() - started

        def check() -> BodyResult:
            asked = iterations * MESSAGES
            expect(asked, right, "payloads that arrived as they were sent")
            return BodyResult(operations=asked * size, facts={"per_message": elapsed / asked})

        return check

    return body


# Begins something, yields after its first answer, and ends it.
Beginning = Callable[[BaseContext], AbstractContextManager[None]]


@contextmanager
def _process(context: BaseContext) -> Iterator[None]:
    here, there = context.Pipe(duplex=False)
    with here, there:
        child = make_process(context, say_ready, (there,), daemon=True)
        child.start()
        await_ready(here, 1)
        yield
        join_checked(child)


@contextmanager
def _pool(context: BaseContext) -> Iterator[None]:
    with opened(lambda: context.Pool(2)) as pool:
        expect(1, pool.apply(echo, (1,)), "the pool's first answer")
        yield


@contextmanager
def _executor(context: BaseContext) -> Iterator[None]:
    with opened_executor(context, 2) as pool:
        expect(1, pool.submit(echo, 1).result(), "the executor's first answer")
        yield


@contextmanager
def _manager(context: BaseContext) -> Iterator[None]:
    with context.Manager() as server:
        expect(3, len(server.list([1, 2, 3])), "the manager's first answer")
        yield


BEGINNINGS: dict[str, Beginning] = {
    "process": _process,
    "pool": _pool,
    "executor": _executor,
    "manager": _manager,
}


def _begun(context: BaseContext, begin: Beginning) -> tuple[int, int]:
    """Begin and end once; return the time to the first answer, and that of the end."""
    started = monotonic_ns()
    with begin(context):
        answered = monotonic_ns()
    return answered - started, monotonic_ns() - answered


@workload(
    "cross/start-matrix",
    metric=Metric.TIME,
    floor=START_FLOOR,
    covers=(
        *("Manager", "Pool", "Pool.apply", "Process", "Process.join", "Process.start"),
        "SyncManager.list",
    ),
    facts={"first": Metric.TIME, "end": Metric.TIME},
    own_agent=True,
    revision=2,
    needs=lambda _: Needs(processes=5, descriptors=48, semaphores=True),
    construct=Sweep(("process",), ("process", "pool", "manager"), tuple(BEGINNINGS)),
)
def start_matrix(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Begin a process, a pool, an executor or a manager and wait for its first answer.

    Timed: from before the constructor to the first answer: a byte from the
    process, the result of one task that does nothing, the length of a list in
    the manager. The fact `end` is ending it and waiting until its processes
    are gone. The fact `first` is the first start in a fresh interpreter, with
    the resource tracker and the fork server.

    Reads as: what the same construct costs under each start method; `first`
    less the main figure is paid once in each program.
    """
    begin = BEGINNINGS[case.text("construct")]
    first, _ = _begun(context, begin)

    def once() -> tuple[int, Mapping[str, int]]:
        answered, end = _begun(context, begin)
        return answered, {"first": first, "end": end}

    yield lifecycle_body(once)
