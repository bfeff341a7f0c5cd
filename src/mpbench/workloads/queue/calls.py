"""Single calls of queues: get, questions, task_done."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.errors import VerificationError, WorkloadError
from mpbench.model import Case, Metric
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    Sweep,
    Verifier,
    child_server,
    fixed,
    no_semaphore_value,
    workload,
)
from mpbench.workload.unrolled import unrolled
from mpbench.workloads.queue.latency import end_queue, make_queue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext

__all__ = ("get_variants", "task_done")

_NEEDS = Needs(processes=2, descriptors=32, semaphores=True)
# As many small items as surely fit into the 64 KiB of a pipe at once.
_BATCH = 256


class _Marker:
    """An item whose pickling tells that all items before it are in the pipe."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        # The feeder thread pickles an item after it has written the one before.
        self._event.set()
        return (int, (-1,))


def _fill(queue: Any, count: int) -> None:
    """Put so many items and one more, and return when they can be got at once."""
    event = threading.Event()
    for _ in range(count):
        queue.put_nowait(b"0123456789abcdef")
    queue.put(_Marker(event))
    if not event.wait(10):
        raise WorkloadError("the feeder thread has not written 257 small items in 10 s")


def _getting(queue: Any, call: str) -> Body:
    """Return the body that gets items which are already in the pipe."""
    getters: dict[str, Callable[[], Any]] = {
        "get": queue.get,
        "get-timeout": partial(queue.get, timeout=5.0),
        "get-nowait": queue.get_nowait,
    }
    get = getters[call]

    def body(iterations: int, /) -> BodyResult:
        clock = monotonic_ns
        elapsed = got = 0
        while got < iterations:
            count = min(_BATCH - 1, iterations - got)
            _fill(queue, count + 1)
            # The first is not timed: meanwhile the feeder goes to sleep.
            queue.get()
            started = clock()
            for _ in range(count):
                get()
            elapsed += clock() - started
            got += count
            if queue.get() != -1:
                raise VerificationError(count, count + 1, "items were in the queue")
        return BodyResult(got, iterations, elapsed)

    return body


def _asking(queue: Any, call: str) -> Body:
    """Return the body that asks a queue of eight items about itself."""
    questions: dict[str, tuple[Callable[[], Any], Any]] = {
        "empty": (queue.empty, False),
        "full": (queue.full, False),
        "qsize": (queue.qsize, 9),
    }
    ask, expected = questions[call]
    run = unrolled("answer = ask()", {"ask": ask})

    def body(iterations: int, /) -> BodyResult:
        _fill(queue, 8)
        started = monotonic_ns()
        answer = run(iterations)
        elapsed = monotonic_ns() - started
        for _ in range(9):
            queue.get()
        if answer != expected:
            raise WorkloadError(f"{call}() of a queue with 9 items is {answer}, not {expected}")
        return BodyResult(iterations, iterations, elapsed)

    return body


def _no_qsize(case: Case) -> str | None:
    return no_semaphore_value() if case.text("call") == "qsize" else None


@workload(
    "queue/get-variants",
    floor="floor/empty-c-call",
    covers=(
        *("Queue", "Queue.put", "Queue.put_nowait", "Queue.get", "Queue.get_nowait"),
        *("Queue.empty", "Queue.full", "Queue.qsize"),
        *("JoinableQueue", "JoinableQueue.put", "JoinableQueue.put_nowait"),
        *("JoinableQueue.get", "JoinableQueue.get_nowait", "JoinableQueue.empty"),
        *("JoinableQueue.full", "JoinableQueue.qsize"),
    ),
    by_method=False,
    revision=2,
    body_params=("kind", "call"),
    unsupported=_no_qsize,
    needs=_NEEDS,
    kind=Sweep(("Queue",), ("Queue",), ("Queue", "JoinableQueue")),
    call=fixed("get", "get-timeout", "get-nowait", "empty", "full", "qsize"),
)
def get_variants(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Get an item that is already there in each of the three ways, or ask about the queue.

    Timed: one get(), get(timeout=5), get_nowait(), empty(), full() or qsize(), in
    one process. Not timed: putting, waiting for the feeder thread.

    Reads as: the cost of the call. get(timeout), get_nowait and empty poll with a
    new selector each time; full and qsize read a semaphore.
    """
    queues = {kind: make_queue(context, kind) for kind in ("Queue", "JoinableQueue")}
    try:

        def bind(case: Case) -> Body:
            call, queue = case.text("call"), queues[case.text("kind")]
            return _getting(queue, call) if call.startswith("get") else _asking(queue, call)

        yield bind
    finally:
        for queue in queues.values():
            end_queue(queue)


def _finish(control: Connection, queue: Any) -> None:
    """Get items and report them done; note when the last report of each round began."""
    while True:
        items, rounds = control.recv()
        stamps: list[int] = []
        control.send_bytes(b"r")
        for _ in range(rounds):
            for _ in range(items - 1):
                queue.get()
                queue.task_done()
            queue.get()
            stamps.append(monotonic_ns())
            queue.task_done()
        control.send(stamps)


@workload(
    "queue/task-done",
    floor="queue/put-delivered",
    covers=(
        "JoinableQueue",
        "JoinableQueue.put",
        "JoinableQueue.get",
        "JoinableQueue.task_done",
        "JoinableQueue.join",
    ),
    facts={"put_return": Metric.TIME, "join_wake": Metric.LATENCY},
    body_params=("items",),
    needs=_NEEDS,
    items=Sweep((1,), (1, 16), (1, 16, 256)),
)
def task_done(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Put items into a JoinableQueue and join until a child has reported all of them done.

    Timed: the puts and join of one round of `items`. Facts: `put_return`, the
    share of one put; `join_wake`, from before the child's last task_done until
    join returned. Not timed: starting the child.

    Reads as: the cost of knowing that the work is done: three semaphore
    operations under a lock for each task_done.
    """
    queue = context.JoinableQueue()
    try:
        with child_server(context, _finish, queue) as control:

            def bind(case: Case) -> Body:
                return _joining(control, queue, case.integer("items"))

            yield bind
    finally:
        end_queue(queue)


def _joining(control: Connection, queue: Any, items: int) -> Body:
    """Return the body that puts and joins."""

    def body(iterations: int, /) -> Verifier:
        clock, put, join = monotonic_ns, queue.put, queue.join
        putting = whole = 0
        joined: list[int] = []
        control.send((items, iterations))
        control.recv_bytes()
        for _ in range(iterations):
            started = clock()
            for _ in range(items):
                put(b"item")
            waiting = clock()
            join()
            joined.append(clock())
            putting += waiting - started
            whole += joined[-1] - started

        def check() -> BodyResult:
            reported = control.recv()
            wakes = [after - before for before, after in zip(reported, joined)]
            facts = {
                "put_return": putting / iterations / items,
                "join_wake": sum(wakes) / iterations,
            }
            return BodyResult(len(reported), iterations, whole, facts)

        return check

    return body
