"""Remote managers: calls, connecting, creating shared objects, over AF_UNIX and TCP."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyFactory,
    Needs,
    Sweep,
    Verifier,
    child_server,
    fixed,
    workload,
)
from mpbench.workload.message_timing import round_trips
from mpbench.workloads.connection.listeners import NODELAY_SIDES
from mpbench.workloads.manager.servers import manager_class

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("connect", "create", "network")

_NEEDS = Needs(processes=3, descriptors=48)
# How `_server_types` registers connections with TCP_NODELAY.
_NODELAY = "pickle-nodelay"


def _serve(control: Connection, family: str, authkey: bytes, serializer: str) -> None:
    """Run a server until the parent closes its end, as the documentation's remote manager."""
    address: Any = ("127.0.0.1", 0) if family == "AF_INET" else None
    server = manager_class()(address, authkey, serializer).get_server()

    def stop_at_end() -> None:
        try:
            control.recv_bytes()
        except (EOFError, OSError):
            server.stop_event.set()  # type: ignore[attr-defined]  # set by serve_forever()

    threading.Thread(target=stop_at_end, daemon=True).start()
    control.send(server.address)
    server.serve_forever()


@workload(
    "manager/network",
    metric=Metric.ROUND_TRIP,
    floor="floor/socket-round-trip",
    covers=("AutoProxy", "BaseProxy"),
    body_params=("family", "serializer", "payload_bytes"),
    revision=2,
    needs=_NEEDS,
    family=fixed("AF_UNIX", "AF_INET"),
    serializer=Sweep(("pickle",), ("pickle",), ("pickle", "xmlrpclib")),
    payload_bytes=Sweep(
        (64,), (64, 16_384, 65_536), (64, 1_024, 8_192, 16_300, 16_384, 16_385, 65_536, 1 << 20)
    ),
)
def network(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Call a method of a remote manager that returns its argument.

    The server runs serve_forever in a process of its own and listens on a
    private AF_UNIX path or on 127.0.0.1, with a random authkey; the client
    connects to it by address.

    Timed: one call with a payload there and back. Not timed: starting the
    server, connecting, making the proxy.

    Reads as: what a manager on the network costs before there is a network.
    Messages above 16,384 bytes, pickle included, leave in two writes. Over TCP
    the second waits until the first has been acknowledged, which the other side
    delays by some 40 ms, in each direction; it happens while a message is smaller
    than one segment (64 KiB on loopback; with an MTU of 1500 it does not happen).
    With `serializer=xmlrpclib` the payload is text.
    """
    made: dict[tuple[str, str], Any] = {}
    with ExitStack() as stack:

        def served(family: str, serializer: str) -> Any:
            """Return a proxy from a server of that kind, and start it if there is none yet."""
            if (family, serializer) not in made:
                authkey = os.urandom(32)
                serving = child_server(context, _serve, family, authkey, serializer)
                client = manager_class()(stack.enter_context(serving).recv(), authkey, serializer)
                client.connect()
                made[family, serializer] = client.make("auto")
                # Before its server ends: a proxy says goodbye over a connection.
                stack.callback(made.pop, (family, serializer))
            return made[family, serializer]

        def bind(case: Case) -> Body:
            serializer, size = case.text("serializer"), case.integer("payload_bytes")
            message: Any = os.urandom(size)
            if serializer == "xmlrpclib":
                # Its bytes come back in a wrapper.
                message = message.hex()[:size]
            return _echoing(served(case.text("family"), serializer), message)

        yield bind


@workload(
    "manager/connect",
    floor="floor/socket-connect",
    covers=("BaseManager.connect",),
    body_params=("family",),
    needs=_NEEDS,
    family=fixed("AF_UNIX", "AF_INET"),
)
def connect(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Connect a new client to a remote manager that already runs.

    Timed: making the manager object with address and key, and
    `BaseManager.connect`, which makes a connection, is authenticated, and asks
    the server for a sign of life. Not timed: starting the server.

    Reads as: what a program pays before it can ask a manager on the network
    for its first proxy, without the network.
    """
    authkey = os.urandom(32)
    with ExitStack() as stack:

        def bind(case: Case) -> Body:
            serving = child_server(context, _serve, case.text("family"), authkey, "pickle")
            address = stack.enter_context(serving).recv()

            def body(iterations: int, /) -> int:
                make = manager_class()
                connected = 0
                for _ in range(iterations):
                    client = make(address, authkey)
                    client.connect()
                    connected += client.address == address
                return connected

            body(1)
            return body

        yield bind


def _no_tcp_option(case: Case) -> str | None:
    if case.text("family") == "AF_UNIX" and case.text("nodelay") != "none":
        return "AF_UNIX has no TCP_NODELAY"
    return None


@workload(
    "manager/network-create",
    floor="floor/socket-connect",
    covers=("AutoProxy", "BaseProxy"),
    body_params=("family", "proxy", "nodelay"),
    unsupported=_no_tcp_option,
    needs=_NEEDS,
    family=fixed("AF_UNIX", "AF_INET"),
    proxy=Sweep(("auto",), ("auto",), ("auto", "written")),
    nodelay=Sweep(("none",), NODELAY_SIDES, NODELAY_SIDES),
)
def create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Create a shared object in a remote manager, and drop its proxy.

    `proxy` is `auto` (AutoProxy, made from the methods that the server names)
    or `written` (a class derived from BaseProxy). `nodelay` says which side
    sets TCP_NODELAY on its sockets: none (as multiprocessing does), the client,
    or both.

    Timed: the manager's method until the proxy is here, and dropping it. Not
    timed: starting the server, connecting for the first time.

    Reads as: four new authenticated connections: create the object, count the
    proxy's reference, drop the creator's, drop the proxy's. On each the first
    request follows the client's last authentication message. Over AF_INET each
    such request waits some 40 ms for a delayed ACK, unless the client sets
    TCP_NODELAY.
    """
    with ExitStack() as stack:

        def bind(case: Case) -> Body:
            authkey, nodelay = os.urandom(32), case.text("nodelay")
            kinds = ["pickle" if nodelay != "both" else _NODELAY]
            kinds.append("pickle" if nodelay == "none" else _NODELAY)
            serving = child_server(context, _serve, case.text("family"), authkey, kinds[0])
            client = manager_class()(stack.enter_context(serving).recv(), authkey, kinds[1])
            client.connect()
            return _creating(client, case.text("proxy"))

        yield bind


def _creating(client: Any, kind: str) -> Body:
    """Return the body that creates shared objects and drops their proxies."""

    def body(iterations: int, /) -> Verifier:
        for _ in range(iterations):
            client.make(kind)

        def check() -> int:
            if client.make(kind).echo(7) != 7:
                raise WorkloadError("the shared object did not return its argument")
            return iterations

        return check

    body(1)
    return body


def _echoing(proxy: Any, message: Any) -> Body:
    """Return the body of a round trip through a method call."""
    returned: list[Any] = []

    def send(message: Any) -> None:
        returned.append(proxy.echo(message))

    send(message)
    returned.clear()
    return round_trips(send, returned.pop, message)
