"""Pipes used both ways, by many senders, or with another buffer size."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from multiprocessing import connection as _connection
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    WindowCounter,
    child_server,
    fixed,
    worker_group,
    workload,
)
from mpbench.workloads.pipe.rates import COUNT, ORDER, absorb, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("both_ways", "buffer_size", "many_to_one")

# One reader counts, so the fairness of the worker group means nothing.
_FACTS = ("cpu_share", "cpu_per_operation")


def _exchange(connection: Connection, count: int, message: bytes) -> int:
    """Send and receive in turn; return the bytes received."""
    send, receive = connection.send_bytes, connection.recv_bytes
    received = 0
    for _ in range(count):
        send(message)
        received += len(receive())
    return received


def _exchange_when_asked(connection: Connection) -> None:
    """Do the same exchanges as the parent, which says how many and how large."""
    while True:
        count, size = ORDER.unpack(connection.recv_bytes())
        message = os.urandom(size)
        connection.send_bytes(b"r")
        received = _exchange(connection, count, message)
        connection.send_bytes(COUNT.pack(received))


@workload(
    "pipe/both-ways",
    metric=Metric.BANDWIDTH,
    floor="floor/socketpair-both-ways",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes"),
    tier=Tier.FULL,
    body_params=("payload_bytes",),
    payload_bytes=fixed(64, 1_024, 16_384, 65_536),
)
def both_ways(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Let both processes send one message and then receive one, repeatedly.

    Timed: from the first send until the other side's count of bytes is here.
    An operation is one byte, both directions counted. Not timed: starting the
    child. Messages stay below the socket's buffer, or both sides would block.

    Reads as: bytes per second of a channel used in both directions at once.
    """
    with child_server(context, _exchange_when_asked) as here:

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")
            message = os.urandom(size)

            def body(iterations: int, /) -> BodyResult:
                here.send_bytes(ORDER.pack(iterations, size))
                here.recv_bytes()
                started = monotonic_ns()
                received = _exchange(here, iterations, message)
                received += COUNT.unpack(here.recv_bytes())[0]
                return BodyResult(received, 2 * iterations * size, monotonic_ns() - started)

            return body

        yield bind


def _write_marked(counter: WindowCounter, writer: Connection, lock: Any, message: bytes) -> None:
    """Send until told to stop, then one empty message as the last."""
    send, clock = writer.send_bytes, monotonic_ns
    done = 0
    while counter.running:
        if lock is None:
            send(message)
        else:
            with lock:
                send(message)
        done += 1
        now = clock()
        if now >= counter.next_check_ns:
            counter.advance(now, done)
    with lock or writer:
        send(b"")


def _read_one(counter: WindowCounter, readers: Sequence[Connection], writers: int) -> None:
    """Receive from one pipe until every writer has sent its last message."""
    receive, clock = readers[0].recv_bytes, monotonic_ns
    done = 0
    while writers:
        if not receive():
            writers -= 1
            continue
        done += 1
        now = clock()
        if now >= counter.next_check_ns:
            counter.advance(now, done)


def _read_many(counter: WindowCounter, readers: Sequence[Connection], writers: int) -> None:
    """Receive from whichever pipe has something, until every writer has sent its last."""
    wait, clock = _connection.wait, monotonic_ns
    done = 0
    waiting = list(readers)
    while writers:
        for reader in wait(waiting):
            assert isinstance(reader, _connection.Connection)
            if not reader.recv_bytes():
                writers -= 1
                waiting.remove(reader)
                continue
            done += 1
            now = clock()
            if now >= counter.next_check_ns:
                counter.advance(now, done)


@workload(
    "pipe/many-to-one",
    metric=Metric.THROUGHPUT,
    floor="floor/os-pipe-message-rate",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes", "connection.wait", "Lock"),
    facts={name: WORKER_METRICS[name] for name in _FACTS},
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    needs=lambda case: Needs(
        processes=case.integer("writers") + 2,
        descriptors=2 * case.integer("writers") + 24,
        semaphores=True,
    ),
    payload_bytes=fixed(64),
    writers=fixed(1, 2, 4, 8),
    design=fixed("one-pipe", "wait"),
)
def many_to_one(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several children send to one: over one pipe with a lock, or one pipe each.

    With `design=wait` the reader calls `connection.wait` on its pipes. A Queue
    is the first design with a thread added.

    Timed: messages that the reader received inside a common window, while all
    keep sending. Not timed: starting, emptying the pipes at the end.

    Reads as: messages per second into one process. `wait` registers every pipe
    at each call.
    """
    writers, message = case.integer("writers"), os.urandom(case.integer("payload_bytes"))
    is_one = case.text("design") == "one-pipe"
    with ExitStack() as stack:
        pipes = [context.Pipe(duplex=False) for _ in range(1 if is_one else writers)]
        for reader, writer in pipes:
            stack.enter_context(reader)
            stack.enter_context(writer)
        lock = context.Lock() if is_one else None
        members: list[Any] = [
            (_read_one if is_one else _read_many, ([reader for reader, _ in pipes], writers))
        ]
        members += [
            (_write_marked, (pipes[index % len(pipes)][1], lock, message))
            for index in range(writers)
        ]
        workers = stack.enter_context(worker_group(context, members))

        def body(milliseconds: int, /) -> BodyResult:
            outcome = workers.window(milliseconds, counting=[0])
            return outcome._replace(facts={name: outcome.facts[name] for name in _FACTS})

        yield body


def _not_linux(case: Case) -> str | None:
    return None if sys.platform == "linux" else "only Linux lets a program choose a pipe's size"


@workload(
    "pipe/buffer-size",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes", "Connection.fileno"),
    tier=Tier.FULL,
    unsupported=_not_linux,
    payload_bytes=fixed(65_536),
    buffer_bytes=fixed(4_096, 65_536, 1 << 18, 1 << 20),
)
def buffer_size(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Stream windows of 16 messages through `Pipe(duplex=False)` with a chosen kernel buffer.

    Timed: the sends, until the answer to the last window. An operation is one
    byte. Not timed: starting the child, setting the size with F_SETPIPE_SZ.

    Reads as: how often sender and receiver must alternate. The default of 65,536
    bytes does not hold a message of that size with its header.
    """
    import fcntl

    wanted, window = case.integer("buffer_bytes"), 16
    message = os.urandom(case.integer("payload_bytes"))
    source, sink = context.Pipe(duplex=False)
    with source, sink, child_server(context, absorb, source) as here:
        # Named in `fcntl` from Python 3.10 on.
        got = fcntl.fcntl(sink.fileno(), getattr(fcntl, "F_SETPIPE_SZ", 1031), wanted)
        if got < wanted:
            raise WorkloadError(f"asked for a pipe of {wanted} bytes, the kernel gave {got}")

        def body(iterations: int, /) -> BodyResult:
            received, elapsed = stream(here, sink.send_bytes, message, (iterations, window))
            return BodyResult(received, iterations * window * len(message), elapsed)

        yield body
