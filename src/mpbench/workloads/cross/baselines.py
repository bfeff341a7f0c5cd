"""Controls of processes: serial work, threads, and more workers than CPUs."""

from __future__ import annotations

import threading
from multiprocessing import get_all_start_methods
from typing import TYPE_CHECKING, Callable, NamedTuple

from mpbench.clock import monotonic_ns
from mpbench.model import Case, Metric, Timing
from mpbench.workload import (
    WORKER_METRICS,
    Body,
    BodyFactory,
    BodyResult,
    Needs,
    NoFloor,
    Sweep,
    WindowCounter,
    fixed,
    spin,
    spin_loops,
    worker_counts,
    worker_group,
    workload,
)
from mpbench.workloads.cross.processes import activity_of, throttled_ns
from mpbench.workloads.pool.scaling import amount_of
from mpbench.workloads.pool.tasks import prepare, release, work_and_report, work_once
from mpbench.workloads.process.stamps import Stamps, join_checked, make_process, stamps, warm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.context import BaseContext

__all__ = ("oversubscription", "threads_control")

# How long one unit works in `cross/threads-control`.
_UNIT_US = 10_000
# How long one operation of `cross/oversubscription` takes.
_OPERATION_NS = 50_000


class Done(NamedTuple):
    """How many units succeeded, and what of their time does not count."""

    units: int
    untimed_ns: int = 0


# Does so much of a kind of work in so many units.
Run = Callable[[str, int, int], Done]


def _serially(work: str, amount: int, units: int) -> Done:
    for number in range(units):
        work_once(work, amount, number)
    return Done(units)


def _in_threads(work: str, amount: int, units: int) -> Done:
    threads = [
        threading.Thread(target=work_once, args=(work, amount, number)) for number in range(units)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Done(sum(not thread.is_alive() for thread in threads))


def _untimed_ns(reports: Sequence[tuple[int, ...]]) -> int:
    """Return how much sooner the last unit would have ended without touching memory first."""
    last = max(end for _, end in reports)
    return last - max(end - touched for touched, end in reports)


def _in_processes(context: BaseContext, pipe: Stamps) -> Run:
    def run(work: str, amount: int, units: int) -> Done:
        processes = [
            make_process(context, work_and_report, (pipe.path, work, amount, number), daemon=True)
            for number in range(units)
        ]
        for process in processes:
            process.start()
        for process in processes:
            join_checked(process)
        return Done(units, _untimed_ns([pipe.read() for _ in processes]))

    return run


def _no_unit(case: Case) -> str | None:
    unit = case.text("unit")
    if unit in {"serial", "thread"} or unit in get_all_start_methods():
        return None
    return f"this interpreter has no start method {unit!r}"


@workload(
    "cross/threads-control",
    metric=Metric.TIME,
    floor=NoFloor("the unit `serial`, the same work without any start, is the reference"),
    covers=("Process", "Process.join", "Process.start"),
    by_method=False,
    facts={"efficiency": Metric.EFFICIENCY},
    body_params=("work",),
    revision=2,
    unsupported=_no_unit,
    needs=lambda case: Needs(processes=1 + case.integer("units")),
    unit=Sweep(
        ("serial", "thread"),
        ("serial", "thread", "fork", "spawn"),
        ("serial", "thread", "fork", "spawn", "forkserver"),
    ),
    work=Sweep(("cpu",), ("cpu",), ("cpu", "memory", "syscall", "sleep")),
    units=fixed(2),
)
def threads_control(context: BaseContext, case: Case) -> Iterator[BodyFactory]:
    """
    Do two pieces of work of 10 ms: in turn, in two threads, or in two processes.

    Timed: starting both units, their work, and joining them. The fact
    `efficiency` is the time that two perfect units would need, calibrated
    alone, over the time that was needed. Not timed: calibrating the work, and
    touching the 32 MiB in which a unit of `memory` copies.

    Reads as: the control for every figure of processes. With the interpreter
    lock two threads need as long as `serial` for `cpu`; on a free-threaded
    build they do not. Processes pay their start and then work in parallel.
    """
    unit = case.text("unit")
    units = case.integer("units")
    inside: dict[str, Run] = {"serial": _serially, "thread": _in_threads}

    def bind(case: Case) -> Body:
        body = _controlled(run, case.text("work"), units)
        if unit in inside:
            prepare(case.text("work"))
        return body

    with stamps() as pipe:
        if unit in inside:
            run = inside[unit]
        else:
            chosen = context.get_context(unit)
            warm(chosen)
            run = _in_processes(chosen, pipe)
        try:
            yield bind
        finally:
            release()


def _controlled(run: Run, work: str, units: int) -> Body:
    amount = amount_of(work, _UNIT_US)

    def body(iterations: int, /) -> Callable[[], BodyResult]:
        done = untimed = 0
        started = monotonic_ns()
        for _ in range(iterations):
            units_done = run(work, amount, units)
            done += units_done.units
            untimed += units_done.untimed_ns
        elapsed = monotonic_ns() - started - untimed

        def check() -> BodyResult:
            jobs = done // units
            # Two perfect units are ready after the length of one.
            efficiency = jobs * _UNIT_US * 1_000 / elapsed
            return BodyResult(jobs, iterations, elapsed, {"efficiency": efficiency})

        return check

    return body


def keep_busy(counter: WindowCounter, loops: int) -> None:
    """Run in a worker: one piece of work after the other, each one's length recorded."""
    clock, note = monotonic_ns, counter.waits.append
    done = 0
    before = clock()
    while counter.running:
        spin(loops)
        now = clock()
        done += 1
        note(now - before)
        if now >= counter.next_check_ns:
            counter.advance(now, done)
            before = clock()
        else:
            before = now


@workload(
    "cross/oversubscription",
    metric=Metric.THROUGHPUT,
    floor=NoFloor("one worker, the curve's own first point, is the reference"),
    by_method=False,
    facts={**WORKER_METRICS, "preempted": Metric.COUNT, "throttled": Metric.SHARE},
    timing=Timing.WINDOW,
    needs=lambda case: Needs(processes=case.integer("workers") + 1),
    workers=worker_counts(),
)
def oversubscription(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Keep workers busy, from one to twice the usable CPUs and more.

    Timed: a common window in which every worker counts pieces of work that
    take 50 us on an idle CPU. The latencies are the pieces one by one: the
    longest are those in which a worker lost its CPU. The fact `preempted` is
    how often that happened a second, to all workers together; `throttled` is
    the share of the window in which the control group's quota stopped all of
    them. Both are missing where the platform does not tell them.

    Reads as: the throughput grows up to the usable CPUs and then stays, or
    falls. Where `throttled` is above zero there are fewer CPUs than the system
    says.
    """
    loops = spin_loops(_OPERATION_NS)
    members = [(keep_busy, (loops,)) for _ in range(case.integer("workers"))]
    with worker_group(context, members) as group:
        pids = tuple(process.pid for process in group.processes if process.pid is not None)

        def body(milliseconds: int, /) -> BodyResult:
            activity, throttled = activity_of(pids), throttled_ns()
            started = monotonic_ns()
            done = group.window(milliseconds)
            elapsed = monotonic_ns() - started
            facts = dict(done.facts)
            activity_after, throttled_after = activity_of(pids), throttled_ns()
            if activity is not None and activity_after is not None:
                preempted = activity_after.involuntary - activity.involuntary
                facts["preempted"] = preempted * 1e9 / elapsed
            if throttled is not None and throttled_after is not None:
                facts["throttled"] = (throttled_after - throttled) / elapsed
            return done._replace(facts=facts)

        yield body
