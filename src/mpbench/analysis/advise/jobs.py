"""Advice about a whole job: a pool or none, with which start method, workers and chunk size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mpbench.analysis.advise.error_propagation import DerivedCost, derive, exact_cost, measured
from mpbench.analysis.advise.overhead import (
    NEAR,
    Overhead,
    chunk_candidates,
    job_time,
    knows_payload,
    overhead_of,
    with_payload,
)
from mpbench.analysis.advise.record import (
    Advice,
    JobDescription,
    advice_of,
    computed,
    missing,
)
from mpbench.analysis.measurements import Measurement, distinct, pick
from mpbench.analysis.scaling import Estimate
from mpbench.units import format_bytes, format_seconds

__all__ = ("Setting", "job", "settings")

_SCALING = "pool/strong-scaling"
_HOW = (
    "mpbench run --tier standard --select pool/construct-to-ready --select pool/task-overhead "
    "--select pool/payload"
)


class Setting(NamedTuple):
    """How to run a job: without a pool where `method` is empty; `parts` is what it takes."""

    method: str
    workers: int
    chunk_size: int
    parts: DerivedCost
    cases: tuple[str, ...]

    @property
    def cost(self) -> Estimate:
        """What the job takes, with its interval."""
        return self.parts.estimate

    @property
    def name(self) -> str:
        """The setting in words."""
        if not self.method:
            return "no pool"
        return f"Pool({self.workers}) under {self.method}, chunk size {self.chunk_size}"


def _overhead(
    readings: Sequence[Measurement], method: str, wishes: JobDescription
) -> Overhead | None:
    main = pick(
        readings,
        "pool/task-overhead",
        params={"call": "map"},
        where=lambda reading: reading.method == method,
    )
    found = overhead_of(main)
    return None if found is None else with_payload(readings, found, wishes.payload_bytes)


def _slowed(
    readings: Sequence[Measurement], work: str | None, workers: int
) -> tuple[DerivedCost, tuple[str, ...]]:
    """Return how many times as long a task takes while all workers have one, and the cases."""
    rates = [
        pick(readings, _SCALING, params={"work": work, "workers": count})
        for count in (1, workers)
        if work is not None
    ]
    if not rates or not all(rates) or min(found[0].value for found in rates) <= 0:
        return exact_cost(1.0), ()
    alone, together = (found[0] for found in rates)
    slowed = derive(
        lambda one, each: max(1.0, workers * each / one), measured(alone), measured(together)
    )
    return slowed, (alone.case, together.case)


def _chunk(
    overhead: Overhead, task_s: float, tasks: int, workers: int, slowed: DerivedCost
) -> tuple[int, DerivedCost]:
    """Return the smallest chunk size that is nearly the best, and how long the job takes."""
    predicted = {
        size: job_time(overhead, task_s, tasks, workers, size, slowed=slowed)
        for size in chunk_candidates(tasks, workers)
    }
    best = min(cost.value for cost in predicted.values())
    size = min(size for size, cost in predicted.items() if cost.value <= NEAR * best)
    return size, predicted[size]


def _start(readings: Sequence[Measurement], method: str, workers: int) -> Measurement | None:
    """Return what a pool costs to start, measured with the nearest number of workers."""
    started = pick(
        readings, "pool/construct-to-ready", where=lambda reading: reading.method == method
    )
    counts = [value for value in distinct(started, "workers") if isinstance(value, float)]
    if not counts:
        return None
    nearest = min(counts, key=lambda count: abs(count - workers))
    return pick(started, params={"workers": nearest})[0]


def settings(
    readings: Sequence[Measurement], wishes: JobDescription, cpus: int | None
) -> tuple[Setting, ...]:
    """
    Return how the job could be run, the fastest first, by the model.

    A pool gets as many workers as there are usable CPUs: more share the same
    CPUs, fewer leave some idle.

    Args:
        readings: Of one place.
        wishes: With the time of a task and the number of tasks.
        cpus: Usable CPUs.
    """
    if wishes.task_s is None or wishes.tasks is None:
        return ()
    alone = wishes.task_s * wishes.tasks
    found = [Setting("", 1, 1, exact_cost(alone), ())]
    workers = cpus or 2
    slowed, behind = _slowed(readings, wishes.work, workers)
    methods = dict.fromkeys(reading.method for reading in pick(readings, "pool/construct-to-ready"))
    for method in methods:
        started, overhead = _start(readings, method, workers), _overhead(readings, method, wishes)
        if started is None or overhead is None:
            continue
        size, took = _chunk(overhead, wishes.task_s, wishes.tasks, workers, slowed)
        # The payload and the slow-down are the same measurements under every start method:
        # each is in the interval of a job, and cancels between two of them.
        cost = derive(lambda start, rest: start + rest, measured(started), took)
        found.append(Setting(method, workers, size, cost, (started.case, *overhead.cases, *behind)))
    return tuple(sorted(found, key=lambda entry: entry.parts.value)) if len(found) > 1 else ()


def job(
    readings: Sequence[Measurement], wishes: JobDescription, cpus: int | None
) -> Iterator[Advice]:
    """Answer how to run the job that the user described, if its tasks are known."""
    if wishes.task_s is None or wishes.tasks is None:
        return
    question = f"How to run {wishes.tasks:,} tasks of {format_seconds(wishes.task_s)}"
    if wishes.payload_bytes is not None:
        question += f" with {format_bytes(int(wishes.payload_bytes))} each"
    question += "?"
    found = settings(readings, wishes, cpus)
    if not found:
        yield missing("job", question, "no start of a pool and its tasks were measured", _HOW)
        return
    choices = [computed(entry.name, entry.parts, entry.cases) for entry in found]
    because = "From starting the pool to the last result, by a model of equal tasks"
    cases = [case for entry in found for case in entry.cases]
    if wishes.work is None:
        because += (
            " that keep a CPU busy and do not slow each other down; "
            "--work memory says that they move memory instead"
        )
    elif any(case.startswith(_SCALING) for case in cases):
        because += f" that slow each other down as {_SCALING} with work={wishes.work} was measured"
    else:
        because += f". How tasks of work={wishes.work} slow each other down was not measured"
    if wishes.payload_bytes is not None and not knows_payload(cases):
        because += (
            f". Without its payload: {format_bytes(int(wishes.payload_bytes))} were not measured"
        )
    yield advice_of("job", question, choices, because, _HOW)
