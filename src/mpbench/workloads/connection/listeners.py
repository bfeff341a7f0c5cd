"""Processes that listen: addresses, accepting, TCP_NODELAY, the first exchange."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.errors import WorkloadError
from mpbench.workload import child_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "NODELAY_SIDES",
    "Address",
    "Listeners",
    "accept_all",
    "connected",
    "exchange",
    "greet",
    "listening",
    "place",
    "set_nodelay",
)

# Which side of a connection switches Nagle's algorithm off.
NODELAY_SIDES = ("none", "client", "both")


class Address(NamedTuple):
    """Where a listener listens, with which key, and how it speaks with its clients."""

    address: Any
    family: str
    authkey: bytes | None
    speaks_first: str = "server"
    nodelay: str = "none"


def set_nodelay(connection: Connection) -> None:
    """Switch Nagle's algorithm off for what a connection over TCP sends from now on."""
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as end:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextmanager
def place(family: str, key_bytes: int, *how: str) -> Iterator[Address]:
    """Choose a private path or a free loopback port, and a random key."""
    authkey = os.urandom(key_bytes) if key_bytes else None
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder:
        address: Any = f"{folder}/l" if family == "AF_UNIX" else ("127.0.0.1", 0)
        yield Address(address, family, authkey, *how)


def _answer(connection: Connection, at: Address) -> None:
    """Serve one client: greet it, or echo its messages until it leaves."""
    with connection:
        if at.nodelay == "both":
            set_nodelay(connection)
        if at.speaks_first == "server":
            connection.send_bytes(b"a")
            return
        with suppress(EOFError, ConnectionError):
            while True:
                connection.send_bytes(connection.recv_bytes())


def accept_all(control: Connection, at: Address, stop: Any, backlog: int) -> None:
    """Accept and serve one client after the other until told to stop; count who is refused."""
    refused = 0
    with Listener(at.address, at.family, backlog, at.authkey) as listener:
        control.send(listener.address)
        while not stop.value:
            try:
                connection = listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):
                # A wrong key, or a client without one.
                refused += 1
                continue
            _answer(connection, at)
        client: Any = listener.last_accepted
    if at.family == "AF_INET" and client[0] != "127.0.0.1":
        raise WorkloadError(f"a connection came from {client}, expected 127.0.0.1")
    control.send(refused)


def connected(at: Address) -> Connection:
    """Return an authenticated connection, with TCP_NODELAY where the address says so."""
    client = Client(at.address, at.family, at.authkey)
    if at.nodelay != "none":
        set_nodelay(client)
    return client


def exchange(client: Connection, at: Address) -> bool:
    """Exchange the first message; return whether it was `accept_all` that answered."""
    if at.speaks_first == "client":
        client.send_bytes(b"a")
    return client.recv_bytes() == b"a"


def greet(at: Address) -> bool:
    """Connect, exchange the first message, and close."""
    with connected(at) as client:
        return exchange(client, at)


@contextmanager
def listening(
    context: BaseContext, at: Address, *, backlog: int = 1
) -> Iterator[tuple[Address, list[int]]]:
    """
    Keep a child that accepts connections while the block runs.

    Yields:
        The address to connect to, and a list whose only number the block may
        raise: how many clients the listener should have refused.

    Raises:
        WorkloadError: The listener refused another number.
    """
    stop = context.RawValue("b", 0)
    to_refuse = [0]
    with child_server(context, accept_all, at, stop, backlog) as control:
        at = at._replace(address=control.recv())
        # The first visit imports what authentication needs, on both sides.
        if not greet(at):
            raise WorkloadError("the listener did not answer its first visitor")
        yield at, to_refuse
        stop.value = 1
        # One more visitor, so that the listener looks up; it may have left already.
        with suppress(OSError, EOFError):
            greet(at)
        refused = control.recv()
    if refused != to_refuse[0]:
        raise WorkloadError(f"the listener refused {refused} clients, expected {to_refuse[0]}")


class Listeners:
    """Listeners of several kinds, each started when it is first asked for."""

    def __init__(self, context: BaseContext, stack: ExitStack) -> None:
        self._context = context
        self._stack = stack
        self._made: dict[tuple[Any, ...], Address] = {}

    def at(self, family: str, key_bytes: int, *how: str) -> Address:
        """Return where the listener of a kind is."""
        kind = (family, key_bytes, *how)
        if kind not in self._made:
            at = self._stack.enter_context(place(family, key_bytes, *how))
            self._made[kind], _ = self._stack.enter_context(listening(self._context, at))
        return self._made[kind]
