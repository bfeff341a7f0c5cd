"""Receiving large messages over `multiprocessing.Pipe`: bandwidth, page faults, memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    child_server,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("large_receive",)

# What the message begins and ends with, so that the receiver can tell it is whole.
_MARK = 16


def _supply(connection: Connection, writer: Connection) -> None:
    """Send a message of the announced size whenever asked, over the socket or the kernel pipe."""
    while True:
        channel, size, count = connection.recv()
        message = os.urandom(_MARK) + bytes(size - 2 * _MARK) + os.urandom(_MARK)
        connection.send_bytes(message[:_MARK] + message[-_MARK:])
        send = connection.send_bytes if channel == "socket" else writer.send_bytes
        for _ in range(count):
            connection.recv_bytes()
            send(message)


def _forget_peak() -> None:
    """Let the kernel's record of the largest resident size begin anew, where it can."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return


def _resident(field: str) -> int | None:
    """Return a size of this process from /proc/self/status, in bytes."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(field):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def _faults() -> int:
    """Return how many page faults this process has had that needed no disk."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@workload(
    "pipe/large-receive",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    covers=(
        "Pipe",
        "Connection.send_bytes",
        "Connection.recv_bytes",
        "Connection.recv_bytes_into",
    ),
    facts={"page_faults": Metric.COUNT, "peak_growth": Metric.MEMORY},
    body_params=("payload_bytes", "form", "channel"),
    needs=lambda case: Needs(processes=2, memory_bytes=6 * case.integer("payload_bytes")),
    payload_bytes=Sweep((1 << 20,), (1 << 20, 1 << 24), (1 << 20, 1 << 24, 1 << 26, 1 << 28)),
    form=Sweep(("bytes",), ("bytes",), ("bytes", "into")),
    channel=Sweep(("socket",), ("socket", "pipe"), ("socket", "pipe")),
)
def large_receive(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Request one large message from a child and receive it.

    `form`: `bytes` (recv_bytes) or `into` (recv_bytes_into a kept buffer).
    `channel`: `socket` (`Pipe()`) or `pipe` (`Pipe(duplex=False)`).

    Timed: the request, the child's send_bytes, the receive. An operation is one
    byte. Facts: the receiver's page faults for each message and the growth of
    its peak resident size. Not timed: making the message.

    Reads as: the distance to a plain copy of memory. Each read returns a small
    piece, and the pieces are copied once more, also with `into`.
    """
    reader, writer = context.Pipe(duplex=False)
    with reader, writer, child_server(context, _supply, writer) as here:
        sources = {"socket": here, "pipe": reader}

        def bind(case: Case) -> Body:
            source, size = sources[case.text("channel")], case.integer("payload_bytes")
            return _receiving(here, source, case.text("channel"), size, case.text("form"))

        yield bind


def _receiving(here: Connection, source: Connection, channel: str, size: int, form: str) -> Body:
    """Return the body that receives messages of one size over one channel."""
    buffer = bytearray(size if form == "into" else 0)

    def body(iterations: int, /) -> Verifier:
        here.send((channel, size, iterations))
        marks = here.recv_bytes()
        _forget_peak()
        resident, faults = _resident("VmRSS:"), _faults()
        message: bytes | bytearray = buffer
        total = 0
        started = monotonic_ns()
        for _ in range(iterations):
            here.send_bytes(b"n")
            if form == "into":
                total += source.recv_bytes_into(buffer)
            else:
                message = source.recv_bytes()
                total += len(message)
        elapsed = monotonic_ns() - started
        facts = {"page_faults": (_faults() - faults) / iterations}
        peak = _resident("VmHWM:")
        if peak is not None and resident is not None:
            facts["peak_growth"] = max(0, peak - resident)

        def check() -> BodyResult:
            if bytes(message[:_MARK]) + bytes(message[-_MARK:]) != marks:
                raise VerificationError(size, 0, "bytes arrived as they were sent")
            return BodyResult(total, iterations * size, elapsed, facts)

        return check

    return body
