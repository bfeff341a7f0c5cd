"""Advice about task lengths: from which one on a pool call is worth it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mpbench.analysis.advise.error_propagation import DerivedCost, derive, measured_cost
from mpbench.analysis.advise.overhead import Overhead
from mpbench.analysis.advise.record import (
    Advice,
    advice_of,
    computed,
    first_method,
    missing,
    percent,
)
from mpbench.analysis.break_even import break_even
from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.analysis.scaling import Estimate
from mpbench.units import format_seconds

__all__ = ("break_evens",)

_SURFACE = "mpbench run --tier full --select pool/chunk-surface"
_LEVELS = (0.5, 0.9)


def _even_estimate(
    cells: dict[Any, Measurement], lengths: Sequence[float], level: float
) -> Estimate:
    """
    Return the break-even length with the interval that the shares' intervals give.

    A level that is not reached has no length: infinity, as an end of an interval too.
    """

    def reached(pick_one: str) -> float | None:
        shares = [
            getattr(cells[length], pick_one) if length in cells else None for length in lengths
        ]
        if pick_one != "value" and any(
            length in cells and share is None for length, share in zip(lengths, shares, strict=True)
        ):
            return None
        found = break_even([length / 1e6 for length in lengths], shares, level)
        return math.inf if found is None else found

    value = reached("value")
    assert value is not None
    return Estimate(value, reached("high"), reached("low"))


def break_evens(
    readings: Sequence[Measurement], overheads: Mapping[str, Overhead], workers: int
) -> Iterator[Advice]:
    """
    Say from which task length each call reaches 50 and 90 %, measured or modelled.

    Args:
        readings: Of one place.
        overheads: What each call adds to an empty task.
        workers: With how many workers that was measured.
    """
    main = first_method(pick(readings, "pool/chunk-surface"))
    calls = grouped(main, lambda reading: str(reading.params.get("call", "map")))
    for call, each in calls.items():
        lengths = [value for value in distinct(each, "task_us") if isinstance(value, float)]
        if len(lengths) > 1:
            yield _measured_even(call, each, lengths)
    rest = {
        call: one
        for call, one in overheads.items()
        if call not in calls or len(distinct(calls[call], "task_us")) < 2  # noqa: PLR2004
    }
    for call, overhead in rest.items():
        yield _modelled_even(call, overhead, workers)
    if not rest and not calls:
        question = "From which task length is a pool efficient?"
        yield missing("break-even", question, "no pool workload is in these results", _SURFACE)


def _length(cost: DerivedCost, shortest: float = 0.0) -> str:
    """Write a task length; the shortest measured one is only a bound."""
    if math.isinf(cost.value):
        return "not reached"
    return f"{'at most ' if cost.value <= shortest else ''}{format_seconds(cost.value)}"


class _Even(NamedTuple):
    """From which task length on a chunk size reaches half and most of the possible speed."""

    name: str
    half: DerivedCost
    most: DerivedCost
    cases: tuple[str, ...]


def _even_advice(
    call: str, found: Sequence[_Even], because: str, ends: tuple[float, float] | None = None
) -> Advice:
    """
    Rank chunk sizes by the task length from which they reach the higher level, else the lower.

    Args:
        call: Of the pool.
        found: What each chunk size reaches.
        because: How that is known.
        ends: The shortest and the longest task measured, in seconds; None where it is computed.
    """
    key = f"break-even-{call.replace('_', '-')}"
    half, most = (percent(level) for level in _LEVELS)
    question = f"From which task length does {call} reach {half} and {most} of the possible speed?"
    shortest, longest = ends or (0.0, math.inf)
    reached = [entry for entry in found if not math.isinf(entry.most.value)]
    halfway = [entry for entry in found if not math.isinf(entry.half.value)]
    if not halfway:
        return missing(key, question, f"no chunk size keeps {half}. {because}", _SURFACE)
    is_most = bool(reached)
    choices = [
        computed(one.name, one.most if is_most else one.half, one.cases, is_modelled=ends is None)
        for one in (reached if is_most else halfway)
    ]
    best = min(reached or halfway, key=lambda one: one.most.value if is_most else one.half.value)
    last = f"from {_length(best.most, shortest)}"
    last = last if is_most else f"from more than {format_seconds(longest)}"
    halves = ", ".join(f"{_length(entry.half, shortest)} in {entry.name}" for entry in found)
    because = f"The lengths are those for {most if is_most else half}. {because}"
    if is_most:
        because = f"{half} from {halves}. {because}"
    made = advice_of(key, question, choices, because, _SURFACE)
    answer = f"{half} from {_length(best.half, shortest)}, {most} {last}, in {best.name}"
    return made._replace(answer=answer)


def _measured_even(call: str, readings: Sequence[Measurement], lengths: list[float]) -> Advice:
    found = []
    for size in distinct(readings, "chunk_size"):
        cells = {
            reading.params["task_us"]: reading
            for reading in pick(readings, params={"chunk_size": size})
        }
        name = "chunks of the default size" if size == 0 else f"chunks of {size:g}"
        half, most = (
            measured_cost(_even_estimate(cells, lengths, level), name) for level in _LEVELS
        )
        found.append(_Even(name, half, most, tuple(cell.case for cell in cells.values())))
    shortest, longest = lengths[0] / 1e6, lengths[-1] / 1e6
    because = (
        f"Measured with tasks of {format_seconds(shortest)} to {format_seconds(longest)}; "
        "lengths between them are interpolated"
    )
    return _even_advice(call, found, because, (shortest, longest))


def _odds(added: DerivedCost, factor: float) -> DerivedCost:
    """Return the length of which an overhead is so many parts."""
    return derive(lambda one: one * factor, added)


def _modelled_even(call: str, overhead: Overhead, workers: int) -> Advice:
    """Without tasks of different lengths: efficiency is t / (t + workers x overhead)."""
    found = []
    for size in (1, 32):
        half, most = (_odds(overhead.at(size), workers * one / (1 - one)) for one in _LEVELS)
        found.append(_Even(f"chunks of {size}", half, most, overhead.cases))
    because = (
        f"From the overhead of empty tasks on {workers} workers; no task lengths were measured"
    )
    return _even_advice(call, found, because)
