"""Queues between producers and consumers; the worker pattern of the documentation."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, suppress
from queue import Full
from typing import TYPE_CHECKING, Any

from mpbench.errors import WorkloadError
from mpbench.model import Case, Metric, Timing
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
    WorkerGroup,
    fixed,
    spin,
    spin_loops,
    worker_group,
    workload,
)
from mpbench.workloads.queue.latency import end_queue, make_queue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

__all__ = ("throughput", "worker_pattern")

# Enough items that a producer seldom has to wait for a consumer, and a bound
# all the same: producers that are faster would fill the memory.
_MAXSIZE = 1_000
# How long the parties of a stopped queue may take to leave, in seconds.
_PATIENCE_S = 20.0


def _produce(counter: WindowCounter, queue: Any, item: bytes) -> None:
    """Put until told to stop."""
    counter.repeat(queue.put, item)


def _consume(counter: WindowCounter, queue: Any) -> None:
    """Get until told to stop."""
    counter.repeat(queue.get)


def _is_any_left(processes: tuple[BaseProcess, ...]) -> bool:
    return any(process.exitcode is None for process in processes)


def _let_out(workers: WorkerGroup, queue: Any, consumers: int) -> None:
    """
    Stop workers that wait for their queue.

    Consumers see the end after their next item, so they are fed until the last
    has left; producers see it after their next put and still have to write,
    so the queue is emptied until the last has left.

    Raises:
        WorkloadError: Somebody does not leave.
    """
    # Never one that waits for room: with the last consumer gone there may be none.
    feed = getattr(queue, "put_nowait", queue.put)
    workers.stop()
    getting, putting = workers.processes[:consumers], workers.processes[consumers:]
    deadline = time.monotonic() + _PATIENCE_S
    while _is_any_left(getting) and time.monotonic() < deadline:
        if queue.empty():
            with suppress(Full):
                feed(b"")
        time.sleep(0.000_5)
    while _is_any_left(putting) and time.monotonic() < deadline:
        while not queue.empty():
            queue.get()
        time.sleep(0.000_5)
    if _is_any_left(workers.processes):
        if hasattr(queue, "cancel_join_thread"):
            queue.cancel_join_thread()
        raise WorkloadError(f"producers and consumers did not leave within {_PATIENCE_S:g} s")
    while not queue.empty():
        queue.get()


@workload(
    "queue/throughput",
    metric=Metric.THROUGHPUT,
    floor="floor/os-pipe-message-rate",
    covers=(
        *("Queue", "Queue.put", "Queue.get"),
        *("SimpleQueue", "SimpleQueue.put", "SimpleQueue.get"),
    ),
    facts=WORKER_METRICS,
    timing=Timing.WINDOW,
    needs=lambda case: Needs(
        processes=case.integer("producers") + case.integer("consumers") + 1,
        descriptors=2 * (case.integer("producers") + case.integer("consumers")) + 32,
        semaphores=True,
    ),
    kind=Sweep(("Queue",), ("Queue",), ("Queue", "SimpleQueue")),
    producers=Sweep((1,), (1, 4), (1, 4, 10, 20)),
    consumers=Sweep((1,), (1, 4), (1, 4, 10, 20)),
    payload_bytes=fixed(64),
)
def throughput(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let producers put and consumers get without waiting for each other.

    The Queue has room for 1,000 items; a SimpleQueue for what a pipe holds.

    Timed: items that consumers got inside a common window, while all keep on.
    `jain` and `smallest_share` are the fairness among consumers. Not timed:
    starting, emptying at the end.

    Reads as: items per second that came through. One pipe with a lock at each end
    carries all, so more processes do not carry more items.
    """
    producers, consumers = case.integer("producers"), case.integer("consumers")
    queue = make_queue(context, case.text("kind"), _MAXSIZE)
    item = os.urandom(case.integer("payload_bytes"))
    members: list[Any] = [(_consume, (queue,))] * consumers + [
        (_produce, (queue, item))
    ] * producers
    try:
        with worker_group(context, members) as workers:

            def body(milliseconds: int, /) -> BodyResult:
                return workers.window(milliseconds, counting=range(consumers))

            try:
                yield body
            finally:
                _let_out(workers, queue, consumers)
    finally:
        end_queue(queue)


