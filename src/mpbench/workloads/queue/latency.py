"""Latencies of queues: round trip, put and delivery, creation."""

from __future__ import annotations

import os
import queue as _queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable

from mpbench.model import Case, Metric, Tier
from mpbench.workload import Body, BodyFactory, Needs, NoFloor, Sweep, child_server, fixed, workload
from mpbench.workload.message_timing import note_arrivals, one_way_trips, round_trips

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = (
    "create",
    "end_queue",
    "make_queue",
    "put_delivered",
    "receiver_of",
    "round_trip",
    "threads_round_trip",
)

_KINDS = Sweep(
    ("Queue", "SimpleQueue"), ("Queue", "SimpleQueue"), ("Queue", "SimpleQueue", "JoinableQueue")
)
_EVERY_KIND = ("Queue", "SimpleQueue", "JoinableQueue")
_SIZES = Sweep(
    (64,),
    (64, 16_384, 65_536, 1 << 20),
    (1, 64, 256, 1_024, 4_096, 16_384, 16_385, 65_536, 65_537, 1 << 18, 1 << 20, 1 << 22, 1 << 24),
)
_NEEDS = Needs(processes=2, descriptors=32, semaphores=True)


def make_queue(context: BaseContext, kind: str, maxsize: int = 0) -> Any:
    """Make a queue of a kind; a SimpleQueue knows no greatest size."""
    if kind == "SimpleQueue":
        return context.SimpleQueue()
    return context.JoinableQueue(maxsize) if kind == "JoinableQueue" else context.Queue(maxsize)


def end_queue(queue: Any) -> None:
    """Close a queue and wait for its feeder thread, where it has one."""
    queue.close()
    if hasattr(queue, "join_thread"):
        queue.join_thread()


@contextmanager
def _queues(context: BaseContext, count: int) -> Iterator[dict[str, tuple[Any, ...]]]:
    """Make so many queues of every kind, because a child can only be given them at its start."""
    made = {kind: tuple(make_queue(context, kind) for _ in range(count)) for kind in _EVERY_KIND}
    try:
        yield made
    finally:
        for queues in made.values():
            for queue in queues:
                end_queue(queue)


def receiver_of(queue: Any) -> Callable[[], Any]:
    """Return a call that gets one item, and says that it is done where the queue wants to know."""
    if not hasattr(queue, "task_done"):
        get: Callable[[], Any] = queue.get
        return get

    def get_and_report() -> Any:
        item = queue.get()
        queue.task_done()
        return item

    return get_and_report


def _echo(control: Connection, queues: dict[str, tuple[Any, Any]]) -> None:
    """Put back what is got, in queues of the announced kind, until an empty item."""
    while True:
        requests, answers = queues[control.recv()]
        receive, put = receiver_of(requests), answers.put
        item = receive()
        while item:
            put(item)
            item = receive()


class _Echo:
    """The parent's side of `_echo`: at most one kind of queue is in use."""

    def __init__(self, control: Connection, queues: dict[str, tuple[Any, ...]]) -> None:
        self._control = control
        self._queues = queues
        self._kind = ""

    def use(self, kind: str) -> None:
        """Announce the kind of the next items."""
        self.leave()
        self._control.send(kind)
        self._kind = kind

    def leave(self) -> None:
        """Bring the child back to its control connection."""
        if self._kind:
            self._queues[self._kind][0].put(b"")
            self._kind = ""


