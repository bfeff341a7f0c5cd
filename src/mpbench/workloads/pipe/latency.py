"""Round trips and one-way latencies of `multiprocessing.Pipe`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Callable

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, Sweep, child_server, fixed, workload
from mpbench.workload.message_timing import note_arrivals, one_way_trips, round_trips

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("one_way", "placed_round_trip", "round_trip", "simplex_round_trip")

# Connection joins its header of 4 bytes to a body of up to 16,384 bytes and
# makes two writes above; a pipe holds 65,536 bytes, header included.
_SIZES = (64, 4_096, 16_384, 16_385, 65_536, 65_537, 1 << 20)
_MORE_SIZES = (
    *(1, 8, 64, 256, 1_024, 4_096, 8_192, 16_384, 16_385, 32_768),
    *(65_532, 65_533, 65_536, 65_537, 1 << 18, 1 << 20, 1 << 22, 1 << 24),
)


def _send_of(connection: Connection, form: str) -> Callable[[Any], None]:
    return connection.send if form == "object" else connection.send_bytes


def _receive_of(connection: Connection, form: str, size: int) -> Callable[[], Any]:
    """Return a call that receives one message; it returns a sized thing."""
    if form == "object":
        return connection.recv
    if form == "bytes":
        return connection.recv_bytes
    buffer = bytearray(size)

    def into() -> memoryview:
        return memoryview(buffer)[: connection.recv_bytes_into(buffer)]

    return into


def _echo(connection: Connection) -> None:
    """Send back what arrives, in the form that the parent announces, until an empty message."""
    while True:
        form, size = connection.recv()
        send, receive = _send_of(connection, form), _receive_of(connection, form, size)
        message = receive()
        while message:
            send(message)
            message = receive()


class _Echo:
    """The parent's side of `_echo`: announces a form before its first message."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._form = ""

    def announce(self, form: str, size: int) -> None:
        """End the present form and begin another."""
        if self._form:
            _send_of(self._connection, self._form)(b"")
        self._connection.send((form, size))
        self._form = form


@workload(
    "pipe/round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/socketpair-round-trip",
    covers=(
        "Pipe",
        "Connection.send_bytes",
        "Connection.recv_bytes",
        "Connection.recv_bytes_into",
        "Connection.send",
        "Connection.recv",
    ),
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("payload_bytes", "form"),
    payload_bytes=Sweep((64, 65_536), _SIZES, _MORE_SIZES),
    form=Sweep(("bytes",), ("bytes", "object"), ("bytes", "object", "into")),
)
def round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send one message over `Pipe()` to an idle child and receive it back.

    `form`: `bytes` (send_bytes, recv_bytes), `object` (send, recv of pickled
    bytes) or `into` (recv_bytes_into a kept buffer).

    Timed: one send and one receive here, the same two in the child, two
    wake-ups. Not timed: starting the child. The message stays in the cache.

    Reads as: the least time in which two processes answer each other, not the
    cost of one message (`pipe/one-way`). Above 16,384 bytes header and body are
    two writes.
    """
    with child_server(context, _echo) as here:
        echo = _Echo(here)

        def bind(case: Case) -> Body:
            form, size = case.text("form"), case.integer("payload_bytes")
            echo.announce(form, size)
            message = os.urandom(size)
            return round_trips(_send_of(here, form), _receive_of(here, form, size), message)

        yield bind


def _echo_simplex(control: Connection, requests: Connection, answers: Connection) -> None:
    """Send back over a second pipe what arrives over the first, until an empty message."""
    del control
    receive, send = requests.recv_bytes, answers.send_bytes
    message = receive()
    while message:
        send(message)
        message = receive()
    requests.close()
    answers.close()


@workload(
    "pipe/simplex-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/framed-pipe-round-trip",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes"),
    body_params=("payload_bytes",),
    payload_bytes=Sweep((64,), (64, 65_536), _MORE_SIZES),
)
def simplex_round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send one message over a pair of `Pipe(duplex=False)` to an idle child and back.

    Timed: one send_bytes and one recv_bytes here, the same two in the child,
    two wake-ups. Not timed: starting the child.

    Reads as: `pipe/round-trip` with bytes over two kernel pipes instead of one
    socket pair.
    """
    requests, here_writer = context.Pipe(duplex=False)
    here_reader, answers = context.Pipe(duplex=False)
    with ExitStack() as stack:
        for end in (requests, here_writer, here_reader, answers):
            stack.enter_context(end)
        stack.enter_context(child_server(context, _echo_simplex, requests, answers))

        def bind(case: Case) -> Body:
            message = os.urandom(case.integer("payload_bytes"))
            return round_trips(here_writer.send_bytes, here_reader.recv_bytes, message)

        yield bind
        # A forked child holds copies of these ends, so end-of-file would not arrive.
        here_writer.send_bytes(b"")


