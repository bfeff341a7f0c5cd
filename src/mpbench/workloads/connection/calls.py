"""Authentication alone, an absent listener, listeners with several clients."""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import ExitStack
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from typing import TYPE_CHECKING, Any

from mpbench.errors import VerificationError
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    Verifier,
    WindowCounter,
    child_server,
    fixed,
    worker_group,
    workload,
)
from mpbench.workloads.connection.listeners import listening, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("challenge", "clients", "listen", "no_listener")

# A visit takes milliseconds on a busy machine; a shorter window may see none.
_MIN_MS = 100


def _answer_then_ask(connection: Connection, authkey: bytes) -> None:
    """Prove to have the key and ask for proof, in the order of a client, until end-of-file."""
    while True:
        answer_challenge(connection, authkey)
        deliver_challenge(connection, authkey)


@workload(
    "connection/challenge",
    floor="floor/hmac",
    covers=("Pipe", "connection.deliver_challenge", "connection.answer_challenge"),
    needs=Needs(processes=2),
    key_bytes=Sweep((32,), (32,), (16, 32, 256)),
)
def challenge(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Authenticate both ways over an existing pipe.

    Timed: one deliver_challenge and one answer_challenge here, the same two in
    the other order in a child. Not timed: starting the child.

    Reads as: what the key adds to `connection/connect`: six messages, four of
    them waited for, and four digests (`floor/hmac`).
    """
    authkey = os.urandom(case.integer("key_bytes"))
    with child_server(context, _answer_then_ask, authkey) as here:
        # The first time imports hmac, on both sides.
        deliver_challenge(here, authkey)
        answer_challenge(here, authkey)

        def body(iterations: int, /) -> int:
            done = 0
            for _ in range(iterations):
                # Both raise AuthenticationError if the other side has another key.
                deliver_challenge(here, authkey)
                answer_challenge(here, authkey)
                done += 1
            return done

        yield body


@workload(
    "connection/listen",
    floor=NoFloor("socket, bind, listen and close are the kernel's own operations"),
    covers=("Listener", "Listener.close"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("family",),
    family=fixed("AF_UNIX", "AF_INET"),
)
def listen(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Make a Listener to which nobody connects, and close it.

    Timed: `Listener(address, family)` with a private path or a free port, and
    `Listener.close`, which removes the path.

    Reads as: what a server pays before its first client. A manager and a fork
    server make one each.
    """
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder:

        def bind(case: Case) -> Body:
            family = case.text("family")
            address: Any = f"{folder}/l" if family == "AF_UNIX" else ("127.0.0.1", 0)

            def body(iterations: int, /) -> Verifier:
                for _ in range(iterations):
                    Listener(address, family).close()

                def check() -> int:
                    left = os.listdir(folder)
                    if left:
                        raise VerificationError(0, len(left), "paths of closed listeners are left")
                    return iterations

                return check

            return body

        yield bind


@workload(
    "connection/no-listener",
    floor=NoFloor("nobody accepts: a refused connect and two calls around it are all there is"),
    covers=("connection.Client",),
    by_method=False,
    tier=Tier.FULL,
    family=fixed("AF_UNIX", "AF_INET"),
)
def no_listener(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Try to connect where nobody listens.

    Timed: `Client` until it raises `FileNotFoundError` (AF_UNIX, no such path) or
    `ConnectionRefusedError` (AF_INET, no such port).

    Reads as: the cost of each attempt of a program that retries. It fails at once,
    without a timeout.
    """
    with tempfile.TemporaryDirectory(prefix="mpbench-") as folder, socket.socket() as taken:
        # Bound and not listening, so that nobody else can listen there.
        taken.bind(("127.0.0.1", 0))
        is_path = case.text("family") == "AF_UNIX"
        address: Any = f"{folder}/none" if is_path else taken.getsockname()
        expected = FileNotFoundError if is_path else ConnectionRefusedError

        def body(iterations: int, /) -> int:
            refused = 0
            for _ in range(iterations):
                try:
                    Client(address).close()
                except expected:
                    refused += 1
            return refused

        yield body


def _visit(counter: WindowCounter, address: Any, family: str, authkey: bytes) -> None:
    """Connect, wait to be accepted, and close, until told to stop."""

    def visit() -> None:
        with Client(address, family, authkey) as client:
            client.recv_bytes()

    counter.repeat(visit, notes_waits=True)


def _endless(case: Case) -> str | None:
    """Say why a case would take minutes, or None."""
    if case.text("family") == "AF_INET" and case.integer("clients") > 4 > case.integer("backlog"):
        return "clients that TCP turns away wait longer after each attempt; use a larger backlog"
    return None


@workload(
    "connection/clients",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one client at a time is connection/connect, which has a floor"),
    covers=("connection.Client", "Listener", "Listener.accept"),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    tier=Tier.FULL,
    unsupported=_endless,
    needs=lambda case: Needs(
        processes=case.integer("clients") + 2, descriptors=2 * case.integer("clients") + 48
    ),
    family=fixed("AF_UNIX", "AF_INET"),
    backlog=fixed(1, 128),
    clients=Sweep((1,), (1, 4), (1, 4, 16)),
)
def clients(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let several processes connect to one Listener at once, with a key.

    Timed: connections that were made, authenticated, answered and closed inside a
    common window; single ones give the latencies. Not timed: starting.

    Reads as: connections per second of one accepting loop, which checks one key
    after the other. With the default `backlog` of 1 few can wait: over AF_UNIX the
    others block, over AF_INET they are turned away and retry a second later.
    """
    family = case.text("family")
    with ExitStack() as stack:
        at = stack.enter_context(place(family, 32))
        serving = listening(context, at, backlog=case.integer("backlog"))
        at, _ = stack.enter_context(serving)
        members = [(_visit, (at.address, family, at.authkey))] * case.integer("clients")
        workers = stack.enter_context(worker_group(context, members))

        def body(milliseconds: int, /) -> BodyResult:
            return workers.window(max(_MIN_MS, milliseconds))

        yield body