@workload(
    "queue/round-trip",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    covers=(
        *("Queue", "Queue.put", "Queue.get", "Queue.close", "Queue.join_thread"),
        *("SimpleQueue", "SimpleQueue.put", "SimpleQueue.get", "SimpleQueue.close"),
        *("JoinableQueue", "JoinableQueue.put", "JoinableQueue.get", "JoinableQueue.task_done"),
        *("JoinableQueue.close", "JoinableQueue.join_thread"),
    ),
    tier=Tier.QUICK,
    all_methods_in_quick=True,
    body_params=("kind", "payload_bytes"),
    needs=_NEEDS,
    kind=_KINDS,
    payload_bytes=_SIZES,
)
def round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Put one item into a queue and get it back through another.

    Timed: put and get here, get and put in an idle child; a JoinableQueue's
    receiver also calls task_done. Not timed: starting the child and the feeder
    threads.

    Reads as: the least time in which two processes answer each other over
    queues. A SimpleQueue is a pipe with pickling and two locks; a Queue adds a
    thread and its wake-up on each side.
    """
    with _queues(context, 2) as queues, child_server(context, _echo, queues) as control:
        echo = _Echo(control, queues)

        def bind(case: Case) -> Body:
            kind = case.text("kind")
            echo.use(kind)
            requests, answers = queues[kind]
            message = os.urandom(case.integer("payload_bytes"))
            return round_trips(requests.put, receiver_of(answers), message)

        yield bind
        echo.leave()


def _serve_deliveries(control: Connection, queues: dict[str, tuple[Any]]) -> None:
    """Note when items arrive in the queue that the parent announces."""
    while True:
        kind, count = control.recv()
        queue = queues[kind][0]
        # What only a JoinableQueue has, and what is no part of getting the item.
        done = getattr(queue, "task_done", None)
        note_arrivals(control, queue.get, count, afterwards=done)


@workload(
    "queue/put-delivered",
    metric=Metric.LATENCY,
    floor="floor/os-pipe-one-way",
    covers=(
        *("Queue", "Queue.put", "Queue.get", "Queue.close", "Queue.join_thread"),
        *("SimpleQueue", "SimpleQueue.put", "SimpleQueue.get", "SimpleQueue.close"),
        *("JoinableQueue", "JoinableQueue.put", "JoinableQueue.get", "JoinableQueue.task_done"),
    ),
    facts={"put_return": Metric.TIME},
    tier=Tier.QUICK,
    body_params=("kind", "payload_bytes"),
    revision=2,
    needs=_NEEDS,
    kind=_KINDS._replace(quick=("Queue",)),
    payload_bytes=_SIZES,
)
def put_delivered(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Put one item into a queue whose reader waits, and stamp when the reader has it.

    Timed: from before put until the child's get has returned, on the common
    clock. The fact `put_return` is the duration of put. Not timed: task_done of
    a JoinableQueue, the answer that starts the next item, starting the child and
    the feeder threads.

    Reads as: the age of an item when it can be used. A Queue's put only hands
    the item to a thread, so `put_return` says nothing about delivery; a
    SimpleQueue writes in put itself.
    """
    with _queues(context, 1) as queues, child_server(context, _serve_deliveries, queues) as control:

        def bind(case: Case) -> Body:
            kind = case.text("kind")
            message = os.urandom(case.integer("payload_bytes"))

            def announce(count: int) -> None:
                control.send((kind, count))

            return one_way_trips(control, announce, queues[kind][0].put, message, fact="put_return")

        yield bind


@workload(
    "queue/create",
    floor="floor/pipe-create",
    covers=(
        *("Queue", "Queue.close", "SimpleQueue", "SimpleQueue.close"),
        *("JoinableQueue", "JoinableQueue.close"),
    ),
    needs=_NEEDS,
    kind=fixed(*_EVERY_KIND),
)
def create(context: BaseContext, case: Case) -> Body:
    """
    Make a queue that is never used, and drop it.

    Timed: the constructor, close, and the end of its semaphores. Not timed: a
    feeder thread, which the first put starts.

    Reads as: a pipe and two semaphores for a SimpleQueue, three for a Queue,
    eight for a JoinableQueue. Under spawn and forkserver the resource tracker is
    told of each.
    """
    kind = case.text("kind")
    constructors: dict[str, Callable[[], Any]] = {
        "Queue": context.Queue,
        "SimpleQueue": context.SimpleQueue,
        "JoinableQueue": context.JoinableQueue,
    }
    make = constructors[kind]

    def body(iterations: int, /) -> int:
        made = 0
        for _ in range(iterations):
            queue = make()
            queue.close()
            made += queue is not None
            del queue
        return made

    return body


@workload(
    "queue/threads-round-trip",
    metric=Metric.ROUND_TRIP,
    floor=NoFloor("it is itself the control: the same exchange without a second process"),
    by_method=False,
    tier=Tier.FULL,
    body_params=("payload_bytes",),
    kind=fixed("Queue", "SimpleQueue"),
    payload_bytes=fixed(64, 65_536, 1 << 20),
)
def threads_round_trip(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Exchange items with a thread over the queues of the `queue` module.

    Timed: put and get here, get and put in the thread; no multiprocessing.

    Reads as: the control of `queue/round-trip` without a second process. Only a
    reference moves, so it does not grow with the payload.
    """
    make: Callable[[], Any] = (
        _queue.SimpleQueue if case.text("kind") == "SimpleQueue" else _queue.Queue
    )
    requests, answers = make(), make()

    def echo() -> None:
        item = requests.get()
        while item:
            answers.put(item)
            item = requests.get()

    thread = threading.Thread(target=echo, daemon=True)
    thread.start()

    def bind(case: Case) -> Body:
        return round_trips(requests.put, answers.get, os.urandom(case.integer("payload_bytes")))

    try:
        yield bind
    finally:
        requests.put(b"")
        thread.join()
