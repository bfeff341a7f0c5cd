"""Attributes of objects of every kind, and calls that only look at them."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Callable

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, Needs, Sweep, workload
from mpbench.workload.unrolled import unrolled_body
from mpbench.workloads.shared.segments import lacks_segments, segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("attributes",)

_SIZE = 4_096

# What is asked of each type, and the answer; where it is not known before, any true one will do.
_TRUE = object()
_ANSWERS: dict[str, Any] = {
    "Connection.closed": False,
    "Connection.readable": True,
    "Connection.writable": False,
    "Barrier.parties": 3,
    "Barrier.n_waiting": 0,
    "Barrier.broken": False,
    "SynchronizedArray.get_lock": _TRUE,
    "SynchronizedArray.get_obj": _TRUE,
    "SimpleQueue.empty": True,
    "Listener.address": _TRUE,
    "Listener.last_accepted": _TRUE,
    "SyncManager.address": _TRUE,
    "SharedMemory.name": _TRUE,
    "SharedMemory.size": _SIZE,
}
_CALLS = ("SynchronizedArray.get_lock", "SynchronizedArray.get_obj", "SimpleQueue.empty")


def _connection(context: BaseContext, stack: ExitStack) -> Any:
    reader, writer = context.Pipe(duplex=False)
    stack.enter_context(writer)
    return stack.enter_context(reader)


def _listener(context: BaseContext, stack: ExitStack) -> Any:
    """Return a listener on the loopback that has accepted a connection."""
    from multiprocessing.connection import Client, Listener

    listener = stack.enter_context(Listener(("127.0.0.1", 0)))
    # Waits in the backlog until it is accepted, so no other process is needed.
    with Client(listener.address), listener.accept():
        return listener


_MAKERS: dict[str, Callable[[BaseContext, ExitStack], Any]] = {
    "Connection": _connection,
    "Barrier": lambda context, stack: context.Barrier(3),  # noqa: ARG005
    "SynchronizedArray": lambda context, stack: context.Array("q", 8),  # noqa: ARG005
    "SimpleQueue": lambda context, stack: stack.enter_context(closing(context.SimpleQueue())),
    "Listener": _listener,
    "SyncManager": lambda context, stack: stack.enter_context(context.Manager()),
    "SharedMemory": lambda context, stack: stack.enter_context(segment(_SIZE)),  # noqa: ARG005
}


def _lacks_memory(case: Case) -> str | None:
    return lacks_segments(case) if case.text("attribute").startswith("SharedMemory") else None


@workload(
    "cross/attributes",
    metric=Metric.TIME,
    floor="floor/empty-c-call",
    covers=tuple(_ANSWERS),
    by_method=False,
    tier=Tier.FULL,
    revision=2,
    unsupported=_lacks_memory,
    needs=lambda case: Needs(processes=2, shm_bytes=_SIZE, semaphores=True),  # noqa: ARG005
    attribute=Sweep(
        ("Connection.closed",), ("Connection.closed", "SimpleQueue.empty"), tuple(_ANSWERS)
    ),
)
def attributes(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Read one attribute of an object, or make a call that only looks at it.

    Timed: one reading of the attribute, or one call of the method with its
    look-up. Not timed: making the object.

    Reads as: the cost of a property in Python. `SimpleQueue.empty` asks the
    kernel; the state of a Barrier is read from shared memory.
    """
    wanted = case.text("attribute")
    kind, _, name = wanted.partition(".")
    with ExitStack() as stack:
        thing = _MAKERS[kind](context, stack)
        call = "()" if wanted in _CALLS else ""
        expected = _ANSWERS[wanted]
        yield unrolled_body(
            f"answer = thing.{name}{call}",
            {"thing": thing},
            lambda answer: bool(answer) if expected is _TRUE else answer == expected,
        )
