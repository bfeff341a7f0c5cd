"""Hand-over of one message by shared memory or by a pipe."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyFactory,
    Needs,
    NoFloor,
    Sweep,
    Verifier,
    child_server,
    pair_deliveries,
    workload,
)
from mpbench.workloads.shared.segments import lacks_segments, segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("hand_over",)

# The transports; those with memory say by which signal the consumer is told,
# and whether it makes its own copy.
_PIPE = "pipe"
_COPY_AFTER_PIPE = "memory-and-pipe"
_COPY_AFTER_SEMAPHORE = "memory-and-semaphore"
_IN_PLACE = "memory-in-place"

# Messages before the timed ones of a sample. The first touches a new mapping, and
# as one copy lives until the next is made, two of them take new memory.
_UNTIMED = 2


class _Side:
    """What both processes have of a hand-over: the signals, and where the consumer reports."""

    def __init__(self, context: BaseContext) -> None:
        self.filled: Any = context.Semaphore(0)
        self.emptied: Any = context.Semaphore(0)
        # When the message was there, how long it was, and its first and last byte.
        self.report: Any = context.RawArray("q", 4)


def _taker(transport: str, pipe: Connection, side: _Side, buf: Any) -> Callable[[], Any]:
    """Return what waits for one message and gives it as bytes-like."""

    def by_pipe() -> Any:
        return pipe.recv_bytes()

    def copy_after_pipe() -> Any:
        pipe.recv_bytes()
        return bytes(buf)

    def copy_after_semaphore() -> Any:
        side.filled.acquire()
        return bytes(buf)

    def in_place() -> Any:
        side.filled.acquire()
        return buf

    return {
        _PIPE: by_pipe,
        _COPY_AFTER_PIPE: copy_after_pipe,
        _COPY_AFTER_SEMAPHORE: copy_after_semaphore,
        _IN_PLACE: in_place,
    }[transport]


def _giver(transport: str, pipe: Connection, side: _Side, buf: Any) -> Callable[[Any], None]:
    """Return what hands over one message."""

    def by_pipe(message: Any) -> None:
        pipe.send_bytes(message)

    def by_memory_and_pipe(message: Any) -> None:
        buf[:] = message
        pipe.send_bytes(b"f")

    def by_memory_and_semaphore(message: Any) -> None:
        buf[:] = message
        side.filled.release()

    return {_PIPE: by_pipe, _COPY_AFTER_PIPE: by_memory_and_pipe}.get(
        transport, by_memory_and_semaphore
    )


def _consume(pipe: Connection, side: _Side) -> None:
    """Take messages in the way that the parent announces, and report each."""
    from multiprocessing import shared_memory

    clock, report = monotonic_ns, side.report
    while True:
        transport, name, size, count = pipe.recv()
        one: Any = shared_memory.SharedMemory(name=name)
        try:
            view = one.buf[:size]
            take = _taker(transport, pipe, side, view)
            side.emptied.release()
            for _ in range(count):
                message = take()
                now = clock()
                report[:] = [now, len(message), message[0], message[-1]]
                side.emptied.release()
            del message, take
            view.release()
        finally:
            one.close()


@workload(
    "shared/hand-over",
    metric=Metric.LATENCY,
    floor=NoFloor("its transports are read against each other; pipe/one-way has the pipe's floor"),
    covers=(
        *("shared_memory.SharedMemory", "SharedMemory.buf", "Connection.send_bytes"),
        *("Connection.recv_bytes", "Semaphore.acquire", "Semaphore.release"),
    ),
    facts={"given": Metric.TIME},
    body_params=("transport", "payload_bytes"),
    revision=2,
    unsupported=lacks_segments,
    needs=lambda case: Needs(
        processes=1,
        memory_bytes=3 * case.integer("payload_bytes"),
        shm_bytes=case.integer("payload_bytes"),
        semaphores=True,
    ),
    transport=Sweep(
        (_PIPE, _COPY_AFTER_SEMAPHORE),
        (_PIPE, _COPY_AFTER_SEMAPHORE),
        (_PIPE, _COPY_AFTER_PIPE, _COPY_AFTER_SEMAPHORE, _IN_PLACE),
    ),
    payload_bytes=Sweep(
        (1 << 16,),
        (1 << 10, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22),
        (64, 1 << 10, 1 << 12, 1 << 14, *(1 << power for power in range(15, 25))),
    ),
)
def hand_over(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Give a message to a waiting process, through a pipe or through shared memory.

    Timed: from before the first copy here until the other process has the
    message: `send_bytes` and `recv_bytes` of a pipe; or a copy into a segment
    that both have attached, a signal by pipe or semaphore, and a copy out of
    it; `memory-in-place` leaves the last copy away. `given` is the sender's
    part. Not timed: making and attaching the segment, two messages that touch
    the memory of both sides first, and the answer. Length and ends of every
    message are verified.

    Reads as: the latency of one message by size. Shared memory pays a fixed
    price for the signal and saves copies and system calls; the size at which
    its curve crosses the pipe's is where it begins to pay.
    """
    # Before the child: both must use one resource tracker.
    with segment(1):
        pass
    side = _Side(context)
    made: dict[int, Any] = {}
    with ExitStack() as stack:
        pipe = stack.enter_context(child_server(context, _consume, side))

        def bind(case: Case) -> Body:
            size, transport = case.integer("payload_bytes"), case.text("transport")
            if size not in made:
                made[size] = stack.enter_context(segment(size))
            one = made[size]
            return lambda iterations, /: _hand_over(
                pipe, side, one, (transport, one.name, size, iterations + _UNTIMED)
            )

        yield bind


def _hand_over(
    pipe: Connection, side: _Side, one: Any, order: tuple[str, str, int, int]
) -> Verifier:
    """Hand over so many messages, each when the one before has arrived; time all but the first."""
    transport, _, size, count = order
    clock = monotonic_ns
    message = bytearray(b"m" * size)
    sent, returned, received, wrong = [], [], [], 0
    with memoryview(one.buf)[:size] as view:
        give = _giver(transport, pipe, side, view)
        pipe.send(order)
        side.emptied.acquire()
        for number in range(count):
            # Every message is another one.
            message[0] = message[-1] = number % 256
            sent.append(clock())
            give(message)
            returned.append(clock())
            side.emptied.acquire()
            received.append(side.report[0])
            wrong += list(side.report[1:]) != [size, message[0], message[-1]]
        del give

    def check() -> Any:
        if wrong:
            raise WorkloadError(f"{wrong} of {count} messages by {transport} arrived changed")
        timed = (stamps[_UNTIMED:] for stamps in (sent, returned, received))
        return pair_deliveries(*timed, fact="given")

    return check
