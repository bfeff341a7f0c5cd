"""
Every way to bring bytes to another process, behind one form.

A deliverer hands numbered payloads to another process, which looks at each one
and answers at the end how many were right; it returns that answer. So the same
job can be done over all of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.workload import child_server
from mpbench.workloads.pool.lifecycle import ready_pool

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("MESSAGES", "TRANSPORTS", "Deliver", "Transports", "is_right", "read_all")

# Messages in one job.
MESSAGES = 16

# Brings payloads to the other process and returns how many it found right.
Deliver = Callable[[Sequence[bytes]], int]
# In the child: returns the payload with a number.
Receive = Callable[[int], bytes]
# In the parent: hands over the payload with a number.
Send = Callable[[int, bytes], None]


def is_right(number: int, payload: bytes, size: int) -> bool:
    """Whether a payload has the size and the number that it should have."""
    return len(payload) == size and payload[:8] == number.to_bytes(8, "little")[:size]


def _count_right(task: tuple[int, bytes, int]) -> int:
    """Look at one payload in a worker of a pool."""
    return int(is_right(*task))


@contextmanager
def _from_object_pipe(reader: Connection) -> Iterator[Receive]:
    yield lambda _: reader.recv()


@contextmanager
def _from_bytes_pipe(reader: Connection) -> Iterator[Receive]:
    yield lambda _: reader.recv_bytes()


@contextmanager
def _from_queue(queue: Any) -> Iterator[Receive]:
    yield lambda _: queue.get()


@contextmanager
def _from_shared_memory(name: str, size: int, numbers: Connection) -> Iterator[Receive]:
    from multiprocessing.shared_memory import SharedMemory

    block = SharedMemory(name)
    view = block.buf
    assert view is not None

    def receive(_: int) -> bytes:
        at = int.from_bytes(numbers.recv_bytes(), "little") * size
        return bytes(view[at : at + size])

    try:
        yield receive
    finally:
        block.close()


@contextmanager
def _from_array(array: Any, size: int, numbers: Connection) -> Iterator[Receive]:
    view = memoryview(array).cast("B")

    def receive(_: int) -> bytes:
        at = int.from_bytes(numbers.recv_bytes(), "little") * size
        return bytes(view[at : at + size])

    yield receive


@contextmanager
def _from_files(folder: str, numbers: Connection) -> Iterator[Receive]:
    def receive(_: int) -> bytes:
        number = int.from_bytes(numbers.recv_bytes(), "little")
        with open(os.path.join(folder, str(number)), "rb") as file:
            return file.read()

    yield receive


def read_all(
    control: Connection, size: int, receiver: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """Run in the child: read as many payloads as announced, and answer how many were right."""
    with receiver(*arguments) as receive:
        while True:
            count = control.recv()
            control.send(sum(is_right(number, receive(number), size) for number in range(count)))


@contextmanager
def _served(
    context: BaseContext, size: int, receiver: Any, arguments: tuple[Any, ...], send: Send
) -> Iterator[Deliver]:
    """Keep the child that reads one transport while the block runs."""
    with child_server(context, read_all, size, receiver, arguments) as control:

        def deliver(payloads: Sequence[bytes]) -> int:
            control.send(len(payloads))
            for number, payload in enumerate(payloads):
                send(number, payload)
            return int(control.recv())

        yield deliver


@contextmanager
def _pipe(context: BaseContext, size: int) -> Iterator[Deliver]:
    reader, writer = context.Pipe(duplex=False)
    with reader, writer:

        def send(_: int, payload: bytes) -> None:
            writer.send(payload)

        with _served(context, size, _from_object_pipe, (reader,), send) as deliver:
            yield deliver


@contextmanager
def _pipe_bytes(context: BaseContext, size: int) -> Iterator[Deliver]:
    reader, writer = context.Pipe(duplex=False)
    with reader, writer:

        def send(_: int, payload: bytes) -> None:
            writer.send_bytes(payload)

        with _served(context, size, _from_bytes_pipe, (reader,), send) as deliver:
            yield deliver


@contextmanager
def _queue(context: BaseContext, size: int) -> Iterator[Deliver]:
    queue = context.Queue()

    def send(_: int, payload: bytes) -> None:
        queue.put(payload)

    try:
        with _served(context, size, _from_queue, (queue,), send) as deliver:
            yield deliver
    finally:
        queue.close()
        queue.join_thread()


@contextmanager
def _simple_queue(context: BaseContext, size: int) -> Iterator[Deliver]:
    queue = context.SimpleQueue()

    def send(_: int, payload: bytes) -> None:
        queue.put(payload)

    try:
        with _served(context, size, _from_queue, (queue,), send) as deliver:
            yield deliver
    finally:
        queue.close()


@contextmanager
def _shared_memory(context: BaseContext, size: int) -> Iterator[Deliver]:
    from multiprocessing.shared_memory import SharedMemory

    block = SharedMemory(create=True, size=size * MESSAGES)
    view = block.buf
    assert view is not None
    numbers, writer = context.Pipe(duplex=False)

    def send(number: int, payload: bytes) -> None:
        view[number * size : (number + 1) * size] = payload
        writer.send_bytes(number.to_bytes(4, "little"))

    try:
        with numbers, writer:
            arguments = (block.name, size, numbers)
            with _served(context, size, _from_shared_memory, arguments, send) as deliver:
                yield deliver
    finally:
        block.close()
        block.unlink()


@contextmanager
def _array(context: BaseContext, size: int) -> Iterator[Deliver]:
    array = context.RawArray("B", size * MESSAGES)
    view = memoryview(array).cast("B")
    numbers, writer = context.Pipe(duplex=False)

    def send(number: int, payload: bytes) -> None:
        view[number * size : (number + 1) * size] = payload
        writer.send_bytes(number.to_bytes(4, "little"))

    with numbers, writer:
        arguments = (array, size, numbers)
        with _served(context, size, _from_array, arguments, send) as deliver:
            yield deliver


@contextmanager
def _manager_queue(context: BaseContext, size: int) -> Iterator[Deliver]:
    with context.Manager() as server:
        queue = server.Queue()

        def send(_: int, payload: bytes) -> None:
            queue.put(payload)

        with _served(context, size, _from_queue, (queue,), send) as deliver:
            yield deliver


@contextmanager
def _file(context: BaseContext, size: int) -> Iterator[Deliver]:
    numbers, writer = context.Pipe(duplex=False)
    with numbers, writer, tempfile.TemporaryDirectory(prefix="mpbench-") as folder:

        def send(number: int, payload: bytes) -> None:
            path = os.path.join(folder, str(number))
            with open(path, "wb") as file:
                file.write(payload)
            writer.send_bytes(number.to_bytes(4, "little"))

        with _served(context, size, _from_files, (folder, numbers), send) as deliver:
            yield deliver


@contextmanager
def _pool_map(context: BaseContext, size: int) -> Iterator[Deliver]:
    with ready_pool(context, 1) as pool:

        def deliver(payloads: Sequence[bytes]) -> int:
            tasks = [(number, payload, size) for number, payload in enumerate(payloads)]
            return sum(pool.map(_count_right, tasks, 1))

        yield deliver


TRANSPORTS: dict[str, Callable[[BaseContext, int], AbstractContextManager[Deliver]]] = {
    "pipe": _pipe,
    "pipe-bytes": _pipe_bytes,
    "queue": _queue,
    "simple-queue": _simple_queue,
    "shared-memory": _shared_memory,
    "array": _array,
    "manager-queue": _manager_queue,
    "pool-map": _pool_map,
    "file": _file,
}


class Transports:
    """Opens transports as they are asked for, and keeps them until the end."""

    def __init__(self, context: BaseContext, stack: ExitStack) -> None:
        self._context = context
        self._stack = stack
        self._open: dict[tuple[str, int], Deliver] = {}

    def deliverer(self, transport: str, size: int) -> Deliver:
        """Return what delivers payloads of a size over one transport."""
        key = (transport, size)
        if key not in self._open:
            manager = TRANSPORTS[transport](self._context, size)
            self._open[key] = self._stack.enter_context(manager)
        return self._open[key]
