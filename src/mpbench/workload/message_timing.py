"""Timed bodies of every channel: round trips and one-way messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.workload import Body, BodyResult, Verifier, intervals, pair_deliveries, subsample

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ("note_arrivals", "one_way_trips", "round_trips")

Send = Callable[[Any], Any]
Receive = Callable[[], Any]


def round_trips(send: Send, receive: Receive, message: Any) -> Body:
    """
    Return a body that sends a message and waits for it to come back, and notes each turn.

    Args:
        send: Sends one message to a child that echoes it.
        receive: Waits for one and returns it.
        message: Something with a length.
    """
    size = len(message)

    def body(iterations: int, /) -> Verifier:
        clock = monotonic_ns
        returned = 0
        reply: Any = None
        stamps = [clock()]
        note = stamps.append
        for _ in range(iterations):
            send(message)
            reply = receive()
            note(clock())
            returned += len(reply) == size

        def check() -> BodyResult:
            if reply != message:
                raise VerificationError(size, 0, "bytes came back as they were sent")
            return BodyResult(returned, iterations, latencies_ns=subsample(intervals(stamps)))

        return check

    return body


def note_arrivals(
    control: Connection, receive: Receive, count: int, *, afterwards: Receive | None = None
) -> None:
    """
    Run in the child: stamp messages when they are here, answer each, report at the end.

    Args:
        control: To the parent; `ready` and the answers are plain messages over it.
        receive: Waits for one message and returns it.
        count: How many will come.
        afterwards: Called after each stamp, before the answer.
    """
    acknowledge, clock = control.send_bytes, monotonic_ns
    stamps: list[int] = []
    note = stamps.append
    message: Any = b""
    acknowledge(b"r")
    for _ in range(count):
        message = receive()
        note(clock())
        if afterwards is not None:
            afterwards()
        acknowledge(b"a")
    control.send((stamps, bytes(message)))


def one_way_trips(
    control: Connection, announce: Callable[[int], Any], send: Send, message: bytes, *, fact: str
) -> Body:
    """
    Return a body that sends messages one at a time to a child in `note_arrivals`.

    The answer that starts the next turn goes over the control connection and
    is not timed; it makes sure that the receiver waits when the next is sent.

    Args:
        control: To the child.
        announce: Makes the child enter `note_arrivals` for so many messages.
        send: Sends one message.
        message: What is sent.
        fact: The name of the sender's share, until its call returned.
    """

    def body(iterations: int, /) -> Verifier:
        clock, acknowledged = monotonic_ns, control.recv_bytes
        sent: list[int] = []
        returned: list[int] = []
        announce(iterations)
        acknowledged()
        for _ in range(iterations):
            sent.append(clock())
            send(message)
            returned.append(clock())
            acknowledged()

        def check() -> BodyResult:
            received, last = control.recv()
            if last != message:
                raise VerificationError(len(message), 0, "bytes arrived as they were sent")
            return pair_deliveries(sent, returned, received, fact=fact)

        return check

    return body
