"""Scaling of a pool with its workers, for several kinds of work and uneven tasks."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Tier, Timing, WorkerCount
from mpbench.workload import (
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    fixed,
    spin_loops,
    worker_counts,
    workload,
)
from mpbench.workloads.pool.calls import Job, calling
from mpbench.workloads.pool.lifecycle import expect, needs_workers, ready_pool
from mpbench.workloads.pool.tasks import (
    STREAM_BYTES,
    WORKS,
    burn_pair,
    call_kernel,
    prepare,
    release,
    stamp_burn,
    stream,
    work_all,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.pool import Pool

__all__ = (
    "amount_of",
    "durations",
    "strong_scaling",
    "uneven_result",
    "uneven_work",
    "weak_scaling",
    "work_job",
)

_WORKS = tuple(WORKS)


def amount_of(work: str, task_us: int) -> int:
    """
    Return how much of a kind of work takes about *task_us* on an idle CPU.

    The unit depends on the kind: loops, bytes, calls, or microseconds.
    """
    if work == "sleep":
        return task_us
    if work == "cpu":
        return spin_loops(task_us * 1_000)
    function, probe = (stream, STREAM_BYTES) if work == "memory" else (call_kernel, 1_000)
    prepare(work)
    fastest = 0
    for number in range(7):
        started = monotonic_ns()
        function((probe, number))
        elapsed = monotonic_ns() - started
        fastest = elapsed if not fastest else min(fastest, elapsed)
    release()
    return max(1, round(probe * task_us * 1_000 / max(1, fastest)))


def work_job(work: str, tasks: int, task_us: int) -> Job:
    """Return numbered tasks of one kind of work."""
    amount = amount_of(work, task_us)
    pairs = [(amount, number) for number in range(tasks)]
    # Every call hands over the pair as one argument, so that the four kinds share a form.
    return Job(
        one=WORKS[work],
        star=WORKS[work],
        many=partial(work_all, work),
        items=pairs,
        starred=[(pair,) for pair in pairs],
        expected=list(range(tasks)),
    )


def _needs_streams(case: Case) -> Needs:
    """Return what the workers take when each has a buffer to stream through."""
    buffers = case.integer("workers") * (40 << 20) if case.text("work") == "memory" else 0
    return needs_workers(case)._replace(memory_bytes=buffers)


def _scaling(
    context: BaseContext, case: Case, tasks_of: Callable[[Case], int], task_us: int
) -> Iterator[BodyFactory]:
    """Serve the cases of a scaling workload with one pool."""
    with ready_pool(context, case.integer("workers")) as pool:

        def bind(case: Case) -> Body:
            job = work_job(case.text("work"), tasks_of(case), task_us)
            return calling(pool, job, case.text("call"), 1)

        yield bind


_SCALING: dict[str, Any] = {
    "metric": Metric.THROUGHPUT,
    "floor": NoFloor("one worker, the curve's own first point, is the reference"),
    "covers": ("Pool.map",),
    "by_method": False,
    "revision": 2,
    "needs": _needs_streams,
    "deadline_s": 120.0,
    "workers": worker_counts(),
    "call": Sweep(("map",), ("map",), ("map", "imap", "starmap")),
    "work": Sweep(("cpu",), ("cpu",), _WORKS),
}


@workload(
    "pool/strong-scaling",
    tier=Tier.QUICK,
    body_params=("call", "work", "tasks"),
    **_SCALING,
    tasks=Sweep((96,), (96,), (96, 960)),
)
def strong_scaling(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Do a fixed amount of work, 96 tasks of 250 us in chunks of one, with more workers.

    Timed: the call, from its arguments to the last of its results. A task
    keeps a CPU busy (`cpu`), copies memory through a buffer larger than a
    cache (`memory`), makes system calls (`syscall`) or sleeps (`sleep`, the
    control that needs no CPU); its amount is calibrated in the parent, alone.
    Not timed: starting the pool, comparing the results.

    Reads as: tasks a second against workers, for a job of fixed size. `cpu`
    is limited by the CPUs, `memory` by the memory's bandwidth, `sleep` by the
    parent's handler threads.
    """
    yield from _scaling(context, case, lambda case: case.integer("tasks"), 250)


