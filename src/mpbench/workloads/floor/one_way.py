"""Floors of channels: bandwidth, message rate and one-way latency of raw descriptors."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyResult,
    NoFloor,
    Sweep,
    Verifier,
    fixed,
    pair_deliveries,
    workload,
)
from mpbench.workloads.floor.descriptors import read_exactly, write_all
from mpbench.workloads.floor.forks import forked_over_socket, without_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "os_pipe_message_rate",
    "os_pipe_one_way",
    "socketpair_bandwidth",
    "socketpair_both_ways",
    "socketpair_message_rate",
    "socketpair_one_way",
)

# One count in each direction, or one stamp.
_WORD = struct.Struct("<q")
# What the reader takes at once, as in Connection's own reads of a large body.
_CHUNK = 1 << 18
# A message up to this size is written as a whole (PIPE_BUF).
_WHOLE = 4_096
_ONE_WAY = Sweep((64,), (64, 65_536), (1, 64, 16_384, 16_385, 65_536, 1 << 20))


def _absorb(descriptor: int, source: int | None = None) -> None:
    """Read as many bytes as were announced, say so, and wait for the next announcement."""
    source = descriptor if source is None else source
    while True:
        announced = read_exactly(descriptor, _WORD.size)
        if not announced:
            return
        missing = _WORD.unpack(announced)[0]
        os.write(descriptor, b"r")
        while missing:
            piece = os.read(source, min(missing, _CHUNK))
            if not piece:
                return
            missing -= len(piece)
        os.write(descriptor, b"a")


def _stream(descriptor: int, message: bytes, count: int, sink: int | None = None) -> int:
    """Send messages to `_absorb` and return how long it took until the last had arrived."""
    sink = descriptor if sink is None else sink
    write_all(descriptor, _WORD.pack(count * len(message)))
    os.read(descriptor, 1)
    started = monotonic_ns()
    write = os.write if len(message) <= _WHOLE else write_all
    for _ in range(count):
        write(sink, message)
    last = os.read(descriptor, 1)
    elapsed = monotonic_ns() - started
    if last != b"a":
        raise VerificationError(count, 0, "the reader did not acknowledge the last message")
    return elapsed


@workload(
    "floor/socketpair-bandwidth",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    by_method=False,
    unsupported=without_fork,
    payload_bytes=Sweep((65_536,), (65_536, 1 << 20), (64, 16_384, 65_536, 1 << 20, 1 << 24)),
)
def socketpair_bandwidth(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Stream messages through a raw socket pair into a forked child that throws them away.

    Timed: one write for each message until the child has read all; one answer
    at the end. Not timed: starting the child.

    Reads as: the most bytes per second that `Pipe()` can carry. The kernel
    copies each byte twice; no message has a beginning or an end here.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_socket(_absorb) as descriptor:

        def body(iterations: int, /) -> BodyResult:
            elapsed = _stream(descriptor, message, iterations)
            return BodyResult(iterations * len(message), elapsed_ns=elapsed)

        yield body


def _exchange(descriptor: int, message: bytes, count: int) -> None:
    """Write and read a message in turn."""
    size = len(message)
    read, write = (os.read, os.write) if size <= _WHOLE else (read_exactly, write_all)
    for _ in range(count):
        write(descriptor, message)
        read(descriptor, size)


def _exchange_when_asked(descriptor: int, size: int) -> None:
    """Do the same exchanges as the parent, which says how many."""
    while announced := read_exactly(descriptor, _WORD.size):
        os.write(descriptor, b"r")
        _exchange(descriptor, bytes(size), _WORD.unpack(announced)[0])


@workload(
    "floor/socketpair-both-ways",
    metric=Metric.BANDWIDTH,
    floor="floor/memory-copy",
    by_method=False,
    tier=Tier.FULL,
    unsupported=without_fork,
    payload_bytes=fixed(64, 1_024, 16_384, 65_536),
)
def socketpair_both_ways(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let two processes send one message and then receive one over a raw socket pair.

    Timed: one write and one read for each message, in both processes at once.
    An operation is one byte, both directions counted. Not timed: starting the
    child.

    Reads as: the most bytes per second of `pipe/both-ways`, without framing.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_socket(_exchange_when_asked, len(message)) as descriptor:

        def body(iterations: int, /) -> BodyResult:
            os.write(descriptor, _WORD.pack(iterations))
            os.read(descriptor, 1)
            started = monotonic_ns()
            _exchange(descriptor, message, iterations)
            elapsed = monotonic_ns() - started
            return BodyResult(2 * iterations * len(message), elapsed_ns=elapsed)

        yield body


@workload(
    "floor/socketpair-message-rate",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one write for each message is the least that keeps them apart"),
    by_method=False,
    unsupported=without_fork,
    payload_bytes=Sweep((64,), (64,), (1, 64, 256)),
)
def socketpair_message_rate(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send small messages one way through a raw socket pair to a forked child.

    Timed: one write for each message until the child has read all, several at
    once where they wait; one answer at the end. Not timed: starting the child.

    Reads as: the most messages per second that one sender can get rid of
    when nobody has to find their boundaries.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_socket(_absorb) as descriptor:
        yield lambda iterations, /: BodyResult(
            iterations, iterations, _stream(descriptor, message, iterations)
        )


@workload(
    "floor/os-pipe-message-rate",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one write for each message is the least that keeps them apart"),
    by_method=False,
    unsupported=without_fork,
    payload_bytes=Sweep((64,), (64,), (64, 1, 256)),
)
def os_pipe_message_rate(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send small messages one way through a raw pipe to a forked child.

    Timed: as `floor/socketpair-message-rate`. The answer at the end goes over a
    socket pair.

    Reads as: the most messages per second into one kernel pipe, which a queue
    and `Pipe(duplex=False)` are made of.
    """
    message = os.urandom(case.integer("payload_bytes"))
    source, sink = os.pipe()
    try:
        with forked_over_socket(_absorb, source) as descriptor:
            yield lambda iterations, /: BodyResult(
                iterations, iterations, _stream(descriptor, message, iterations, sink)
            )
    finally:
        os.close(source)
        os.close(sink)


