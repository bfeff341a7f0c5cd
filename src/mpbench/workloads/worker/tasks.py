"""Tasks of each kind of worker: cost, scaling, what all change, what a crash ends."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Timing
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    fixed,
    worker_counts,
    workload,
)
from mpbench.workloads.pool.calls import one_by_one
from mpbench.workloads.pool.lifecycle import expect
from mpbench.workloads.pool.scaling import amount_of
from mpbench.workloads.pool.tasks import (
    WORKS,
    echo,
    length_of,
    make_payload,
    prepare,
    release,
)
from mpbench.workloads.process.stamps import stamps
from mpbench.workloads.worker.crashes import CrashCounts, crashed_program
from mpbench.workloads.worker.jobs import (
    add_by_queue,
    add_under_lock,
    shared_total,
    write_entries,
)
from mpbench.workloads.worker.kinds import (
    KINDS,
    PROCESSES,
    STANDARD_KINDS,
    Workers,
    lacks_kind,
    method_of,
    workers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext

__all__ = ("crash", "scaling", "shared_state", "task")

_KINDS = Sweep(("thread-executor",), STANDARD_KINDS, KINDS)


def _needs(case: Case) -> Needs:
    params = dict(case.params)
    count = int(params.get("workers", 2))
    size = 4 * int(params.get("payload_bytes", 0))
    if params.get("work") == "memory":
        size += (count + 1) * (40 << 20)
    processes = count + 2 if case.text("kind") in PROCESSES else 2
    return Needs(processes, descriptors=32 + 8 * count, memory_bytes=size, semaphores=True)


_COMMON: dict[str, Any] = {"by_method": False, "unsupported": lacks_kind, "needs": _needs}


@workload(
    "worker/task",
    metric=Metric.ROUND_TRIP,
    floor="floor/empty-call",
    body_params=("payload_bytes",),
    **_COMMON,
    kind=_KINDS,
    # 0 is a small number instead of bytes.
    payload_bytes=Sweep((0,), (0, 1 << 20), (0, 64, 1 << 12, 1 << 16, 1 << 20, 1 << 24)),
)
def task(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Hand one task to two idle workers of a kind and wait for its result.

    Timed: from handing over the task, with an argument of `payload_bytes`, to
    its result, a number. Not timed: starting the workers, making the argument.

    Reads as: what a task costs that does nothing. Processes are sent a pickle
    of the argument, interpreters a copy, threads the object itself. Queues of
    `concurrent.interpreters` look every 10 ms whether something has come.
    """
    with workers(context, case.text("kind"), 2) as made:
        # All are up, and know the functions.
        expect(list(range(8)), made.run(echo, range(8)), "the first 8 tasks")

        def bind(case: Case) -> Body:
            size = case.integer("payload_bytes")
            if not size:
                return one_by_one(lambda number: int(made.run(echo, [number])[0]))
            payload = make_payload(size, 1)

            def ask(number: int) -> int:
                return number if made.run(length_of, [payload])[0] == size else -1

            ask(0)
            return one_by_one(ask)

        yield bind