def _serve_one_way(connection: Connection) -> None:
    """Note the arrival of messages in the form that the parent announces."""
    while True:
        form, size, count = connection.recv()
        note_arrivals(connection, _receive_of(connection, form, size), count)


@workload(
    "pipe/one-way",
    metric=Metric.LATENCY,
    floor="floor/socketpair-one-way",
    covers=(
        "Pipe",
        "Connection.send_bytes",
        "Connection.recv_bytes",
        "Connection.send",
        "Connection.recv",
    ),
    facts={"send_return": Metric.TIME},
    tier=Tier.QUICK,
    body_params=("payload_bytes", "form"),
    payload_bytes=Sweep((64,), (64, 16_385, 65_536, 1 << 20), _MORE_SIZES),
    form=Sweep(("bytes",), ("bytes", "object"), ("bytes", "object", "into")),
)
def one_way(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send one message over `Pipe()` to an idle child, which stamps its arrival.

    Timed: from before the send until the child's receive has returned, on the
    common clock. The fact `send_return` is the duration of the send call. Not
    timed: the answer that starts the next message.

    Reads as: the age of a message when the receiver can use it.
    """
    with child_server(context, _serve_one_way) as here:

        def bind(case: Case) -> Body:
            form, size = case.text("form"), case.integer("payload_bytes")

            def announce(count: int) -> None:
                here.send((form, size, count))

            return one_way_trips(
                here, announce, _send_of(here, form), os.urandom(size), fact="send_return"
            )

        yield bind


def _unplaceable(case: Case) -> str | None:
    """Say why processes cannot be bound to CPUs as the case asks, or None."""
    if not hasattr(os, "sched_setaffinity"):
        return "the platform has no os.sched_setaffinity"
    if case.text("placement") == "two-cpus" and len(os.sched_getaffinity(0)) < 2:
        return "fewer than two CPUs are usable"
    return None


def _places(placement: str, usable: list[int]) -> tuple[set[int], set[int]]:
    """Return the CPUs of the parent and of the child."""
    if placement == "same-cpu":
        return {usable[0]}, {usable[0]}
    if placement == "two-cpus":
        return {usable[0]}, {usable[1]}
    return set(usable), set(usable)


def _echo_placed(connection: Connection, cpus: set[int]) -> None:
    os.sched_setaffinity(0, cpus)
    _echo(connection)


@workload(
    "pipe/placed-round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/socketpair-round-trip",
    covers=("Pipe", "Connection.send_bytes", "Connection.recv_bytes"),
    tier=Tier.FULL,
    body_params=("payload_bytes",),
    unsupported=_unplaceable,
    payload_bytes=fixed(64, 65_536),
    placement=fixed("anywhere", "same-cpu", "two-cpus"),
)
def placed_round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Do the round trip of `pipe/round-trip` with both processes bound to chosen CPUs.

    Timed: as there, with bytes. Not timed: starting the child, binding.

    Reads as: the scheduler's part of a round trip. On one CPU a wake-up is a
    context switch, between two CPUs an interrupt.
    """
    everywhere = os.sched_getaffinity(0)
    mine, others = _places(case.text("placement"), sorted(everywhere))
    with child_server(context, _echo_placed, others) as here:
        echo = _Echo(here)

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")
            echo.announce("bytes", size)
            return round_trips(here.send_bytes, here.recv_bytes, os.urandom(size))

        os.sched_setaffinity(0, mine)
        try:
            yield bind
        finally:
            os.sched_setaffinity(0, everywhere)
