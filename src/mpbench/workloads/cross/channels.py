"""
Transports of bytes to another process, behind one form.

A deliverer hands numbered payloads to another process, which checks each one;
it returns how many were right.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.workload import child_server
from mpbench.workloads.pool.lifecycle import ready_pool

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("MESSAGES", "TRANSPORTS", "Deliver", "Transports", "is_right", "read_all")

# Messages in one job.
MESSAGES = 16

# Brings payloads to the other process and returns how many were right there.
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


Transport = Callable[["BaseContext", int], "AbstractContextManager[Deliver]"]


def _over_pipe(receiver: Any, sender: Callable[[Connection], Send]) -> Transport:
    """Return the transport over a pipe, with one way to send and to receive."""

    @contextmanager
    def transport(context: BaseContext, size: int) -> Iterator[Deliver]:
        reader, writer = context.Pipe(duplex=False)
        served = _served(context, size, receiver, (reader,), sender(writer))
        with reader, writer, served as deliver:
            yield deliver

    return transport


def _over_queue(opened: Callable[[BaseContext], AbstractContextManager[Any]]) -> Transport:
    """Return the transport over a queue."""

    @contextmanager
    def transport(context: BaseContext, size: int) -> Iterator[Deliver]:
        with opened(context) as queue:

            def send(_: int, payload: bytes) -> None:
                queue.put(payload)

            with _served(context, size, _from_queue, (queue,), send) as deliver:
                yield deliver

    return transport


@contextmanager
def _queue(context: BaseContext) -> Iterator[Any]:
    queue = context.Queue()
    try:
        yield queue
    finally:
        queue.close()
        queue.join_thread()


@contextmanager
def _manager_queue(context: BaseContext) -> Iterator[Any]:
    with context.Manager() as server:
        yield server.Queue()


@contextmanager
def _in_memory(
    context: BaseContext, size: int, view: memoryview, receiver: Any, shared: Any
) -> Iterator[Deliver]:
    """Deliver through memory that both sides see; a pipe carries the numbers."""
    numbers, writer = context.Pipe(duplex=False)

    def send(number: int, payload: bytes) -> None:
        view[number * size : (number + 1) * size] = payload
        writer.send_bytes(number.to_bytes(4, "little"))

    served = _served(context, size, receiver, (shared, size, numbers), send)
    with numbers, writer, served as deliver:
        yield deliver


@contextmanager
def _shared_memory(context: BaseContext, size: int) -> Iterator[Deliver]:
    # Not at the top: the spawned child imports this module.
    from mpbench.workloads.shared.segments import segment

    with segment(size * MESSAGES) as block:
        assert block.buf is not None
        with _in_memory(context, size, block.buf, _from_shared_memory, block.name) as deliver:
            yield deliver


def _array(context: BaseContext, size: int) -> AbstractContextManager[Deliver]:
    array = context.RawArray("B", size * MESSAGES)
    return _in_memory(context, size, memoryview(array).cast("B"), _from_array, array)


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


TRANSPORTS: dict[str, Transport] = {
    "pipe": _over_pipe(_from_object_pipe, lambda writer: lambda _, payload: writer.send(payload)),
    "pipe-bytes": _over_pipe(
        _from_bytes_pipe, lambda writer: lambda _, payload: writer.send_bytes(payload)
    ),
    "queue": _over_queue(_queue),
    "simple-queue": _over_queue(lambda context: closing(context.SimpleQueue())),
    "manager-queue": _over_queue(_manager_queue),
    "shared-memory": _shared_memory,
    "array": _array,
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
