"""Floors of channels in one direction: raw socket pairs and pipes, how fast and how soon."""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyResult, NoFloor, Sweep, Verifier, pair_deliveries, workload
from mpbench.workloads.floor.descriptors import read_exactly, write_all
from mpbench.workloads.floor.forks import forked, without_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "os_pipe_one_way",
    "socketpair_bandwidth",
    "socketpair_message_rate",
    "socketpair_one_way",
)

# One count in each direction, or one stamp.
_WORD = struct.Struct("<q")
# What the reader takes at once, as in Connection's own reads of a large body.
_CHUNK = 1 << 18
_ONE_WAY = Sweep((64,), (64, 65_536), (1, 64, 16_384, 16_385, 65_536, 1 << 20))


def _absorb(descriptor: int, closed: int) -> None:
    """Read as many bytes as were announced, say so, and wait for the next announcement."""
    os.close(closed)
    while True:
        announced = read_exactly(descriptor, _WORD.size)
        if not announced:
            return
        missing = _WORD.unpack(announced)[0]
        os.write(descriptor, b"r")
        while missing:
            piece = os.read(descriptor, min(missing, _CHUNK))
            if not piece:
                return
            missing -= len(piece)
        os.write(descriptor, b"a")


def _stream(descriptor: int, message: bytes, count: int) -> int:
    """Send messages to `_absorb` and return how long it took until the last had arrived."""
    write_all(descriptor, _WORD.pack(count * len(message)))
    os.read(descriptor, 1)
    started = monotonic_ns()
    for _ in range(count):
        write_all(descriptor, message)
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
    del context
    here, there = socket.socketpair()
    message = os.urandom(case.integer("payload_bytes"))

    def body(iterations: int, /) -> BodyResult:
        elapsed = _stream(here.fileno(), message, iterations)
        return BodyResult(iterations * len(message), elapsed_ns=elapsed)

    with here, forked(_absorb, there.fileno(), here.fileno()):
        there.close()
        try:
            yield body
        finally:
            here.close()


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
    del context
    here, there = socket.socketpair()
    message = os.urandom(case.integer("payload_bytes"))

    def body(iterations: int, /) -> BodyResult:
        elapsed = _stream(here.fileno(), message, iterations)
        return BodyResult(iterations, iterations, elapsed_ns=elapsed)

    with here, forked(_absorb, there.fileno(), here.fileno()):
        there.close()
        try:
            yield body
        finally:
            here.close()


def _note_arrivals(control: int, source: int, closed: tuple[int, ...]) -> None:
    """Stamp each message when it is here and answer it; hand over the stamps when asked."""
    for descriptor in closed:
        os.close(descriptor)
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
    del context
    here, there = socket.socketpair()
    message = os.urandom(case.integer("payload_bytes"))
    descriptor, other = here.fileno(), there.fileno()
    with here, forked(_note_arrivals, other, other, (descriptor,)):
        there.close()
        try:
            yield _sending(descriptor, descriptor, message)
        finally:
            here.close()


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
    del context
    here, there = socket.socketpair()
    source, sink = os.pipe()
    message = os.urandom(case.integer("payload_bytes"))
    with here, forked(_note_arrivals, there.fileno(), source, (here.fileno(), sink)):
        there.close()
        os.close(source)
        try:
            yield _sending(here.fileno(), sink, message)
        finally:
            os.close(sink)
            here.close()
