"""Options and ends of `ProcessPoolExecutor`, and the calls of `Future`."""

from __future__ import annotations

import gc
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, StartMethod, Tier, Timing
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, fixed, workload
from mpbench.workloads.pool.calls import one_by_one
from mpbench.workloads.pool.executors import COVERS, opened_executor
from mpbench.workloads.pool.lifecycle import (
    asking_body,
    await_ready,
    expect,
    lifecycle_body,
    needs_two_workers,
)
from mpbench.workloads.pool.payloads import has_parameter, slow_pass
from mpbench.workloads.pool.tasks import doze, echo, say_ready

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future
    from multiprocessing.context import BaseContext

__all__ = ("executor_map_memory", "executor_max_tasks", "executor_shutdown", "future")


def _lacks_buffer(case: Case) -> str | None:
    from concurrent.futures import Executor

    if case.integer("buffer_size") and not has_parameter(Executor.map, "buffersize"):
        return "Executor.map has no parameter buffersize before Python 3.14"
    return None


@workload(
    "pool/executor-map-memory",
    metric=Metric.MEMORY,
    floor=NoFloor("a lazy iterator would hold one task for each worker, and one result"),
    covers=("ProcessPoolExecutor.map",),
    by_method=False,
    facts={"memory": Metric.MEMORY, "read_ahead": Metric.COUNT},
    timing=Timing.ONCE,
    tier=Tier.FULL,
    needs=needs_two_workers,
    unsupported=_lacks_buffer,
    # 0 is no limit.
    buffer_size=Sweep((0,), (0,), (0, 8)),
)
def executor_map_memory(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Feed 64 payloads of 64 KiB from a generator to `Executor.map` and consume slowly.

    Timed: as in `pool/imap-memory`. Not timed: starting the executor.

    Reads as: `read_ahead` is 64 without a limit: `map` draws its whole input
    before it returns. With `buffersize=` (Python 3.14 and newer) it is the
    limit and the payload whose result is awaited.
    """
    with opened_executor(context, 2) as pool:
        list(pool.map(echo, range(64)))
        limit = case.integer("buffer_size")
        options = {"buffersize": limit} if limit else {}
        yield lambda _: slow_pass(lambda task, payloads: pool.map(task, payloads, **options))


def _lacks_end(case: Case) -> str | None:
    from concurrent.futures import ProcessPoolExecutor

    way = case.text("way")
    if way == "cancel" or hasattr(ProcessPoolExecutor, way):
        return None
    return f"ProcessPoolExecutor has no {way} before Python 3.14"


# What a busy executor still has to do: microseconds and numbers.
_LOAD = [(2_000, number) for number in range(16)]


@workload(
    "pool/executor-shutdown",
    metric=Metric.TIME,
    floor="floor/os-kill-wait",
    covers=(
        "ProcessPoolExecutor.shutdown",
        "ProcessPoolExecutor.terminate_workers",
        "ProcessPoolExecutor.kill_workers",
        "Future.cancelled",
    ),
    facts={"call_return": Metric.TIME},
    tier=Tier.FULL,
    body_params=("load",),
    needs=needs_two_workers,
    unsupported=_lacks_end,
    deadline_s=120.0,
    way=Sweep(
        ("shutdown",),
        ("shutdown", "cancel"),
        ("shutdown", "cancel", "terminate_workers", "kill_workers"),
    ),
    load=Sweep(("idle",), ("idle",), ("idle", "busy")),
)
def executor_shutdown(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    End an executor of two workers.

    Timed: from the call that ends it until all workers and the executor's
    thread are gone; `call_return` is the call alone. `cancel` is
    `shutdown(cancel_futures=True)`; `terminate_workers` and `kill_workers`
    need Python 3.14. An executor with load `busy` has 16 tasks of 2 ms:
    `shutdown` waits for them, which is verified. Not timed: starting the
    executor until both workers are up, and collecting what the ended one leaves.

    Reads as: `pool/shutdown` of the other pool of the standard library.
    """
    from concurrent.futures import ProcessPoolExecutor

    here, there = context.Pipe(duplex=False)

    def once(way: str, *, busy: bool) -> tuple[int, Mapping[str, int]]:
        pool: Any = ProcessPoolExecutor(2, context, say_ready, (there,))
        list(pool.map(echo, range(64)))
        await_ready(here, 2)
        pending = [pool.submit(doze, task) for task in _LOAD] if busy else []
        # It joins the workers before it ends; the executor itself forgets it.
        thread = pool._executor_manager_thread  # noqa: SLF001 - terminate_workers does not wait
        started = monotonic_ns()
        if way == "cancel":
            pool.shutdown(wait=False, cancel_futures=True)
        elif way == "shutdown":
            pool.shutdown(wait=False)
        else:
            getattr(pool, way)()
        returned = monotonic_ns()
        thread.join()
        gone = monotonic_ns()
        if way == "shutdown":
            done = [future.result(0) for future in pending if not future.cancelled()]
            expect([number for _, number in _LOAD if busy], done, "tasks before the end")
        del pool, pending, thread
        gc.collect()
        return gone - started, {"call_return": returned - started}

    def bind(case: Case) -> Body:
        way, busy = case.text("way"), case.text("load") == "busy"
        return lifecycle_body(lambda: once(way, busy=busy))

    with here, there:
        yield bind


def _lacks_max_tasks(case: Case) -> str | None:
    from concurrent.futures import ProcessPoolExecutor

    if not case.integer("max_tasks"):
        return None
    if not has_parameter(ProcessPoolExecutor.__init__, "max_tasks_per_child"):
        return "ProcessPoolExecutor has no max_tasks_per_child before Python 3.11"
    if case.method is StartMethod.FORK:
        return "max_tasks_per_child starts workers while threads run: not under fork"
    return None


@workload(
    "pool/executor-max-tasks",
    metric=Metric.ROUND_TRIP,
    floor="floor/os-pipe-round-trip",
    covers=COVERS,
    tier=Tier.FULL,
    needs=needs_two_workers,
    unsupported=_lacks_max_tasks,
    deadline_s=120.0,
    # 0 stands for None: a worker is never replaced.
    max_tasks=Sweep((0,), (0, 1), (0, 1, 10)),
)
def executor_max_tasks(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Submit empty tasks to an executor whose worker is replaced after some of them.

    Timed: `submit` and `Future.result`, one after the other, on one worker;
    each sample contains the replacement of workers. Not timed: starting the
    executor.

    Reads as: `pool/max-tasks-per-child` of the other pool of the standard
    library.
    """
    limit = case.integer("max_tasks")
    # As in `pool/max-tasks-per-child`.
    tasks = limit * max(1, 4 // limit) if limit else 64
    options = {"max_tasks_per_child": limit} if limit else {}
    with opened_executor(context, 1, **options) as pool:
        run = one_by_one(lambda number: pool.submit(echo, number).result())
        # The first worker's start is not a replacement.
        run(1)
        yield lambda iterations: run(iterations * tasks)


def _asked(future: Future[int]) -> dict[str, tuple[Callable[[], Any], Any]]:
    """Return what can be asked of a finished future of 7, and the answers."""
    from concurrent.futures import as_completed, wait

    return {
        "done": (future.done, True),
        "running": (future.running, False),
        "cancelled": (future.cancelled, False),
        "cancel": (future.cancel, False),
        "result": (future.result, 7),
        "result-timeout": (partial(future.result, 5.0), 7),
        "exception": (future.exception, None),
        "add_done_callback": (partial(future.add_done_callback, id), None),
        "wait": (partial(wait, [future]), ({future}, set())),
        "as_completed": (lambda: list(as_completed([future])), [future]),
    }


_CALLS = ("done", "running", "cancelled", "cancel", "result", "exception", "add_done_callback")


@workload(
    "pool/future",
    metric=Metric.TIME,
    floor="floor/empty-call",
    covers=(*(f"Future.{call}" for call in _CALLS), "wait", "as_completed"),
    by_method=False,
    tier=Tier.FULL,
    revision=2,
    body_params=("call",),
    needs=needs_two_workers,
    call=fixed(*_CALLS, "result-timeout", "wait", "as_completed"),
)
def future(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Ask a `Future` that has its result.

    Timed: the call alone; `wait` and `as_completed` are the functions of
    `concurrent.futures`, with this one future. Not timed: the task.

    Reads as: `pool/async-result` of the other pool of the standard library.
    """
    with opened_executor(context, 1) as pool:
        finished = pool.submit(echo, 7)
        finished.result()
        asked = _asked(finished)
        yield lambda case: asking_body(*asked[case.text("call")])
