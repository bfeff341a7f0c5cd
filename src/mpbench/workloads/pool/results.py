"""Results of a pool: queries, asynchronous calls, callbacks, errors."""

from __future__ import annotations

import gc
import multiprocessing
import time
from functools import partial
from pickle import PicklingError
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, fixed, workload
from mpbench.workloads.pool.calls import echo_job, one_by_one
from mpbench.workloads.pool.lifecycle import (
    asking_body,
    expect,
    lifecycle_body,
    needs_two_workers,
    opened,
    ready_pool,
)
from mpbench.workloads.pool.tasks import echo, fail, fail_to_pickle, hold, keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext
    from multiprocessing.pool import AsyncResult

__all__ = ("async_calls", "async_result", "callbacks", "error_path")

# The answer of the finished result.
_ANSWER = 7
# A worker that holds a task ends at last, even when the parent died.
_HOLD_S = 120.0


def _asked(finished: AsyncResult[int]) -> dict[str, tuple[Callable[[], Any], Any]]:
    """Return what can be asked of a finished result, and the answers."""
    return {
        "ready": (finished.ready, True),
        "successful": (finished.successful, True),
        "wait": (finished.wait, None),
        "get": (finished.get, _ANSWER),
        "get-timeout": (partial(finished.get, 5.0), _ANSWER),
    }


def _expiring_body(pending: AsyncResult[bool]) -> Body:
    """Return a body that asks for a result which is not there."""

    def body(iterations: int, /) -> int:
        expired = 0
        ask = pending.get
        for _ in range(iterations):
            try:
                ask(0)
            except multiprocessing.TimeoutError:
                expired += 1
        return expired

    return body


