"""Connecting, round trips, TCP_NODELAY, wrong keys: Listener and Client."""

from __future__ import annotations

import os
from contextlib import ExitStack
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    child_server,
    fixed,
    latency_result,
    workload,
)
from mpbench.workload.message_timing import round_trips
from mpbench.workloads.connection.listeners import (
    NODELAY_SIDES,
    Address,
    Listeners,
    connected,
    exchange,
    greet,
    listening,
    place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("connect", "nodelay", "round_trip", "wrong_key")

_NEEDS = Needs(processes=2, descriptors=32)
_FAMILIES = ("AF_UNIX", "AF_INET")


@workload(
    "connection/connect",
    floor="floor/socket-connect",
    covers=("connection.Client", "Listener", "Listener.accept", "Connection.recv_bytes"),
    facts={"client_return": Metric.TIME},
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("family", "key_bytes", "speaks_first"),
    needs=_NEEDS,
    family=Sweep(("AF_UNIX",), _FAMILIES, _FAMILIES),
    key_bytes=Sweep((32,), (0, 32), (0, 16, 32, 256)),
    speaks_first=Sweep(("server",), ("server", "client"), ("server", "client")),
)
def connect(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Connect to a Listener in another process, exchange the first message, and close.

    `key_bytes` is the length of the random authkey, 0 for none. AF_UNIX is a
    path in a private folder, AF_INET a port of 127.0.0.1. `speaks_first` says
    who sends the first message after the connection is made: the server one
    byte, or the client one byte that the server sends back.

    Timed: `Client`, the first exchange, and close. The fact `client_return` is
    the time until Client returned. Not timed: starting the process that
    listens.

    Reads as: the price of a new connection between two processes. Without a
    key, Client returns before anybody has accepted. With one, both sides prove
    that they have it: six messages, each waited for. Over AF_INET with a key a
    client that speaks first waits some 40 ms: its request follows its last
    authentication message and is held back until the server's delayed ACK
    (`connection/nodelay` shows the cure).
    """
    with ExitStack() as stack:
        listeners = Listeners(context, stack)
        yield lambda case: _connecting(
            listeners.at(case.text("family"), case.integer("key_bytes"), case.text("speaks_first"))
        )


def _connecting(at: Address) -> Body:
    """Return the body that visits one listener."""

    def body(iterations: int, /) -> BodyResult:
        clock = monotonic_ns
        answered = returning = 0
        latencies: list[int] = []
        for _ in range(iterations):
            began = clock()
            client = connected(at)
            returned = clock()
            answered += exchange(client, at)
            client.close()
            latencies.append(clock() - began)
            returning += returned - began
        result = latency_result(latencies, iterations, {"client_return": returning / iterations})
        return result._replace(operations=answered)

    return body


@workload(
    "connection/nodelay",
    floor="floor/socket-round-trip",
    covers=("connection.Client", "Listener.accept", "Connection.send_bytes", "Connection.fileno"),
    body_params=("exchange", "nodelay"),
    needs=_NEEDS,
    exchange=Sweep(("first-request",), ("first-request", "message"), ("first-request", "message")),
    nodelay=Sweep(("none", "client"), NODELAY_SIDES, NODELAY_SIDES),
    family=fixed("AF_INET"),
    payload_bytes=fixed(20_000),
)
def nodelay(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Switch Nagle's algorithm off on a connection over TCP, and compare.

    `nodelay` says which side sets TCP_NODELAY on its socket after it is
    connected: none (as multiprocessing does), the client, or both. The key has
    32 bytes.

    Timed: for `first-request`, `Client`, setting the option, one byte there and
    back, and close; for `message`, `payload_bytes` there and back over a
    connection that is kept. Not timed: starting the process that listens.

    Reads as: the cure of `connection/connect` with `speaks_first=client` and of
    `connection/round-trip` above 16,384 bytes. Two small writes in a row
    without an answer between them wait for a delayed ACK; with TCP_NODELAY on
    the side that writes them they do not. For `message` both sides write twice,
    so both need the option.
    """
    with ExitStack() as stack:
        listeners = Listeners(context, stack)
        message = os.urandom(case.integer("payload_bytes"))

        def bind(case: Case) -> Body:
            at = listeners.at("AF_INET", 32, "client", case.text("nodelay"))
            if case.text("exchange") == "first-request":
                return _connecting(at)

            def body(iterations: int, /) -> BodyResult:
                with connected(at) as client:
                    exchange(client, at)
                    timed = round_trips(client.send_bytes, client.recv_bytes, message)
                    began = monotonic_ns()
                    check: Any = timed(iterations)
                    elapsed = monotonic_ns() - began
                    result: BodyResult = check()
                return result._replace(elapsed_ns=elapsed)

            return body

        yield bind


def _echo(control: Connection, at: Address) -> None:
    """Accept one connection and send back what arrives, until it is closed."""
    with Listener(at.address, at.family, authkey=at.authkey) as listener:
        control.send(listener.address)
        with listener.accept() as connection:
            receive, send = connection.recv_bytes, connection.send_bytes
            while True:
                send(receive())


@workload(
    "connection/round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/socket-round-trip",
    covers=("connection.Client", "Listener", "Connection.send_bytes", "Connection.recv_bytes"),
    body_params=("family", "payload_bytes"),
    needs=_NEEDS,
    family=fixed(*_FAMILIES),
    payload_bytes=Sweep(
        (64,),
        (64, 16_384, 16_385, 65_536),
        (1, 64, 1_024, 8_192, 16_380, 16_384, 16_385, 32_768, 65_536, 65_537, 1 << 18, 1 << 20),
    ),
)
def round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send one message over a connection made by Client and Listener, and get it back.

    Timed: one send_bytes and one recv_bytes here, the same in the other
    process, and two wake-ups. Not timed: connecting.

    Reads as: over AF_UNIX the same as `pipe/round-trip`. Over AF_INET, above
    16,384 bytes, header and body are two writes; Nagle's algorithm, which
    multiprocessing leaves switched on, holds the second back until the first
    is acknowledged, and the other side delays that by some 40 ms. It happens
    while the body is smaller than one segment: up to 64 KiB on loopback; with
    an MTU of 1500 the body fills segments and does not wait.
    """
    made: dict[str, Connection] = {}
    with ExitStack() as stack:

        def kept(family: str) -> Connection:
            """Return a connection of that family, and make it if there is none yet."""
            if family not in made:
                at = stack.enter_context(place(family, 32))
                control = stack.enter_context(child_server(context, _echo, at))
                client = Client(control.recv(), family, at.authkey)
                made[family] = stack.enter_context(client)
            return made[family]

        def bind(case: Case) -> Body:
            client = kept(case.text("family"))
            message = os.urandom(case.integer("payload_bytes"))
            return round_trips(client.send_bytes, client.recv_bytes, message)

        yield bind


@workload(
    "connection/wrong-key",
    floor="floor/socket-connect",
    covers=("connection.Client", "Listener", "Listener.accept", "AuthenticationError"),
    needs=_NEEDS,
    family=Sweep(("AF_UNIX",), ("AF_UNIX",), _FAMILIES),
)
def wrong_key(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Connect to a Listener with a key that is not its own, which must be refused.

    Timed: `Client` until it raises `AuthenticationError`. Not timed: starting the
    process that listens, which must raise it too, once for each such client.

    Reads as: without the key nobody gets a connection, and the listener continues.
    The time is what such a client costs the listener.
    """
    with place(case.text("family"), 32) as where, listening(context, where) as (at, to_refuse):
        wrong = os.urandom(32)

        def body(iterations: int, /) -> int:
            refused = 0
            for _ in range(iterations):
                try:
                    Client(at.address, at.family, wrong).close()
                except AuthenticationError:
                    refused += 1
            to_refuse[0] += refused
            return refused

        yield body
        if not greet(at):
            raise VerificationError(1, 0, "clients with the right key were accepted afterwards")
