"""Advice about pools: call, chunk size, worthwhile tasks, worker count."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from mpbench.analysis.advise.error_propagation import estimate_of, ratio_of
from mpbench.analysis.advise.overhead import (
    NEAR,
    Overhead,
    chunk_candidates,
    default_chunk,
    job_time,
    knows_payload,
    overhead_of,
    with_payload,
)
from mpbench.analysis.advise.record import (
    Advice,
    Choice,
    JobDescription,
    SupportLevel,
    advice_of,
    computed,
    first_method,
    missing,
    percent,
)
from mpbench.analysis.advise.task_lengths import break_evens
from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.analysis.scaling import Fit, Scaling, scaling_of
from mpbench.units import format_bytes, format_seconds

__all__ = ("pools",)

_TASKS = "mpbench run --tier standard --select pool/task-overhead"
_SCALING = "mpbench run --tier standard --select pool/strong-scaling"
# Throughput this near to the best is not worth more workers.
_ENOUGH = 0.97


def _overheads(readings: Sequence[Measurement]) -> dict[str, Overhead]:
    main = first_method(pick(readings, "pool/task-overhead"))
    found = {
        call: overhead_of(each)
        for call, each in grouped(
            main, lambda reading: str(reading.params.get("call", "map"))
        ).items()
    }
    return {call: entry for call, entry in found.items() if entry is not None}


def _call(readings: Sequence[Measurement]) -> Advice:
    key, question = "pool-call", "Which pool call for many small tasks?"
    main = first_method(pick(readings, "pool/task-overhead"))
    sizes = [size for size in distinct(main, "chunk_size") if isinstance(size, float) and size > 0]
    if not sizes:
        return missing(key, question, "pool/task-overhead is not in these results", _TASKS)
    choices = [
        Choice(str(reading.params["call"]), estimate_of(reading), "s", (reading.case,))
        for reading in pick(main, params={"chunk_size": sizes[-1]})
    ]
    return advice_of(key, question, choices, f"Per empty task, in chunks of {sizes[-1]:g}")


def _workers_of(readings: Sequence[Measurement], cpus: int | None) -> int:
    counts = distinct(pick(readings, "pool/task-overhead"), "workers")
    return cpus or (int(counts[0]) if counts and isinstance(counts[0], float) else 2)


def _chunk(
    readings: Sequence[Measurement], wishes: JobDescription, cpus: int | None
) -> Iterator[Advice]:
    key, question = "chunk-size", "Which chunk size?"
    overheads = _overheads(readings)
    if not overheads:
        yield missing(key, question, "pool/task-overhead is not in these results", _TASKS)
        return
    workers = _workers_of(readings, cpus)
    call = next((name for name in ("map", "imap_unordered", "imap") if name in overheads), "")
    call = call or next(iter(overheads))
    if wishes.task_s is None or wishes.tasks is None:
        yield _chunk_rule(overheads[call], call, workers)
    else:
        overhead = with_payload(readings, overheads[call], wishes.payload_bytes)
        yield _chunk_for(overhead, call, workers, wishes)


def _chunk_rule(overhead: Overhead, call: str, workers: int) -> Advice:
    """Say for some task lengths which chunk size reaches 90 %."""
    parts = []
    for length in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        spare = length / workers / 9 - overhead.each.value
        if spare <= 0:
            parts.append(f"{format_seconds(length, significant=1)}: none")
        else:
            size = max(1, math.ceil(overhead.chunk.value / spare))
            parts.append(f"{format_seconds(length, significant=1)}: {size:,}")
    choices = [
        computed(f"chunk size {size}", overhead.at(size), overhead.cases) for size in (1, 8, 32)
    ]
    because = (
        f"Smallest chunk size of {call} at which {workers} workers waste less than 10 %, by task "
        "length; the costs are what is added to each task, from a fit to the measured chunk sizes"
    )
    made = advice_of("chunk-size", "Which chunk size, by task length?", choices, because)
    return made._replace(answer="; ".join(parts))


def _standing_beyond_near(made: Advice) -> SupportLevel:
    """Claim no difference that is given away: what jobs share cancels, and makes it look sure."""
    is_near = any(choice.ratio and choice.ratio.value <= NEAR for choice in made.choices[1:])
    return SupportLevel.OPEN if is_near and made.standing is SupportLevel.CLEAR else made.standing


def _chunk_for(overhead: Overhead, call: str, workers: int, wishes: JobDescription) -> Advice:
    """Predict the job for every candidate and advise the smallest that is nearly the best."""
    assert wishes.task_s is not None
    assert wishes.tasks is not None
    task_s, tasks = wishes.task_s, wishes.tasks
    predicted = {
        size: job_time(overhead, task_s, tasks, workers, size)
        for size in chunk_candidates(tasks, workers)
    }
    best = min(cost.value for cost in predicted.values())
    advised = min(size for size, cost in predicted.items() if cost.value <= NEAR * best)
    usual = default_chunk(tasks, workers)
    shared = -(-tasks // workers)
    # The first name of a size is the one that is shown.
    names = {advised: "advised", usual: "the default", 1: "one by one", shared: "one per worker"}
    names[advised] = "advised"
    choices = [
        computed(
            f"chunk size {size} ({name})",
            job_time(overhead, task_s, tasks, workers, size),
            overhead.cases,
        )
        for size, name in names.items()
    ]
    alone = tasks * task_s
    chosen = predicted[advised].value
    each = ""
    if wishes.payload_bytes is not None:
        size = format_bytes(int(wishes.payload_bytes))
        each = f" with {size} each" if knows_payload(overhead.cases) else f" without their {size}"
    because = (
        f"Predicted for {call} of {tasks:,} tasks of {format_seconds(task_s)}{each} on {workers} "
        f"warm workers: {format_seconds(chosen)}, {alone / chosen:.2f} times as fast as one "
        f"process. The smallest chunk size within {percent(NEAR - 1)} of the best, which is "
        "taken for no difference, because it suffers least from uneven tasks"
    )
    question = f"Which chunk size for {tasks:,} tasks of {format_seconds(task_s)}?"
    made = advice_of("chunk-size", question, choices, because)
    return made._replace(answer=f"{advised}", standing=_standing_beyond_near(made))


def _law(scaling: Scaling) -> str:
    fit = scaling.usl
    if not isinstance(fit, Fit):
        return f"no scaling law: {fit.reason}"
    peak = fit.best_workers.value
    where = "without a peak" if math.isinf(peak) else f"with its peak at {peak:.1f} workers"
    return f"USL with contention {fit.contention.value:.3f}, {where}"


def _enough(rates: Mapping[int, Measurement], cpus: int | None) -> int:
    """
    Return the fewest workers that are nearly as fast as any that may be the fastest.

    More workers than CPUs share them, so they need proof: that every count up
    to the CPUs is slower beyond its interval.
    """
    costs = {count: estimate_of(rate) for count, rate in rates.items()}
    best = min(costs.values(), key=lambda cost: cost.value)
    ratios = {count: ratio_of(cost, best) for count, cost in costs.items()}
    # The best of several is partly the luckiest: a lead of less than this proves nothing.
    near = {n for n, ratio in ratios.items() if ratio.low is None or _ENOUGH * ratio.low <= 1}
    known = {n for n in near if cpus is None or n <= cpus} or near
    fastest = min(costs[count].value for count in known)
    return min(count for count in known if _ENOUGH * costs[count].value <= fastest)


def _workers(readings: Sequence[Measurement], cpus: int | None) -> Iterator[Advice]:
    main = first_method(pick(readings, "pool/strong-scaling"))
    works = grouped(main, lambda reading: str(reading.params.get("work", "cpu")))
    where = f"{cpus} usable CPUs" if cpus else "this machine"
    for work in ("cpu", "memory", "sleep"):
        question = f"How many workers for tasks that {_WORKS[work]}, on {where}?"
        each = works.get(work, ())
        rates = {
            int(reading.number("workers") or 1): reading for reading in each if reading.value > 0
        }
        if len(rates) < 2:  # noqa: PLR2004 - one count is no sweep
            if work == "cpu":
                what = "fewer than two worker counts were measured"
                yield missing("workers-cpu", question, what, _SCALING)
            continue
        scaling = scaling_of({count: rate.agents for count, rate in rates.items()}, cpus=cpus)
        enough = _enough(rates, None if work == "sleep" else cpus)
        choices = [
            Choice(
                f"{count} worker{'s' if count > 1 else ''}", estimate_of(rate), "s", (rate.case,)
            )
            for count, rate in rates.items()
        ]
        point = next(p for p in scaling.points if p.workers == enough)
        gain = "Wall time per task; "
        if point.speed_up and enough > 1:
            gain += f"{enough} workers are {point.speed_up.value:.2f} times as fast as one; "
        made = advice_of(f"workers-{work}", question, choices, f"{gain}{_law(scaling)}", _SCALING)
        yield _of_enough(made, enough, min(rates, key=lambda n: estimate_of(rates[n]).value))


def _of_enough(made: Advice, enough: int, fastest: int) -> Advice:
    """Answer with the fewest workers, and claim no lead that is given away for them."""
    if enough == fastest:
        return made._replace(answer=f"{enough}")
    because = (
        f"{made.because}. {fastest} are the fastest; the fewest within {percent(1 - _ENOUGH)} or "
        "the intervals are advised, which is taken for no difference"
    )
    is_clear = made.standing is SupportLevel.CLEAR
    standing = SupportLevel.OPEN if is_clear else made.standing
    return made._replace(answer=f"{enough}", because=because, standing=standing)


_WORKS = {"cpu": "compute", "memory": "move memory", "sleep": "wait"}


def pools(
    readings: Sequence[Measurement], wishes: JobDescription, cpus: int | None
) -> Iterator[Advice]:
    """Answer call, chunk size, break-even task length and worker count."""
    yield _call(readings)
    yield from _chunk(readings, wishes, cpus)
    yield from break_evens(readings, _overheads(readings), _workers_of(readings, None))
    yield from _workers(readings, cpus)
