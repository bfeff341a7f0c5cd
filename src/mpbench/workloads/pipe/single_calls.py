"""Single calls of `multiprocessing.Pipe`: creating, polling, refusing a short buffer."""

from __future__ import annotations

from multiprocessing import BufferTooShort
from typing import TYPE_CHECKING

from mpbench.errors import VerificationError
from mpbench.model import Case, Tier
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, Verifier, fixed, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("create", "poll", "short_buffer")

# How long `poll` waits for what does not come, in seconds.
_EXPIRY_S = 0.000_5


@workload(
    "pipe/create",
    floor="floor/pipe-create",
    covers=("Pipe", "Connection.close"),
    by_method=False,
    duplex=fixed(True, False),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Make a pipe and close both of its ends, in one process.

    Timed: `Pipe(duplex)` and two `Connection.close`.

    Reads as: the cost of a channel: a socket pair with `duplex=True`, otherwise
    a kernel pipe.
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
    floor="floor/poll",
    covers=("Pipe", "Connection.poll"),
    by_method=False,
    body_params=("answer",),
    answer=Sweep(("empty", "ready"), ("empty", "ready"), ("empty", "ready", "blocking", "late")),
)
def poll(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask a connection whether something can be received.

    `answer`: `empty` (`poll()`, nothing there), `ready` (`poll()`, a message
    there), `blocking` (`poll(None)`, a message there) or `late`
    (`poll(0.0005)`, nothing there).

    Timed: one `Connection.poll`.

    Reads as: the cost of a look before receiving. Each call makes a selector and
    drops it; the floor keeps its `select.poll`. For `late`, what exceeds 500 us
    is lateness.
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
    floor=NoFloor("a send, a receive and an exception in one process; no floor sends to itself"),
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes_into", "BufferTooShort"),
    by_method=False,
    tier=Tier.FULL,
)
def short_buffer(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Receive a message of 64 bytes into a buffer of 32, which must be refused.

    Timed: one send_bytes, one recv_bytes_into that raises `BufferTooShort`, and
    taking the message from the exception, all in one process.

    Reads as: the message is not lost; the time is a send, a receive and an
    exception.
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