def _note_arrivals(control: int, source: int | None = None) -> None:
    """Stamp each message when it is here and answer it; hand over the stamps when asked."""
    source = control if source is None else source
    while True:
        announced = read_exactly(control, 2 * _WORD.size)
        if not announced:
            return
        count, size = _WORD.unpack(announced[:8])[0], _WORD.unpack(announced[8:])[0]
        stamps: list[int] = []
        os.write(control, b"r")
        for _ in range(count):
            read_exactly(source, size)
            stamps.append(monotonic_ns())
            os.write(control, b"a")
        write_all(control, b"".join(map(_WORD.pack, stamps)))


def _sending(control: int, sink: int, message: bytes) -> Body:
    """Return the body that sends to `_note_arrivals`, each when the one before was answered."""

    def body(iterations: int, /) -> Verifier:
        clock = monotonic_ns
        sent: list[int] = []
        returned: list[int] = []
        write_all(control, _WORD.pack(iterations) + _WORD.pack(len(message)))
        os.read(control, 1)
        for _ in range(iterations):
            sent.append(clock())
            write_all(sink, message)
            returned.append(clock())
            os.read(control, 1)

        def check() -> BodyResult:
            stamps = read_exactly(control, iterations * _WORD.size)
            received = [stamp for (stamp,) in _WORD.iter_unpack(stamps)]
            return pair_deliveries(sent, returned, received, fact="send_return")

        return check

    return body


@workload(
    "floor/socketpair-one-way",
    metric=Metric.LATENCY,
    floor=NoFloor("one write, one read and one wake-up are the least a socket can do"),
    by_method=False,
    revision=2,
    facts={"send_return": Metric.TIME},
    unsupported=without_fork,
    payload_bytes=_ONE_WAY,
)
def socketpair_one_way(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw socket pair to an idle forked child, which stamps it.

    Timed: from before the write until the child's read has returned, on the
    clock that both share. The fact `send_return` is the write alone. Not
    timed: the answer that starts the next turn.

    Reads as: the least age of a message when its receiver wakes up.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_socket(_note_arrivals) as descriptor:
        yield _sending(descriptor, descriptor, message)


@workload(
    "floor/os-pipe-one-way",
    metric=Metric.LATENCY,
    floor=NoFloor("one write, one read and one wake-up are the least a pipe can do"),
    by_method=False,
    facts={"send_return": Metric.TIME},
    unsupported=without_fork,
    payload_bytes=_ONE_WAY,
)
def os_pipe_one_way(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw pipe to an idle forked child, which stamps it.

    Timed: as `floor/socketpair-one-way`. The answer that starts the next turn
    goes over a socket pair.

    Reads as: the least age of an item of a queue, which is a kernel pipe, when
    its receiver wakes up.
    """
    message = os.urandom(case.integer("payload_bytes"))
    source, sink = os.pipe()
    try:
        with forked_over_socket(_note_arrivals, source) as descriptor:
            yield _sending(descriptor, sink, message)
    finally:
        os.close(source)
        os.close(sink)