def _square(number: int, loops: int) -> int:
    """Work for a while and return the square of a number."""
    spin(loops)
    return number * number


def _work(tasks: Any, results: Any) -> None:
    """Say that it is here, then do what the documentation's worker does, until told to stop."""
    results.put(None)
    for function, arguments in iter(tasks.get, "STOP"):
        results.put((arguments[0], function(*arguments)))


@workload(
    "queue/worker-pattern",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("a task is work and two messages; queue/throughput has the floor of one message"),
    covers=("Queue", "Queue.put", "Queue.get", "Process.start", "Process.join"),
    body_params=("task_us",),
    needs=lambda case: Needs(
        processes=case.integer("workers") + 1,
        descriptors=2 * case.integer("workers") + 32,
        semaphores=True,
    ),
    task_us=Sweep((0,), (0, 1_000), (0, 100, 1_000, 10_000)),
    workers=Sweep((1,), (1, 2), (1, 2, 3, 4, 6, 8, 16)),
)
def worker_pattern(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Hand tasks to workers through one queue and collect results from another.

    The pattern of the multiprocessing documentation: workers loop over
    `iter(tasks.get, "STOP")`, call a function, and put its result.

    Timed: putting a batch of tasks (100 for each worker, fewer if they are long)
    and getting all results in any order. Not timed: starting and stopping the
    workers.

    Reads as: tasks per second of a hand-made pool. With `task_us=0` it is the
    limit of two queues and one parent. Compare with `pool/task-overhead` at chunk
    size 1.
    """
    tasks, results = context.Queue(), context.Queue()
    workers: list[BaseProcess] = [
        context.Process(target=_work, args=(tasks, results), daemon=True)  # type: ignore[attr-defined]  # not in typeshed
        for _ in range(case.integer("workers"))
    ]
    with ExitStack() as stack:
        stack.callback(end_queue, results)
        stack.callback(end_queue, tasks)
        stack.callback(_dismiss, workers, tasks)
        for worker in workers:
            worker.start()
        for _ in workers:
            results.get(timeout=_PATIENCE_S)

        def bind(case: Case) -> Body:
            task_us = case.integer("task_us")
            loops, batch = spin_loops(task_us * 1_000), _batch(task_us) * len(workers)

            def body(iterations: int, /) -> Verifier:
                collected = [
                    _collect(tasks, results, loops=loops, count=batch) for _ in range(iterations)
                ]

                def check() -> BodyResult:
                    right = sum(
                        results.get(number) == number**2
                        for results in collected
                        for number in range(batch)
                    )
                    return BodyResult(right, iterations * batch)

                return check

            return body

        yield bind


def _batch(task_us: int) -> int:
    """Return how many tasks of a length each worker gets before the next batch."""
    return max(4, min(100, 8_000 // max(1, task_us)))


def _collect(tasks: Any, results: Any, *, loops: int, count: int) -> dict[int, int]:
    """Hand out tasks and return their results by number."""
    put, get = tasks.put, results.get
    for number in range(count):
        put((_square, (number, loops)))
    return dict(get() for _ in range(count))


def _dismiss(workers: list[BaseProcess], tasks: Any) -> None:
    """Tell workers to stop, and make sure that they ended well."""
    started = [worker for worker in workers if worker.pid is not None]
    for _ in started:
        tasks.put("STOP")
    for worker in started:
        worker.join(_PATIENCE_S)
    codes = [worker.exitcode for worker in started]
    for worker in started:
        if worker.exitcode is None:
            worker.kill()
            worker.join()
    for worker in workers:
        worker.close()
    if any(codes):
        raise WorkloadError(f"workers ended with exit codes {codes}, expected 0 of each")
    if None in codes:
        raise WorkloadError(f"workers did not stop within {_PATIENCE_S:g} s")