@workload("pool/weak-scaling", body_params=("call", "work"), **_SCALING)
def weak_scaling(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Do an amount of work that grows with the workers: 16 tasks of 500 us for each.

    Timed: the call, from its arguments to the last of its results; the kinds
    of work are those of `pool/strong-scaling`. Not timed: starting the pool,
    comparing the results.

    Reads as: tasks a second against workers, for a job that grows with them.
    Twice the workers should give twice the figure until the CPUs are used up.
    """
    workers = case.integer("workers")
    yield from _scaling(context, case, lambda _: 16 * workers, 500)


def durations(distribution: str, tasks: int) -> list[float]:
    """
    Return the lengths of tasks in units whose sum is the number of tasks.

    The order is shuffled with a fixed seed: every run has the same.
    """
    generator = random.Random(20)
    if distribution == "even":
        return [1.0] * tasks
    if distribution == "bimodal":
        raw = [10.0] * (tasks // 10) + [1.0] * (tasks - tasks // 10)
    else:
        # Pareto with shape 1.2: a few tasks hold most of the work.
        raw = [min(100.0, generator.paretovariate(1.2)) for _ in range(tasks)]
    generator.shuffle(raw)
    scale = tasks / sum(raw)
    return [length * scale for length in raw]


def uneven_result(
    results: list[tuple[int, int, int, int]], span: tuple[int, int], ideal_ns: float, workers: int
) -> BodyResult:
    """Return the result of the tasks by their readings of the clock."""
    started, ended = span
    of_worker: dict[int, list[tuple[int, int]]] = {}
    for _, worker, begin, end in results:
        of_worker.setdefault(worker, []).append((begin, end))
    readings = tuple(
        WorkerCount(min(stamps)[0], max(end for _, end in stamps), len(stamps))
        for stamps in of_worker.values()
    )
    last = max(reading.end_ns for reading in readings)
    # A worker that got no task at all was idle from the start.
    idle = sum(last - reading.end_ns for reading in readings)
    idle += (workers - len(readings)) * (last - started)
    elapsed = ended - started
    facts = {"efficiency": ideal_ns / elapsed, "tail_idle": idle / (workers * elapsed)}
    return BodyResult(len(results), len(results), elapsed, facts, workers=readings)


def _uneven_body(pool: Pool, tasks: list[tuple[int, int]], chunk: int, ideal_ns: float) -> Body:
    def body(iterations: int, /) -> Callable[[], BodyResult]:
        started = monotonic_ns()
        results: list[Any] = pool.map(stamp_burn, tasks, chunk or None)
        ended = monotonic_ns()

        def check() -> BodyResult:
            expect(list(range(len(tasks))), [result[0] for result in results], "uneven tasks")
            return uneven_result(results, (started, ended), ideal_ns, workers=2)

        return check

    return body


@workload(
    "pool/uneven-work",
    metric=Metric.EFFICIENCY,
    floor=NoFloor("the distribution `even`, the same work in equal tasks, is the reference"),
    covers=("Pool.map",),
    by_method=False,
    facts={"efficiency": Metric.EFFICIENCY, "tail_idle": Metric.SHARE},
    timing=Timing.ONCE,
    body_params=("distribution", "chunk_size"),
    distribution=fixed("even", "bimodal", "heavy-tail"),
    chunk_size=fixed(0, 1),
    workers=fixed(2),
    needs=needs_workers,
)
def uneven_work(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Map 80 tasks of uneven length, 200 us on the mean, over two workers.

    Timed: one `Pool.map` a sample, from its arguments to the last of its results.
    `bimodal` has one task in ten that is ten times as long, `heavy-tail` a
    few that hold most of the work; the work as a whole is the same. Chunk
    size 0 is the call's own default, one eighth of the tasks. Not timed:
    starting the pool, comparing the results.

    Reads as: the efficiency is the time of two perfect workers over the time
    that was needed. `tail_idle` is the share of it in which workers were idle
    while others still worked: smaller chunks lower it.
    """
    with ready_pool(context, case.integer("workers")) as pool:
        unit = spin_loops(200_000)

        def bind(case: Case) -> Body:
            lengths = durations(case.text("distribution"), 80)
            tasks = [(round(unit * length), number) for number, length in enumerate(lengths)]
            pool.map(burn_pair, tasks[:4], 1)
            return _uneven_body(pool, tasks, case.integer("chunk_size"), 80 * 200_000 / 2)

        yield bind
