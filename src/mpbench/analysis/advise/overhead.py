"""Overhead of a pool call by chunk size, and the time of a job with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mpbench.analysis.advise.error_propagation import (
    DerivedCost,
    derive,
    exact_cost,
    measured,
    measured_cost,
)
from mpbench.analysis.advise.interpolation import interpolate
from mpbench.analysis.advise.record import first_method
from mpbench.analysis.measurements import Measurement, pick

__all__ = (
    "NEAR",
    "Overhead",
    "chunk_candidates",
    "default_chunk",
    "job_time",
    "knows_payload",
    "overhead_of",
    "with_payload",
)

# Among chunk sizes that are predicted to be this near to the best the smallest is
# advised: it leaves the least idle time when tasks turn out to be uneven. More than
# this is not given away, because a parent that hands out chunks also takes a CPU
# from busy workers, which empty tasks do not show.
NEAR = 1.01
# multiprocessing.Pool cuts a map into four chunks for each worker.
_CHUNKS_PER_WORKER = 4
_PAYLOAD = "pool/payload"


class Overhead(NamedTuple):
    """Wall time added to each task: a part for the task and a part for its chunk, shared by it."""

    each: DerivedCost
    chunk: DerivedCost
    cases: tuple[str, ...]

    def at(self, chunk_size: float) -> DerivedCost:
        """Return what is added to each task at a chunk size."""
        return derive(lambda each, chunk: each + chunk / chunk_size, self.each, self.chunk)


def _fit(
    sizes: tuple[float, ...], weights: tuple[float, ...], *costs: float
) -> tuple[float, float]:
    """Return the parts of a task and of a chunk; neither is negative."""
    counts, scale, spent = np.array(sizes), np.array(weights), np.array(costs)
    if len(set(sizes)) < 2:  # noqa: PLR2004 - one size cannot tell the parts apart
        return 0.0, float(np.median(spent * counts))
    rows = np.stack([scale, scale / counts], axis=1)
    each, chunk = (float(one) for one in np.linalg.lstsq(rows, scale * spent)[0])
    if each < 0:
        return 0.0, float(np.exp(np.mean(np.log(spent * counts))))
    if chunk < 0:
        return float(np.exp(np.mean(np.log(spent)))), 0.0
    return each, chunk


def overhead_of(readings: Sequence[Measurement]) -> Overhead | None:
    """
    Fit each + chunk / size to empty tasks at several chunk sizes.

    Both are kept from being negative, and relative errors are made small. With
    a single chunk size its whole cost counts as that of the chunk.

    Args:
        readings: Times per task of one call, with the parameter `chunk_size`.
    """
    known = [
        (size, reading)
        for reading in readings
        if (size := reading.number("chunk_size")) is not None and size > 0
    ]
    if not known:
        return None
    sizes = tuple(size for size, _ in known)
    costs = [measured(one) for _, one in known]
    # Relative errors count. The weights stay while the fit is repeated for each end of
    # each case: else a cost that is moved down would also count for more.
    weights = tuple(1 / cost.value for cost in costs)
    each = derive(lambda *spent: _fit(sizes, weights, *spent)[0], *costs)
    chunk = derive(lambda *spent: _fit(sizes, weights, *spent)[1], *costs)
    return Overhead(each, chunk, tuple(one.case for _, one in known))


def with_payload(
    readings: Sequence[Measurement], found: Overhead, payload_bytes: float | None
) -> Overhead:
    """Add what a payload was measured to cost above an empty task in a chunk of its own."""
    if payload_bytes is None:
        return found
    sent = pick(readings, _PAYLOAD, fact="per_task", params={"direction": "in"})
    cost = interpolate(first_method(sent), "payload_bytes", payload_bytes)
    if cost is None:
        return found
    payload = measured_cost(cost.cost, " and ".join(cost.cases))
    each = derive(
        lambda whole, task, chunk: max(task, whole - chunk), payload, found.each, found.chunk
    )
    return found._replace(each=each, cases=(*found.cases, *cost.cases))


def knows_payload(cases: Sequence[str]) -> bool:
    """Whether the cases behind an overhead have the payload's."""
    return any(case.startswith(_PAYLOAD) for case in cases)


def default_chunk(tasks: int, workers: int) -> int:
    """Return the chunk size that `Pool.map` chooses by itself."""
    return max(1, -(-tasks // (_CHUNKS_PER_WORKER * workers)))


def _longest_share(tasks: int, workers: int, chunk_size: int) -> int:
    """Return how many equal tasks the busiest worker gets when chunks go to who is free."""
    before = -(-tasks // chunk_size) - 1
    last = tasks - before * chunk_size
    rounds, place = divmod(before, workers)
    return rounds * chunk_size + (last if place == 0 else chunk_size)


def job_time(
    overhead: Overhead,
    task_s: float,
    tasks: int,
    workers: int,
    chunk_size: int,
    *,
    slowed: DerivedCost | None = None,
) -> DerivedCost:
    """
    Return how long a job of equal tasks takes on a warm pool, by the model.

    The busiest worker's share of the work, plus the overhead of all tasks: the
    parent hands out chunks and takes results one after the other.

    Args:
        overhead: What is added to each task.
        task_s: Seconds of one task alone on the machine.
        tasks: How many there are.
        workers: Of the pool.
        chunk_size: Tasks in a chunk.
        slowed: How many times as long a task takes while all workers have one.
    """
    work = _longest_share(tasks, workers, chunk_size) * task_s
    return derive(
        lambda added, factor: tasks * added + work * factor,
        overhead.at(chunk_size),
        slowed or exact_cost(1.0),
    )


def chunk_candidates(tasks: int, workers: int) -> tuple[int, ...]:
    """Return chunk sizes worth considering: powers of two, and even shares of the tasks."""
    even = {-(-tasks // (workers * parts)) for parts in range(1, 9)}
    powers = {1 << power for power in range(tasks.bit_length())}
    largest = -(-tasks // workers)
    return tuple(sorted(size for size in even | powers if 1 <= size <= largest))
