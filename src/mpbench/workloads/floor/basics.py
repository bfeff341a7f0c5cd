"""Floors of calls, copies, polling, digests, a raw pipe and a bare fork."""

from __future__ import annotations

import gc
import mmap
import os
import select
from contextlib import ExitStack
from typing import TYPE_CHECKING

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, Needs, NoFloor, Sweep, workload
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.floor.descriptors import echo, round_trip_body
from mpbench.workloads.floor.forks import forked_over_pipes, forking, without_fork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = (
    "empty_c_call",
    "empty_call",
    "hmac",
    "memory_copy",
    "os_fork_wait",
    "os_pipe_round_trip",
    "poll",
)


@workload(
    "floor/empty-call",
    floor=NoFloor("it is the floor of everything that is called from Python"),
    by_method=False,
    tier=Tier.QUICK,
    revision=2,
)
def empty_call(context: BaseContext, case: Case) -> Body:
    """
    Call an empty Python function.

    Timed: one call of a function that returns None.

    Reads as: the price of a call of a function written in Python. An operation
    that costs less than about ten times this is mostly Python's own calls.
    """
    return unrolled_body("call()", {"call": lambda: None}, lambda _: True)


@workload(
    "floor/empty-c-call",
    floor=NoFloor("it is the floor of everything that calls into C"),
    by_method=False,
    revision=2,
)
def empty_c_call(context: BaseContext, case: Case) -> Body:
    """
    Call a function written in C that looks at one flag.

    Timed: one call of `gc.isenabled`.

    Reads as: what Python asks for any call into C. Operations of locks and
    shared values that cost little more than this cost nothing themselves.
    """
    names = {"call": gc.isenabled}
    return unrolled_body("answer = call()", names, lambda answer: answer is gc.isenabled())


@workload(
    "floor/os-fork-wait",
    floor=NoFloor("fork, exit and wait are the kernel's own operations"),
    by_method=False,
    tier=Tier.QUICK,
    own_agent=True,
    revision=2,
    unsupported=without_fork,
)
def os_fork_wait(context: BaseContext, case: Case) -> Body:
    """
    Fork a child that exits at once, and wait for it, with `os` alone.

    Timed: `os.fork`, the child's `os._exit`, `os.waitpid`.

    Reads as: the least time in which this interpreter can have a process
    made, scheduled and reaped. `process/start-to-join` under fork pays this
    and multiprocessing's own bookkeeping.
    """
    return forking


@workload(
    "floor/os-pipe-round-trip",
    metric=Metric.ROUND_TRIP,
    floor=NoFloor("one write and one read each way are the least a pipe can do"),
    by_method=False,
    tier=Tier.QUICK,
    revision=2,
    unsupported=without_fork,
    payload_bytes=Sweep(
        (64,),
        (64, 16_384, 65_536),
        (64, 1, 1_024, 16_384, 16_385, 65_536, 1 << 18, 1 << 20, 1 << 22, 1 << 24),
    ),
)
def os_pipe_round_trip(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Send one message over a raw pipe to a forked child and wait for it to come back.

    Timed: `os.write` and `os.read` here, the same two in the child, and two
    wake-ups by the scheduler. Not timed: starting the child.

    Reads as: the least time in which two Python processes can answer each
    other. What `pipe/round-trip` costs above it is framing and pickling.
    """
    message = os.urandom(case.integer("payload_bytes"))
    with forked_over_pipes(echo, len(message)) as (reader, writer):
        yield round_trip_body(reader, writer, message)


@workload(
    "floor/memory-copy",
    metric=Metric.BANDWIDTH,
    floor=NoFloor("copying memory is the machine's own operation"),
    by_method=False,
    tier=Tier.QUICK,
    revision=2,
    needs=lambda case: Needs(memory_bytes=2 * case.integer("payload_bytes")),
    payload_bytes=Sweep(
        (1 << 20,), (1 << 16, 1 << 20, 1 << 24), (1 << 16, 1 << 20, 1 << 24, 1 << 28)
    ),
)
def memory_copy(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Copy a bytes object into a memory mapping; both were written before.

    Timed: one slice assignment to a memoryview of an anonymous mapping, one
    memcpy. Not timed: mapping and the first touch.

    Reads as: the most bytes per second that anything which copies a message
    once can reach, at sizes that fit into a cache and at sizes that do not.
    """
    size = case.integer("payload_bytes")

    source = bytes([1]) * size

    with mmap.mmap(-1, size) as mapping, memoryview(mapping) as target:
        target[:] = source

        def wipe() -> None:
            target[0] = target[size - 1] = 0

        yield unrolled_body(
            "target[:] = source",
            {"target": target, "source": source},
            lambda _: target[0] == target[size - 1] == 1,
            before=wipe,
            operations=size,
        )


@workload(
    "floor/poll",
    floor="floor/empty-c-call",
    by_method=False,
    revision=2,
    unsupported=lambda case: None if hasattr(select, "poll") else "no select.poll here",  # noqa: ARG005
    needs=lambda case: Needs(descriptors=2 * case.integer("objects") + 16),
    objects=Sweep((1,), (1, 64), (1, 8, 64, 512)),
)
def poll(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Ask a kept `select.poll` object which of its pipes can be read; one can.

    Timed: one `poll(0)`. Not timed: registering the pipes.

    Reads as: the least that waiting for one of many costs when the answer is
    there. `connection.wait` and `Connection.poll` register everything anew
    at each call.
    """
    with ExitStack() as stack:
        poller = select.poll()
        pipes = [os.pipe() for _ in range(case.integer("objects"))]
        for reader, writer in pipes:
            stack.callback(os.close, reader)
            stack.callback(os.close, writer)
            poller.register(reader, select.POLLIN)
        os.write(pipes[-1][1], b"r")

        names = {"ask": poller.poll}
        yield unrolled_body("answer = ask(0)", names, lambda answer: len(answer) == 1)


@workload(
    "floor/hmac",
    floor="floor/empty-c-call",
    by_method=False,
    revision=2,
    digest=Sweep(("sha256",), ("sha256",), ("sha256", "md5")),
)
def hmac(context: BaseContext, case: Case) -> Body:
    """
    Compute one keyed digest of a challenge of 40 bytes.

    Timed: one `hmac.digest` with a key of 32 bytes.

    Reads as: the arithmetic of a connection's authentication, which needs
    four of them; the rest of the handshake is messages.
    """
    digest = case.text("digest")
    key, challenge = bytes(range(32)), bytes(40)

    # Loading OpenSSL is dear, and every other floor can do without.
    import hmac as _hmac

    names = {"compute": _hmac.digest, "key": key, "challenge": challenge, "digest": digest}
    return unrolled_body("answer = compute(key, challenge, digest)", names, bool)