@workload(
    "worker/scaling",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one worker, the curve's own first point, is the reference"),
    facts={"efficiency": Metric.EFFICIENCY},
    body_params=("work", "task_us"),
    deadline_s=120.0,
    **_COMMON,
    kind=_KINDS,
    workers=worker_counts(few=True),
    work=Sweep(("cpu",), ("cpu", "memory", "sleep"), ("cpu", "memory", "sleep")),
    task_us=Sweep((10_000,), (100, 10_000), (100, 1_000, 10_000, 100_000)),
)
def scaling(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Run equal tasks on all workers of a kind.

    Timed: from handing over the first task to the last result. Each worker has
    10 ms of work, and at least two tasks, that keep a CPU busy with Python
    code (`cpu`), copy memory (`memory`) or sleep (`sleep`); the amount is
    calibrated in the parent, alone. `efficiency` is the time that workers
    would need which cost nothing and do not slow each other down, over the
    time that was needed. Not timed: starting the workers.

    Reads as: tasks a second against workers. With the interpreter lock threads
    stay at one CPU for `cpu` and `memory`; interpreters have a lock each.
    """
    count = case.integer("workers")
    with workers(context, case.text("kind"), count) as made:
        try:
            yield lambda case: _scaling_body(made, count, case.text("work"), case)
        finally:
            release()


def _scaling_body(made: Workers, count: int, work: str, case: Case) -> Body:
    task_us = case.integer("task_us")
    function, amount = WORKS[work], amount_of(work, task_us)
    numbers = list(range(count * max(2, 10_000 // task_us)))
    arguments = [(amount, number) for number in numbers]
    # Threads copy through the parent's memory; the other workers touch their own.
    prepare(work)
    made.run(function, arguments[: 4 * count])
    ideal_ns = task_us * 1_000 * len(numbers) / count

    def body(iterations: int, /) -> Callable[[], BodyResult]:
        started = monotonic_ns()
        results = [made.run(function, arguments) for _ in range(iterations)]
        elapsed = monotonic_ns() - started

        def check() -> BodyResult:
            expect([numbers] * iterations, results, "the results of all tasks")
            facts = {"efficiency": ideal_ns * iterations / elapsed}
            asked = iterations * len(numbers)
            return BodyResult(sum(map(len, results)), asked, elapsed, facts)

        return check

    return body


class _Counter:
    """A number that threads add to under a lock."""

    def __init__(self) -> None:
        self.value = 0


class _SharedState(NamedTuple):
    """What is handed to each worker, and the job that changes it."""

    value: Any
    job: Callable[[Any], Any]


@contextmanager
def _shared(context: BaseContext, kind: str, state: str) -> Iterator[_SharedState]:
    """Make a counter or a dict that workers of a kind can share."""
    method = method_of(kind)
    if method is not None:
        own = context.get_context(method)
        if state == "dict":
            with own.Manager() as manager:
                yield _SharedState(manager.dict(), write_entries)
            return
        value = own.Value("q", 0)
        yield _SharedState((value.get_lock(), value), add_under_lock)
    elif kind in {"interpreter-executor", "interpreters"}:
        from concurrent import interpreters  # type: ignore[attr-defined,unused-ignore]

        queue = interpreters.create_queue()
        queue.put(0)
        yield _SharedState(queue, add_by_queue)
    elif state == "dict":
        yield _SharedState({}, write_entries)
    else:
        yield _SharedState((threading.Lock(), _Counter()), add_under_lock)


def _lacks_state(case: Case) -> str | None:
    is_interpreter = case.text("kind") in {"interpreter-executor", "interpreters"}
    if is_interpreter and case.text("state") == "dict":
        return "interpreters share no dict: each has its own objects, queues carry copies"
    return lacks_kind(case)


@workload(
    "worker/shared-state",
    metric=Metric.TIME,
    floor="floor/empty-call",
    **{**_COMMON, "unsupported": _lacks_state},
    kind=_KINDS,
    state=fixed("counter", "dict"),
)
def shared_state(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Let two workers of a kind change the same counter or dict at once.

    Timed: two tasks of 200 changes each, one for each worker, divided by the
    changes. The counter is a `Value` for processes, an attribute under a
    `Lock` for threads, and a number that waits in a queue for interpreters;
    a change adds 1. The dict is a manager's for processes and an ordinary one
    for threads; a change writes an entry and reads it back. Not timed:
    starting the workers, reading the total.

    Reads as: what workers pay to change what all of them see.
    """
    kind, state = case.text("kind"), case.text("state")
    with (
        _shared(context, kind, state) as shared,
        workers(context, kind, 2, shared.value) as made,
    ):
        arguments = [(200, 0), (200, 1)]
        made.run(shared.job, arguments)
        done = 1

        def body(iterations: int, /) -> Callable[[], BodyResult]:
            nonlocal done
            started = monotonic_ns()
            for _ in range(iterations):
                made.run(shared.job, arguments)
            elapsed = monotonic_ns() - started
            done += iterations

            def check() -> BodyResult:
                expected = 400 * (1 if state == "dict" else done)
                expect([expected], made.run(shared_total, [state]), f"the total of the {state}")
                return BodyResult(400 * iterations, 400 * iterations, elapsed)

            return check

        yield body


@workload(
    "worker/crash",
    metric=Metric.SHARE,
    floor=NoFloor("nothing should be lost"),
    facts={"share": Metric.SHARE, "waits_forever": Metric.SHARE, "program_ended": Metric.SHARE},
    timing=Timing.ONCE,
    deadline_s=120.0,
    **_COMMON,
    kind=_KINDS,
)
def crash(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Kill a worker of a kind in its task, and see what that ends.

    Timed: nothing. A program of its own hands to two workers a task in which
    their process dies, as by a fault in C code, and eight tasks that sleep
    20 ms. The reading is the share of these eight that never had a result.
    `waits_forever` is 1 where the caller of the first task is told nothing,
    `program_ended` is 1 where the whole program died.

    Reads as: which kinds of worker isolate. A Pool replaces the worker and
    forgets its task, an executor gives up all tasks and says so, threads and
    interpreters die with their program.
    """
    kind = case.text("kind")
    with stamps() as pipe:

        def body(iterations: int, /) -> BodyResult:
            started = monotonic_ns()
            counts: CrashCounts = crashed_program(context, kind, pipe)
            elapsed = monotonic_ns() - started
            facts = {
                "share": counts.lost_share,
                "waits_forever": float(counts.waits_forever),
                "program_ended": float(counts.program_ended),
            }
            return BodyResult(iterations, iterations, elapsed, facts)

        yield body
