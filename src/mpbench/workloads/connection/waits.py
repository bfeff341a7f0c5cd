"""`connection.wait` over connections and over process sentinels."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from mpbench.errors import WorkloadError
from mpbench.model import Case
from mpbench.workload import Body, BodyFactory, Needs, Sweep, workload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("wait_for_connections", "wait_for_sentinels")


def _copies(stack: ExitStack, original: Connection, count: int) -> list[Connection]:
    """Make so many connections of duplicates of one end's descriptor."""
    made: list[Connection] = []
    for _ in range(count):
        made.append(Connection(os.dup(original.fileno()), writable=False))
        stack.callback(made[-1].close)
    return made


def _waiting(objects: list[Any], expected: int) -> Body:
    """Return the body that asks which of the objects are ready."""

    def body(iterations: int, /) -> int:
        right = 0
        for _ in range(iterations):
            right += len(wait(objects, 0.0)) == expected
        return right

    return body


@workload(
    "connection/wait",
    floor="floor/poll",
    covers=("Pipe", "connection.wait"),
    by_method=False,
    body_params=("objects", "ready"),
    needs=lambda case: Needs(descriptors=case.integer("objects") + 32),
    objects=Sweep((1,), (1, 8, 64, 512), (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)),
    ready=Sweep(("one",), ("one",), ("one", "all", "none")),
)
def wait_for_connections(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask which of many connections have something to be received.

    `ready`: one, all, or none of them have. The connections are duplicates of the
    ends of two pipes, so that 512 fit into the usual limit of 1,024 open files.

    Timed: one `wait(connections, 0)`. Not timed: making the connections.

    Reads as: the cost of each pass of a loop over many children. Every call
    registers all connections anew, so it grows with their number; a kept selector
    (the floor) grows far less.
    """
    silent, quiet_end = context.Pipe(duplex=False)
    speaking, loud_end = context.Pipe(duplex=False)
    loud_end.send_bytes(b"x")
    with silent, quiet_end, speaking, loud_end, ExitStack() as stack:
        idle: list[Connection] = []
        busy: list[Connection] = []

        def of(source: Connection, pool: list[Connection], count: int) -> list[Connection]:
            pool += _copies(stack, source, count - len(pool))
            return pool[:count]

        def bind(case: Case) -> Body:
            count = case.integer("objects")
            ready = {"one": 1, "all": count, "none": 0}[case.text("ready")]
            mixed = of(silent, idle, count - ready) + of(speaking, busy, ready)
            return _waiting(mixed, ready)

        yield bind


def _stay(reader: Connection, writer: Connection) -> None:
    """Live until somebody writes, or nobody can any more."""
    writer.close()
    reader.poll(None)


def _leave() -> None:
    """Do nothing: the child is wanted for its sentinel."""


@contextmanager
def _ended(context: BaseContext) -> Iterator[BaseProcess]:
    """Keep the process object of a child that has ended."""
    child: BaseProcess = context.Process(target=_leave)  # type: ignore[attr-defined]  # not in typeshed
    child.start()
    try:
        # Not joined yet: the fork server's sentinel is a pipe that join reads empty.
        if not wait([child.sentinel], 20.0):
            raise WorkloadError("a child that does nothing has not ended within 20 s")
        yield child
        child.join()
        if child.exitcode != 0:
            raise WorkloadError(f"a child ended with exit code {child.exitcode}, expected 0")
    finally:
        child.kill()
        child.join()
        child.close()


@contextmanager
def _living(context: BaseContext, count: int) -> Iterator[list[BaseProcess]]:
    """Keep so many idle children while the block runs."""
    reader, writer = context.Pipe(duplex=False)
    children: list[BaseProcess] = [
        context.Process(target=_stay, args=(reader, writer), daemon=True)  # type: ignore[attr-defined]  # not in typeshed
        for _ in range(count)
    ]
    started: list[BaseProcess] = []
    try:
        for child in children:
            child.start()
            started.append(child)
        yield children
        # Nobody reads the byte, so it wakes every child.
        writer.send_bytes(b"x")
        for child in children:
            child.join(20.0)
        codes = [child.exitcode for child in children]
        if any(code != 0 for code in codes):
            raise WorkloadError(f"idle children ended with exit codes {codes}, expected 0 of each")
    finally:
        for child in started:
            child.kill()
            child.join()
        for child in children:
            child.close()
        reader.close()
        writer.close()


def _too_many(case: Case) -> str | None:
    """Say why that many processes are not started, or None."""
    if case.integer("objects") > 64 and case.method is not None and case.method.value == "spawn":
        return "hundreds of spawned interpreters take gigabytes; use fork for this case"
    return None


@workload(
    "connection/wait-sentinels",
    floor="floor/poll",
    covers=("Process.sentinel", "connection.wait"),
    body_params=("objects",),
    unsupported=_too_many,
    needs=lambda case: Needs(
        processes=case.integer("objects") + 1,
        descriptors=2 * case.integer("objects") + 48,
        memory_bytes=case.integer("objects") * (16 << 20),
    ),
    deadline_s=180.0,
    objects=Sweep((1,), (1, 8), (1, 8, 64, 512)),
)
def wait_for_sentinels(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask which of many child processes have ended; one has.

    Timed: one `wait(sentinels, 0)`. Not timed: starting the children, all but
    one of which are idle.

    Reads as: `connection/wait` over descriptors that stand for processes. It
    is how a program waits for the first of its children to end.
    """
    living: list[BaseProcess] = []
    with ExitStack() as stack:
        ended = stack.enter_context(_ended(context))

        def bind(case: Case) -> Body:
            idle = case.integer("objects") - 1
            if idle > len(living):
                more = _living(context, idle - len(living))
                living.extend(stack.enter_context(more))
            return _waiting([child.sentinel for child in (*living[:idle], ended)], 1)

        yield bind
