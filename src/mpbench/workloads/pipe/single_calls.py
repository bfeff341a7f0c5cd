"""Single calls of `multiprocessing.Pipe`: creating, polling, refusing a short buffer."""

from __future__ import annotations

from multiprocessing import BufferTooShort
from typing import TYPE_CHECKING

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, Verifier, fixed, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("create", "poll", "short_buffer")

# How long `poll` waits for what does not come, in seconds.
_EXPIRY_S = 0.000_5


@workload(
    "pipe/create",
    metric=Metric.TIME,
    floor="floor/pipe-create",
    covers=("Pipe", "Connection.close"),
    by_method=False,
    body_params=("duplex",),
    duplex=fixed(True, False),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Make a pipe and close both of its ends, in one process.

    Timed: `Pipe(duplex)` and two `Connection.close`.

    Reads as: the price of a channel. `duplex=True` is a socket pair,
    `duplex=False` a kernel pipe, which is cheaper to make.
    """
    duplex = bool(case.value("duplex"))

    def body(iterations: int, /) -> Verifier:
        pipe = context.Pipe
        for _ in range(iterations):
            here, there = pipe(duplex)
            here.close()
            there.close()

        def check() -> int:
            kinds = (here.readable, here.writable, there.readable, there.writable)
            if kinds != (True, duplex, duplex, True):
                raise VerificationError(1, 0, f"pipes of the right kind, found {kinds}")
            return iterations if here.closed and there.closed else 0

        return check

    return body


@workload(
    "pipe/poll",
    metric=Metric.TIME,
    floor="floor/poll",
    covers=("Pipe", "Connection.poll"),
    by_method=False,
    body_params=("answer",),
    answer=Sweep(("empty", "ready"), ("empty", "ready"), ("empty", "ready", "blocking", "late")),
)
def poll(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask a connection whether something can be received.

    `answer` is `empty` (`poll()` with nothing there), `ready` (`poll()` with a
    message there), `blocking` (`poll(None)` with a message there) or `late`
    (`poll(0.0005)` with nothing there, so half a millisecond is waited for).

    Timed: one `Connection.poll`, nothing else.

    Reads as: what a loop pays that looks before it receives. Each call makes
    a selector, registers the connection, asks and throws the selector away;
    the floor is a `select.poll` object that is kept. For `late`, what is above
    500 us is the lateness of a timeout.
    """
    empty, ready = context.Pipe(), context.Pipe()
    ready[1].send_bytes(b"x")
    asked = {
        "empty": (empty[0], 0.0, False),
        "ready": (ready[0], 0.0, True),
        "blocking": (ready[0], None, True),
        "late": (empty[0], _EXPIRY_S, False),
    }
    with empty[0], empty[1], ready[0], ready[1]:

        def bind(case: Case) -> Body:
            connection, timeout, expected = asked[case.text("answer")]

            def body(iterations: int, /) -> int:
                ask = connection.poll
                right = 0
                for _ in range(iterations):
                    right += ask(timeout) is expected
                return right

            return body

        yield bind


@workload(
    "pipe/short-buffer",
    metric=Metric.TIME,
    floor=NoFloor("a send, a receive and an exception in one process; no floor sends to itself"),
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes_into", "BufferTooShort"),
    by_method=False,
    tier=Tier.FULL,
)
def short_buffer(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Receive a message of 64 bytes into a buffer of 32, which must be refused.

    Timed: one send_bytes, one recv_bytes_into that raises `BufferTooShort`, and
    taking the whole message out of the exception. All in one process.

    Reads as: the behaviour first: the message is not lost. The time is that of
    a send, a receive and an exception.
    """
    here, there = context.Pipe()
    message, buffer = bytes(range(64)), bytearray(32)
    with here, there:

        def body(iterations: int, /) -> int:
            refused = 0
            for _ in range(iterations):
                here.send_bytes(message)
                try:
                    there.recv_bytes_into(buffer)
                except BufferTooShort as error:
                    refused += error.args[0] == message
            return refused

        yield body
