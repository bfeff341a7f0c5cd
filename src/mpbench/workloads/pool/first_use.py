"""First use of a pool: construction, the first map, an initializer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric
from mpbench.workload import Body, BodyFactory, NoFloor, Sweep, fixed, workload
from mpbench.workloads.pool.lifecycle import (
    await_ready,
    expect,
    first_maps,
    lifecycle_body,
    needs_two_workers,
    needs_workers,
    opened,
)
from mpbench.workloads.pool.tasks import keep, make_payload, say_ready, use_argument, use_kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.context import BaseContext

__all__ = ("construct_to_ready", "first_map", "initializer")


@workload(
    "pool/construct-to-ready",
    metric=Metric.TIME,
    floor=NoFloor("each worker is a start; one is process/start-to-join, which has a floor"),
    covers=("Pool", "Pool.close", "Pool.join"),
    facts={"construct_return": Metric.TIME},
    own_agent=True,
    revision=3,
    needs=needs_workers,
    workers=Sweep((2,), (2, 4), (1, 2, 4, 8, 16)),
)
def construct_to_ready(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Build a pool and wait until every worker could run a task.

    Timed: `Pool(workers)` until the initializer of the last worker has written
    its byte to a pipe. The fact `construct_return` is the time after which the
    constructor returned. Not timed: closing and joining the pool.

    Reads as: what a program pays before all workers can work. The constructor
    returns before the workers are up, under spawn long before.
    """
    workers = case.integer("workers")
    here, there = context.Pipe(duplex=False)

    def once() -> tuple[int, Mapping[str, int]]:
        started = monotonic_ns()
        with opened(lambda: context.Pool(workers, say_ready, (there,))):
            returned = monotonic_ns()
            await_ready(here, workers)
            ready = monotonic_ns()
        return ready - started, {"construct_return": returned - started}

    with here, there:
        # The first pool of a process starts the resource tracker and the fork server.
        once()
        yield lifecycle_body(once)


@workload(
    "pool/first-map",
    metric=Metric.TIME,
    floor=NoFloor("each worker is a start; one is process/start-to-join, which has a floor"),
    covers=("Pool", "Pool.map"),
    facts={"construct_return": Metric.TIME, "later": Metric.TIME},
    own_agent=True,
    revision=3,
    needs=needs_workers,
    workers=fixed(2),
)
def first_map(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Run a small map on a new pool, and the same map again.

    Timed: from before `Pool(workers)` to the results of the first map of 8
    empty tasks in chunks of one. The fact `later` is a second, equal map on
    the same pool; `construct_return` is the constructor alone. Not timed:
    closing and joining the pool.

    Reads as: what a program pays that builds a pool for each map, against
    `later`, what it pays when it keeps the pool.
    """
    workers = case.integer("workers")
    once = first_maps(lambda: context.Pool(workers), "construct_return", "later")
    once()
    yield lifecycle_body(once)


# Tasks in each of the two maps of `pool/initializer`.
_TASKS = 32


def _way_of(way: str, argument: bytes) -> tuple[tuple[Any, ...], Callable[[Any], list[Any]]]:
    """Return the options of the pool, and how it runs the tasks, for one way to hand over data."""
    numbers = list(range(_TASKS))
    if way == "task-argument":
        pairs = [(argument, number) for number in numbers]
        return (), lambda pool: pool.starmap(use_argument, pairs, 1)
    options = (keep, ("argument", argument)) if way == "initializer" else ()
    return options, lambda pool: pool.map(use_kept, numbers, 1)


@workload(
    "pool/initializer",
    metric=Metric.TIME,
    floor=NoFloor("the way `none`, the same tasks without data, is the reference"),
    covers=("Pool", "Pool.map", "Pool.starmap"),
    facts={"construct_return": Metric.TIME, "steady": Metric.TIME},
    body_params=("way",),
    needs=needs_two_workers,
    way=fixed("none", "initializer", "task-argument"),
    payload_bytes=Sweep((1 << 20,), (1 << 20,), (1 << 16, 1 << 20, 1 << 24)),
    revision=2,
)
def initializer(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Give a large object to 32 tasks: once for each worker, or with every task.

    Timed: from before `Pool(2, ...)` to the results of 32 tasks in chunks of
    one. The way `initializer` hands the object to `initializer=`,
    `task-argument` sends it with each task, `none` does without it. The fact
    `steady` is the time per task of 32 more on the same pool. Not timed:
    closing and joining the pool.

    Reads as: the difference to `none` is the cost of the object. Under fork an
    initializer's argument is inherited; under spawn and forkserver it is
    pickled once for each worker. A task's argument is pickled for each task.
    """
    argument = make_payload(case.integer("payload_bytes"), 1)

    def bind(case: Case) -> Body:
        way = case.text("way")
        options, run = _way_of(way, argument)
        length = 0 if way == "none" else len(argument)
        expected = [(number, length) for number in range(_TASKS)]

        def once() -> tuple[int, Mapping[str, int]]:
            started = monotonic_ns()
            with opened(lambda: context.Pool(2, *options)) as pool:
                returned = monotonic_ns()
                results = run(pool)
                first = monotonic_ns()
                again = run(pool)
                later = monotonic_ns()
            expect((expected, expected), (results, again), way)
            facts = {"construct_return": returned - started, "steady": (later - first) // _TASKS}
            return first - started, facts

        return lifecycle_body(once)

    # The first pool starts the resource tracker and the fork server.
    with opened(lambda: context.Pool(1)):
        pass
    yield bind
