"""Objects over `multiprocessing.Pipe`: share of pickling, in-band and out-of-band."""

from __future__ import annotations

import os
import pickle
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    Verifier,
    child_server,
    fixed,
    workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("out_of_band", "pickle_share")


def _payload(kind: str) -> Any:
    """Build a message of a kind that programs send; no two of its parts are the same object."""
    if kind == "tuple":
        return (1_001, 2_002, 3_003)
    if kind == "nested":
        return {
            f"key-{n}": {"name": f"item-{n}", "values": [n * 1_000 + 7, n / 3]} for n in range(50)
        }
    if kind == "floats":
        return [n / 7 for n in range(1_000)]
    return os.urandom(int(kind.partition("-")[2]))


def _echo_both(connection: Connection) -> None:
    """Send back one object and one plain message in turn."""
    while True:
        connection.send(connection.recv())
        connection.send_bytes(connection.recv_bytes())


@workload(
    "pipe/pickle-share",
    metric=Metric.SHARE,
    floor=NoFloor("it is a part of a whole; the whole's floor is floor/socketpair-round-trip"),
    covers=(
        "Pipe",
        "Connection.send",
        "Connection.recv",
        "Connection.send_bytes",
        "Connection.recv_bytes",
        "reduction.ForkingPickler",
    ),
    facts={
        "share": Metric.SHARE,
        "dumps": Metric.TIME,
        "loads": Metric.TIME,
        "object": Metric.ROUND_TRIP,
        "bytes": Metric.ROUND_TRIP,
    },
    body_params=("kind",),
    kind=Sweep(
        ("tuple",),
        ("tuple", "nested", "floats", "bytes-65536"),
        ("tuple", "nested", "floats", "bytes-64", "bytes-65536", "bytes-1048576"),
    ),
)
def pickle_share(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Compare a message's round trip as an object with the same bytes unpickled.

    `kind`: a tuple of three integers, a nested dictionary of 50 entries, a list
    of 1,000 floats, or a bytes object of that size.

    Timed: in turn, in each iteration, a round trip with send and recv, one of
    the same pickle with send_bytes and recv_bytes, one `ForkingPickler.dumps`,
    one `loads`. Not timed: starting the child.

    Reads as: the share of the round trip that is pickling (twice dumps and
    loads). It falls when the transport gets slower; `dumps` and `loads` do not.
    """
    with child_server(context, _echo_both) as here:

        def bind(case: Case) -> Body:
            return _compare(here, _payload(case.text("kind")))

        yield bind


def _compare(here: Connection, payload: Any) -> Body:
    """Return the body that times object, bytes, dumps and loads in turn."""
    pickled = bytes(ForkingPickler.dumps(payload))

    def body(iterations: int, /) -> Verifier:
        clock, dumps, loads = monotonic_ns, ForkingPickler.dumps, ForkingPickler.loads
        whole = plain = writing = reading = 0
        reply: Any = None
        for _ in range(iterations):
            started = clock()
            here.send(payload)
            reply = here.recv()
            as_object = clock()
            here.send_bytes(pickled)
            here.recv_bytes()
            as_bytes = clock()
            dumps(payload)
            dumped = clock()
            loads(pickled)
            loaded = clock()
            whole += as_object - started
            plain += as_bytes - as_object
            writing += dumped - as_bytes
            reading += loaded - dumped

        def check() -> BodyResult:
            if reply != payload:
                raise VerificationError(1, 0, "objects came back equal to what was sent")
            facts = {
                "share": 2 * (writing + reading) / whole,
                "dumps": writing / iterations,
                "loads": reading / iterations,
                "object": whole / iterations,
                "bytes": plain / iterations,
            }
            return BodyResult(iterations, iterations, elapsed_ns=whole, facts=facts)

        return check

    return body


def _receive_objects(connection: Connection) -> None:
    """Receive buffers as the parent announces them, in-band or out-of-band; answer each."""
    while True:
        form, size, count = connection.recv()
        received: Any = b""
        connection.send_bytes(b"r")
        for _ in range(count):
            if form == "in-band":
                received = connection.recv()
            else:
                pickled, buffer = connection.recv_bytes(), bytearray(size)
                connection.recv_bytes_into(buffer)
                received = pickle.loads(pickled, buffers=[buffer])
            connection.send_bytes(b"a")
        connection.send_bytes(bytes(received[:8]) + bytes(received[-8:]))


def _send_in_band(connection: Connection, payload: bytearray) -> None:
    connection.send(payload)


def _send_out_of_band(connection: Connection, payload: bytearray) -> None:
    """Send the small pickle first and the buffer as it is."""
    buffers: list[pickle.PickleBuffer] = []
    wrapped = pickle.PickleBuffer(payload)
    connection.send_bytes(pickle.dumps(wrapped, protocol=5, buffer_callback=buffers.append))
    for buffer in buffers:
        connection.send_bytes(buffer.raw())


@workload(
    "pipe/out-of-band",
    metric=Metric.BANDWIDTH,
    floor="floor/socketpair-bandwidth",
    covers=(
        "Pipe",
        "Connection.send",
        "Connection.recv",
        "Connection.send_bytes",
        "Connection.recv_bytes",
        "Connection.recv_bytes_into",
    ),
    tier=Tier.FULL,
    body_params=("payload_bytes", "form"),
    needs=lambda case: Needs(processes=2, memory_bytes=6 * case.integer("payload_bytes")),
    payload_bytes=fixed(4_096, 65_536, 1 << 20, 1 << 24, 1 << 26),
    form=fixed("in-band", "out-of-band"),
)
def out_of_band(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Send a bytearray inside its pickle, or beside it with pickle protocol 5.

    Timed: `send` until the child's answer, or pickle and buffer as two messages
    with `send_bytes`, received into a new bytearray. An operation is one byte.
    Not timed: starting the child.

    Reads as: the size from which the copies of pickle are worth avoiding.
    """
    senders: dict[str, Callable[[Connection, bytearray], None]] = {
        "in-band": _send_in_band,
        "out-of-band": _send_out_of_band,
    }
    with child_server(context, _receive_objects) as here:

        def bind(case: Case) -> Body:
            form, size = case.text("form"), case.integer("payload_bytes")
            payload, send = bytearray(os.urandom(size)), senders[form]
            ends = bytes(payload[:8]) + bytes(payload[-8:])

            def body(iterations: int, /) -> Verifier:
                here.send((form, size, iterations))
                here.recv_bytes()
                started = monotonic_ns()
                for _ in range(iterations):
                    send(here, payload)
                    here.recv_bytes()
                elapsed = monotonic_ns() - started

                def check() -> BodyResult:
                    if here.recv_bytes() != ends:
                        raise VerificationError(size, 0, "bytes arrived as they were sent")
                    return BodyResult(iterations * size, iterations * size, elapsed)

                return check

            return body

        yield bind
