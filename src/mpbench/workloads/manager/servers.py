"""Managers with types of one's own: as a child of the client, and as a server on the network."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    child_server,
    fixed,
    workload,
)
from mpbench.workload.message_timing import round_trips

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

    from mpbench.workloads.manager._server_types import CustomManager

__all__ = ("connect", "custom", "custom_create", "generator", "network")

_NEEDS = Needs(processes=2, descriptors=48)


def _bench() -> type[CustomManager]:
    """Return the manager class with its types registered."""
    from mpbench.workloads.manager._server_types import bench

    return bench()


@workload(
    "manager/custom",
    metric=Metric.TIME,
    floor="manager/access",
    covers=("AutoProxy", "BaseProxy"),
    facts={"create": Metric.TIME},
    body_params=("proxy",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    proxy=Sweep(("auto",), ("auto", "written"), ("auto", "exposed", "written")),
    revision=2,
)
def custom(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Register a class with a manager of one's own, and call a method of a shared instance.

    `proxy` is `auto` (nothing said: AutoProxy asks the server for the public
    methods), `exposed` (their names are given) or `written` (a class derived
    from BaseProxy).

    Timed: one call of the method. The fact `create` is the time for making the
    shared instance, taken once for each sample. Not timed: starting the manager.

    Reads as: calls cost what those of the ready-made types cost. Making an
    instance costs one connection more when the methods must be asked for.
    """
    del case
    manager = _bench()(ctx=context)
    manager.start()
    if not manager.address:
        raise WorkloadError("the manager has started and has no address")
    try:

        def bind(case: Case) -> Body:
            kind = case.text("proxy")

            def body(iterations: int, /) -> BodyResult:
                began = monotonic_ns()
                echo = manager.make(kind).echo
                made = monotonic_ns()
                echo(0)
                called = monotonic_ns()
                right = 0
                for number in range(iterations):
                    right += echo(number) == number
                elapsed = monotonic_ns() - called
                return BodyResult(right, iterations, elapsed, {"create": made - began})

            return body

        yield bind
    finally:
        manager.shutdown()
        manager.join()


@workload(
    "manager/custom-create",
    metric=Metric.TIME,
    floor="floor/socket-connect",
    covers=("AutoProxy", "BaseProxy"),
    facts={"drop": Metric.TIME},
    tier=Tier.FULL,
    body_params=("proxy",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    proxy=fixed("auto", "exposed", "written"),
)
def custom_create(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a shared object of one's own class with each kind of proxy, and drop it.

    `proxy` is as in `manager/custom`.

    Timed: the manager's method until the proxy is here. The fact `drop` is the
    time for dropping the proxy. Not timed: starting the manager.

    Reads as: what AutoProxy costs. It asks the server for the names of the
    methods, and makes a class of them, for each object.
    """
    del case
    with _bench()(ctx=context) as manager:

        def bind(case: Case) -> Body:
            kind = case.text("proxy")

            def body(iterations: int, /) -> BodyResult:
                clock, make = monotonic_ns, manager.make
                making = dropping = 0
                for _ in range(iterations):
                    began = clock()
                    proxy = make(kind)
                    made = clock()
                    making += made - began
                    del proxy
                    dropping += clock() - made
                return BodyResult(iterations, iterations, making, {"drop": dropping / iterations})

            return body

        yield bind


@workload(
    "manager/generator",
    metric=Metric.TIME,
    floor="manager/access",
    covers=(
        *("IteratorProxy.__next__", "IteratorProxy.send"),
        *("IteratorProxy.throw", "IteratorProxy.close"),
    ),
    facts={"close": Metric.TIME},
    tier=Tier.FULL,
    body_params=("call",),
    needs=lambda case: _NEEDS,  # noqa: ARG005
    call=fixed("next", "send", "throw"),
)
def generator(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Drive a generator that lives in a manager.

    Timed: one `next`, `send` or `throw`, until the next value is here. The
    fact `close` is the time for closing the generator, taken once for each
    sample. Not timed: making it.

    Reads as: an iterator over a process boundary makes a round trip for each
    of its values.
    """
    del case
    with _bench()(ctx=context) as manager:

        def bind(case: Case) -> Body:
            call = case.text("call")
            arguments = {"next": (), "send": (7,), "throw": (KeyError,)}[call]

            def body(iterations: int, /) -> BodyResult:
                numbers = manager.count_up()  # type: ignore[attr-defined]  # set by register()
                step = getattr(numbers, "__next__" if call == "next" else call)
                next(numbers)
                right = 0
                began = monotonic_ns()
                for _ in range(iterations):
                    right += step(*arguments) >= 0
                ended = monotonic_ns()
                numbers.close()
                closing = monotonic_ns() - ended
                return BodyResult(right, iterations, ended - began, {"close": closing})

            return body

        yield bind


def _serve(control: Connection, family: str, authkey: bytes, serializer: str) -> None:
    """Run a server until the parent closes its end, as the documentation's remote manager."""
    address: Any = ("127.0.0.1", 0) if family == "AF_INET" else None
    server = _bench()(address, authkey, serializer).get_server()

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
    needs=lambda case: _NEEDS,  # noqa: ARG005
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
    the second may have to wait until the first has been acknowledged, which
    the other side delays: look for a step of tens of milliseconds. With
    `serializer=xmlrpclib` the payload is text.
    """
    del case
    made: dict[tuple[str, str], Any] = {}
    with ExitStack() as stack:

        def served(family: str, serializer: str) -> Any:
            """Return a proxy from a server of that kind, and start it if there is none yet."""
            if (family, serializer) not in made:
                authkey = os.urandom(32)
                serving = child_server(context, _serve, family, authkey, serializer)
                client = _bench()(stack.enter_context(serving).recv(), authkey, serializer)
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
    metric=Metric.TIME,
    floor="floor/socket-connect",
    covers=("BaseManager.connect",),
    body_params=("family",),
    needs=lambda case: _NEEDS._replace(processes=3),  # noqa: ARG005
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
    del case
    authkey = os.urandom(32)
    with ExitStack() as stack:

        def bind(case: Case) -> Body:
            serving = child_server(context, _serve, case.text("family"), authkey, "pickle")
            address = stack.enter_context(serving).recv()

            def body(iterations: int, /) -> int:
                make = _bench()
                connected = 0
                for _ in range(iterations):
                    client = make(address, authkey)
                    client.connect()
                    connected += client.address == address
                return connected

            body(1)
            return body

        yield bind


def _echoing(proxy: Any, message: Any) -> Body:
    """Return the body of a round trip through a method call."""
    returned: list[Any] = []

    def send(message: Any) -> None:
        returned.append(proxy.echo(message))

    send(message)
    returned.clear()
    return round_trips(send, returned.pop, message)
