"""Bandwidth and message rate of `multiprocessing.Pipe`, one sender and one receiver."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyFactory, BodyResult, Sweep, child_server, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("COUNT", "ORDER", "absorb", "message_rate", "stream", "throughput")

# How many windows and how many messages in each; then one count of bytes back.
ORDER = struct.Struct("<qq")
COUNT = struct.Struct("<q")


def absorb(control: Connection, source: Connection | None = None) -> None:
    """Receive windows of messages and answer each with the number of bytes that it had."""
    receive = control.recv_bytes if source is None else source.recv_bytes
    answer = control.send_bytes
    while True:
        windows, messages = ORDER.unpack(control.recv_bytes())
        answer(b"r")
        for _ in range(windows):
            received = 0
            for _ in range(messages):
                received += len(receive())
            answer(COUNT.pack(received))


def stream(
    control: Connection, send: Callable[[bytes], None], message: bytes, order: tuple[int, int]
) -> tuple[int, int]:
    """
    Send windows of messages to `absorb`.

    Returns:
        The bytes that the other side received, and the nanoseconds until it said so.
    """
    windows, messages = order
    receive, count = control.recv_bytes, COUNT.unpack
    control.send_bytes(ORDER.pack(windows, messages))
    receive()
    received = 0
    started = monotonic_ns()
    for _ in range(windows):
        for _ in range(messages):
            send(message)
        received += count(receive())[0]
    return received, monotonic_ns() - started


@workload(
    "pipe/throughput",
    metric=Metric.BANDWIDTH,
    floor="floor/socketpair-bandwidth",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes"),
    body_params=("payload_bytes", "window"),
    payload_bytes=Sweep(
        (65_536,),
        (1_024, 16_384, 65_536, 1 << 20),
        (64, 1_024, 4_096, 16_384, 16_385, 65_536, 1 << 18, 1 << 20, 1 << 22),
    ),
    window=Sweep((16,), (1, 16), (1, 4, 16, 64, 128)),
)
def throughput(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send messages to a child that answers every `window` messages.

    Timed: the sends, until the answer to the last window gives the bytes that
    arrived. An operation is one byte. Not timed: starting the child.

    Reads as: bytes per second that reached the other process. With `window=1`
    the sender waits for each message; with more it runs ahead.
    """
    with child_server(context, absorb) as here:

        def bind(case: Case) -> Body:
            size, window = case.integer("payload_bytes"), case.integer("window")
            message = os.urandom(size)

            def body(iterations: int, /) -> BodyResult:
                received, elapsed = stream(here, here.send_bytes, message, (iterations, window))
                return BodyResult(received, iterations * window * size, elapsed)

            return body

        yield bind


@workload(
    "pipe/message-rate",
    metric=Metric.THROUGHPUT,
    floor="floor/socketpair-message-rate",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes"),
    body_params=("payload_bytes",),
    payload_bytes=Sweep((64,), (1, 64, 256), (1, 8, 64, 256, 1_024)),
)
def message_rate(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send small messages one way without waiting.

    Timed: the sends, until one answer says that the last message has arrived.
    Not timed: starting the child.

    Reads as: messages per second of one sender and one receiver, limited by the
    slower one, usually the receiver: two reads for each message.
    """
    with child_server(context, absorb) as here:

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")
            message = os.urandom(size)

            def body(iterations: int, /) -> BodyResult:
                received, elapsed = stream(here, here.send_bytes, message, (1, iterations))
                return BodyResult(received // size, iterations, elapsed)

            return body

        yield bind