@workload(
    "pool/async-result",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=(
        *("AsyncResult.get", "AsyncResult.ready", "AsyncResult.successful", "AsyncResult.wait"),
        *("Pool.apply_async", "TimeoutError"),
    ),
    by_method=False,
    revision=2,
    body_params=("call",),
    needs=needs_two_workers,
    call=fixed("ready", "successful", "wait", "get", "get-timeout", "expired"),
)
def async_result(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask an `AsyncResult` that has its result, or one that has none yet.

    Timed: the call alone. `ready`, `successful`, `wait`, `get` and
    `get-timeout` (`get(5)`) ask a result that is there; `expired` is `get(0)`
    on one that is not, with the `TimeoutError` that it raises. Not timed: the
    tasks.

    Reads as: what polling a result costs. No call talks to a worker, so the
    start method does not matter.
    """
    there, here = context.Pipe(duplex=False)
    with here, there, opened(lambda: context.Pool(1, keep, ("gate", there))) as pool:
        finished = pool.apply_async(echo, (_ANSWER,))
        finished.wait()
        pending = pool.apply_async(hold, (_HOLD_S,))

        def bind(case: Case) -> Body:
            call = case.text("call")
            if call == "expired":
                return _expiring_body(pending)
            return asking_body(*_asked(finished)[call])

        try:
            yield bind
        finally:
            here.send_bytes(b"go")
            expect(True, pending.get(), "the task that was held")


@workload(
    "pool/async-calls",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=("AsyncResult.get", "Pool.apply_async", "Pool.map_async", "Pool.starmap_async"),
    by_method=False,
    facts={"call_return": Metric.TIME},
    body_params=("call",),
    needs=needs_two_workers,
    call=fixed("apply_async", "map_async", "starmap_async"),
)
def async_calls(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Submit 64 tasks that do nothing without waiting, then wait for them.

    Timed: `map_async` or `starmap_async` with 64 tasks in chunks of one, or 64
    `apply_async`, until all results are there, divided by the tasks. The fact
    `call_return` is when the submitting was over, divided likewise. Not timed:
    starting the pool, comparing the results.

    Reads as: `call_return` is what the submitting thread pays; the pool's own
    threads do the rest meanwhile, and compete for the interpreter lock.
    """
    with ready_pool(context, 2) as pool:
        yield lambda case: _submitted_body(pool, case.text("call"))


def _submitted_body(pool: Any, call: str) -> Body:
    job = echo_job(64)
    submit: dict[str, Callable[[], list[AsyncResult[Any]]]] = {
        "apply_async": lambda: [pool.apply_async(echo, parts) for parts in job.starred],
        "map_async": lambda: [pool.map_async(echo, job.items, 1)],
        "starmap_async": lambda: [pool.starmap_async(echo, job.starred, 1)],
    }
    begin = submit[call]

    def once() -> tuple[int, Mapping[str, int]]:
        started = monotonic_ns()
        pending = begin()
        returned = monotonic_ns()
        results = [result.get() for result in pending]
        answered = monotonic_ns()
        expect(job.expected, results if call == "apply_async" else results[0], call)
        return answered - started, {"call_return": returned - started}

    return lifecycle_body(once, operations=64)


# Seconds that the callback takes, by the parameter's value.
_CALLBACKS = {"empty": 0.0, "1ms": 0.001, "10ms": 0.010}


def _called_back(pool: Any, kind: str) -> Body:
    """Return a body that submits all tasks and waits for all results and callbacks."""

    def body(iterations: int, /) -> Callable[[], int]:
        arrived: list[object] = []

        def note(value: object) -> None:
            if _CALLBACKS.get(kind):
                time.sleep(_CALLBACKS[kind])
            arrived.append(value)

        options: dict[str, Any] = {} if kind == "none" else {"callback": note}
        if kind == "error":
            options = {"error_callback": note}
        task = fail if kind == "error" else echo
        pending = [pool.apply_async(task, (number,), {}, **options) for number in range(iterations)]
        for result in pending:
            result.wait()

        def check() -> int:
            successes = [result.successful() for result in pending]
            expect([kind != "error"] * iterations, successes, kind)
            expect(0 if kind == "none" else iterations, len(arrived), f"{kind}: callbacks")
            return iterations

        return check

    return body


@workload(
    "pool/callbacks",
    metric=Metric.TIME,
    floor=NoFloor("`callback=none`, the same tasks without one, is the reference"),
    covers=("AsyncResult.successful", "AsyncResult.wait", "Pool.apply_async"),
    by_method=False,
    body_params=("callback",),
    needs=needs_two_workers,
    callback=Sweep(
        ("none", "empty"), ("none", "empty", "1ms"), ("none", "empty", "error", "1ms", "10ms")
    ),
)
def callbacks(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Submit many empty tasks at once, with a callback for each result.

    Timed: all `apply_async` and waiting for all results, divided by the tasks.
    The callback does next to nothing (`empty`) or sleeps for 1 or 10 ms;
    `error` is an `error_callback` of tasks that fail. Not timed: starting the
    pool, looking at the results.

    Reads as: callbacks run one by one in the thread that receives the results,
    so their length limits the throughput, whatever the number of workers.
    """
    with ready_pool(context, 2) as pool:

        def bind(case: Case) -> Body:
            body = _called_back(pool, case.text("callback"))
            # The first error of a worker imports and reads what formats a traceback.
            body(8)
            return body

        yield bind
    # Tracebacks hold the pool in cycles, and the pool holds descriptors.
    gc.collect()


def _failing(error: str) -> tuple[Callable[[int], object], tuple[type[BaseException], ...]]:
    """Return a task that brings about an error, and what is raised in the parent."""
    from multiprocessing.pool import MaybeEncodingError  # type: ignore[attr-defined]

    # A lambda cannot be pickled; which error says so differs between Pythons.
    if error == "unpicklable-task":
        return lambda number: number, (AttributeError, PicklingError)
    return (fail, (ValueError,)) if error == "raised" else (fail_to_pickle, (MaybeEncodingError,))


@workload(
    "pool/error-path",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    covers=("Pool.apply",),
    by_method=False,
    body_params=("error",),
    needs=needs_two_workers,
    error=Sweep(
        ("none", "raised"),
        ("none", "raised", "unpicklable-result"),
        ("none", "raised", "unpicklable-result", "unpicklable-task"),
    ),
)
def error_path(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Apply a task that fails, and catch what the pool raises for it.

    Timed: `Pool.apply` up to the exception: the task raises `ValueError`
    (`raised`), its result cannot be pickled, or the task itself cannot;
    `none` is a task that succeeds. Not timed: starting the pool.

    Reads as: the difference to `none` is the cost of an error: the worker
    formats the traceback and pickles it. A task that cannot be pickled never
    leaves the parent.
    """
    with ready_pool(context, 2) as pool:

        def bind(case: Case) -> Body:
            kind = case.text("error")
            if kind == "none":
                return one_by_one(lambda number: pool.apply(echo, (number,)))
            task, expected = _failing(kind)

            def caught(number: int) -> int:
                try:
                    pool.apply(task, (number,))
                except expected:
                    return number
                return -1

            # The first error of a worker imports and reads what formats a traceback.
            for number in range(8):
                caught(number)
            return one_by_one(caught)

        yield bind
    # Tracebacks hold the pool in cycles, and the pool holds descriptors.
    gc.collect()
