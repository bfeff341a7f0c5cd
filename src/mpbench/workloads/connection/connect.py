"""What `Listener` and `Client` cost: to connect, to answer each other, to refuse a stranger."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    child_server,
    fixed,
    subsample,
    workload,
)
from mpbench.workload.message_timing import round_trips

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("Address", "accept_all", "connect", "listening", "place", "round_trip", "wrong_key")

_NEEDS = Needs(processes=2, descriptors=32)

# Where a listener listens and with which key: address, family, authkey.
Address = tuple[Any, str, "bytes | None"]


@contextmanager
def place(family: str, key_bytes: int) -> Iterator[Address]:
    """Choose a private path or a free loopback port, and a random key."""
    authkey = os.urandom(key_bytes) if key_bytes else None
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder:
        address: Any = f"{folder}/l" if family == "AF_UNIX" else ("127.0.0.1", 0)
        yield address, family, authkey


def accept_all(control: Connection, at: Address, stop: Any, backlog: int) -> None:
    """Accept whoever comes, greet and leave, until told to stop; count who is refused."""
    address, family, authkey = at
    refused = 0
    with Listener(address, family, backlog, authkey) as listener:
        control.send(listener.address)
        while not stop.value:
            try:
                connection = listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                # A wrong key, or a stranger who leaves when asked for one.
                refused += 1
                continue
            connection.send_bytes(b"a")
            connection.close()
        peer: Any = listener.last_accepted
    if family == "AF_INET" and peer[0] != "127.0.0.1":
        raise WorkloadError(f"a connection came from {peer}, expected 127.0.0.1")
    control.send(refused)


def _greet(address: Any, family: str, authkey: bytes | None) -> bool:
    """Connect, wait until accepted, and close; return whether it was `accept_all` that answered."""
    with Client(address, family, authkey) as client:
        return client.recv_bytes() == b"a"


@contextmanager
def listening(
    context: BaseContext, at: Address, *, backlog: int = 1
) -> Iterator[tuple[Any, list[int]]]:
    """
    Keep a child that accepts connections while the block runs.

    Yields:
        The address to connect to, and a list whose only number the block may
        raise: how many strangers the listener should have refused.

    Raises:
        WorkloadError: The listener refused another number.
    """
    stop = context.RawValue("b", 0)
    strangers = [0]
    with child_server(context, accept_all, at, stop, backlog) as control:
        address = control.recv()
        # The first visit imports what authentication needs, on both sides.
        if not _greet(address, at[1], at[2]):
            raise WorkloadError("the listener did not greet its first visitor")
        yield address, strangers
        stop.value = 1
        # One more visitor, so that the listener looks up; it may have left already.
        with suppress(OSError, EOFError):
            _greet(address, at[1], at[2])
        refused = control.recv()
    if refused != strangers[0]:
        raise WorkloadError(f"the listener refused {refused} clients, expected {strangers[0]}")


@workload(
    "connection/connect",
    metric=Metric.TIME,
    floor="floor/socket-connect",
    covers=("connection.Client", "Listener", "Listener.accept", "Connection.recv_bytes"),
    facts={"client_return": Metric.TIME},
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("family", "key_bytes"),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    family=Sweep(("AF_UNIX",), ("AF_UNIX", "AF_INET"), ("AF_UNIX", "AF_INET")),
    key_bytes=Sweep((32,), (0, 32), (0, 16, 32, 256)),
)
def connect(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Connect to a Listener in another process, be accepted, and close.

    `key_bytes` is the length of the random authkey, 0 for none. AF_UNIX is a
    path in a private folder, AF_INET a port of 127.0.0.1.

    Timed: `Client` until a byte that the listener's process sends after
    accept is here, and close. The fact `client_return` is the time until
    Client returned. Not timed: starting the process that listens.

    Reads as: the price of a new connection between two processes. Without a
    key, Client returns before anybody has accepted. With one, both sides prove
    that they have it: six messages, each waited for.
    """
    del case
    made: dict[tuple[str, int], Address] = {}
    with ExitStack() as stack:

        def listener(family: str, key_bytes: int) -> Address:
            """Return where a listener of that kind is, and start it if there is none yet."""
            if (family, key_bytes) not in made:
                at = stack.enter_context(place(family, key_bytes))
                address, _ = stack.enter_context(listening(context, at))
                made[family, key_bytes] = (address, family, at[2])
            return made[family, key_bytes]

        def bind(case: Case) -> Body:
            return _connecting(listener(case.text("family"), case.integer("key_bytes")))

        yield bind


def _connecting(at: Address) -> Body:
    """Return the body that visits one listener."""
    address, family, authkey = at

    def body(iterations: int, /) -> BodyResult:
        clock = monotonic_ns
        accepted = returning = 0
        latencies: list[int] = []
        for _ in range(iterations):
            began = clock()
            client = Client(address, family, authkey)
            returned = clock()
            accepted += client.recv_bytes() == b"a"
            client.close()
            latencies.append(clock() - began)
            returning += returned - began
        facts = {"client_return": returning / iterations}
        return BodyResult(accepted, iterations, sum(latencies), facts, subsample(latencies))

    return body


def _echo(control: Connection, at: Address) -> None:
    """Accept one connection and send back what arrives, until it is closed."""
    address, family, authkey = at
    with Listener(address, family, authkey=authkey) as listener:
        control.send(listener.address)
        with listener.accept() as connection:
            receive, send = connection.recv_bytes, connection.send_bytes
            while True:
                send(receive())


@workload(
    "connection/round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/socket-round-trip",
    covers=(
        *("connection.Client", "Listener"),
        *("Connection.send_bytes", "Connection.recv_bytes"),
    ),
    body_params=("family", "payload_bytes"),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    family=fixed("AF_UNIX", "AF_INET"),
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
    is acknowledged, and the other side delays that.
    """
    del case
    made: dict[str, Connection] = {}
    with ExitStack() as stack:

        def connected(family: str) -> Connection:
            """Return a connection of that family, and make it if there is none yet."""
            if family not in made:
                at = stack.enter_context(place(family, 32))
                control = stack.enter_context(child_server(context, _echo, at))
                client = Client(control.recv(), family, at[2])
                made[family] = stack.enter_context(client)
            return made[family]

        def bind(case: Case) -> Body:
            client = connected(case.text("family"))
            message = os.urandom(case.integer("payload_bytes"))
            return round_trips(client.send_bytes, client.recv_bytes, message)

        yield bind


@workload(
    "connection/wrong-key",
    metric=Metric.TIME,
    floor="connection/connect",
    covers=("connection.Client", "Listener", "Listener.accept", "AuthenticationError"),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    family=Sweep(("AF_UNIX",), ("AF_UNIX",), ("AF_UNIX", "AF_INET")),
)
def wrong_key(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Connect to a Listener with a key that is not its own, which must be refused.

    Timed: `Client` until it raises `AuthenticationError`. Not timed: starting
    the process that listens, which must raise it too, once for each stranger.

    Reads as: the behaviour first: nobody without the key gets a connection,
    and the listener lives on. The time is what a stranger costs the listener,
    which does nothing else meanwhile.
    """
    with place(case.text("family"), 32) as at, listening(context, at) as (address, strangers):
        stranger = os.urandom(32)

        def body(iterations: int, /) -> int:
            refused = 0
            for _ in range(iterations):
                try:
                    Client(address, at[1], stranger).close()
                except AuthenticationError:
                    refused += 1
            strangers[0] += refused
            return refused

        yield body
        if not _greet(address, at[1], at[2]):
            raise VerificationError(1, 0, "clients with the right key were accepted afterwards")
