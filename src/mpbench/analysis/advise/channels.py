"""Advice about what carries messages, and about when shared memory pays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mpbench.analysis.advise.error_propagation import estimate_of
from mpbench.analysis.advise.interpolation import InterpolatedCost, crossover, interpolate
from mpbench.analysis.advise.record import Advice, Choice, JobDescription, advice_of, missing
from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.units import format_bytes, format_seconds

__all__ = ("channels",)

_SIZE = "payload_bytes"
_PLAIN = "Pipe with bytes, without pickling"
Series = Mapping[str, tuple[Measurement, ...]]


def _first_method(readings: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Return the readings of fork, or of the first start method there is."""
    methods = {reading.method for reading in readings}
    chosen = next((m for m in ("fork", "forkserver", "spawn") if m in methods), "")
    return pick(readings, fact=None, where=lambda reading: reading.method in {chosen, ""})


def _round_trips(readings: Sequence[Measurement]) -> Series:
    """
    Return request and answer over each channel.

    Queues carry objects, so a Pipe stands beside them with objects where that
    was measured, else with bytes, which its name then says.
    """
    pipes = _first_method(pick(readings, "pipe/round-trip"))
    objects = pick(pipes, params={"form": "object"})
    queues = _first_method(pick(readings, "queue/round-trip"))
    series = grouped(queues, lambda reading: str(reading.params.get("kind", "Queue")))
    if objects:
        return {"Pipe": objects, **series}
    plain = pick(pipes, params={"form": "bytes"})
    return {_PLAIN: plain, **series} if plain else series


def _transports(readings: Sequence[Measurement]) -> Series:
    """Return bringing a payload to another process over each transport."""
    main = pick(readings, "cross/transports", fact="per_message")
    return grouped(_first_method(main), lambda reading: str(reading.params.get("transport", "")))


def _at_size(series: Series, size: float) -> list[Choice]:
    found: dict[str, InterpolatedCost | None] = {
        name: interpolate(each, _SIZE, size) for name, each in series.items()
    }
    return [
        Choice(name, entry.cost, "s", entry.cases, entry.is_modelled)
        for name, entry in found.items()
        if entry is not None
    ]


def _sizes(series: Series, wishes: JobDescription) -> tuple[float, ...]:
    """Return the size asked for, or the sizes that every channel was measured at."""
    if wishes.payload_bytes is not None:
        return (wishes.payload_bytes,)
    common: set[float] | None = None
    for each in series.values():
        own = {value for value in distinct(each, _SIZE) if isinstance(value, float)}
        common = own if common is None else common & own
    ordered = sorted(common or ())
    # Smallest, largest and the middle tell when the answer changes.
    return tuple(dict.fromkeys((*ordered[:1], *ordered[len(ordered) // 2 :][:1], *ordered[-1:])))


def _named(series: Series) -> str:
    """Say what stands for a Pipe beside the channels that carry objects."""
    if _PLAIN in series:
        return ". Bytes and objects are not alike: a Pipe with objects was not measured"
    return "" if any(name.lower() == "pipe" for name in series) else ". Pipe was not measured"


def _too_large(series: Series, choices: Sequence[Choice]) -> str:
    """Say what is known about a size at which fewer than two channels were measured."""
    known = [f"{choice.name} takes {format_seconds(choice.cost.value)}" for choice in choices]
    reached = {choice.name for choice in choices}
    ends = [
        f"{name} up to {format_bytes(int(max(reading.number(_SIZE) or 0.0 for reading in each)))}"
        for name, each in series.items()
        if name not in reached
    ]
    return "; ".join((*known, f"measured were only {', '.join(ends)}"))


def _ask(
    key: str, words: str, series: Series, wishes: JobDescription, how: str
) -> Iterator[Advice]:
    several = {name: each for name, each in series.items() if each}
    sizes = _sizes(several, wishes)
    if len(several) < 2 or not sizes:  # noqa: PLR2004 - one channel is no choice
        yield missing(key, f"Which channel {words}?", "fewer than two channels were measured", how)
        return
    for size in sizes:
        question = f"Which channel {words} of {format_bytes(int(size))}?"
        choices = _at_size(several, size)
        if len(choices) > 1:
            method = next(iter(several.values()))[0].method
            because = (f"Measured under {method}" if method else "") + _named(several)
            yield advice_of(f"{key}-{int(size)}", question, choices, because)
        else:
            yield missing(key, question, _too_large(several, choices), how)


def _pays(readings: Sequence[Measurement]) -> tuple[str, Series]:
    """Return where shared memory and a pipe did the same job: the workload and both series."""
    handed = _first_method(pick(readings, "shared/hand-over"))
    series = grouped(handed, lambda reading: str(reading.params.get("transport", "")))
    memory = next((name for name in series if name.startswith("memory")), None)
    if memory is not None and "pipe" in series:
        return "shared/hand-over", {"pipe": series["pipe"], "shared memory": series[memory]}
    moved = _transports(readings)
    if {"pipe", "shared-memory"} <= set(moved):
        return "cross/transports", {"pipe": moved["pipe"], "shared memory": moved["shared-memory"]}
    return "", {}


def _shared_memory(readings: Sequence[Measurement]) -> Advice:
    key, question = "shared-memory", "From which size on does shared memory pay, against a pipe?"
    how = "mpbench run --tier standard --select shared/hand-over"
    name, series = _pays(readings)
    if not series:
        return missing(key, question, "shared memory and a pipe were not measured together", how)
    costs = {
        kind: {reading.number(_SIZE) or 0.0: reading for reading in each}
        for kind, each in series.items()
    }
    common = sorted(set(costs["pipe"]) & set(costs["shared memory"]))
    pipes, memories = (
        [(size, estimate_of(costs[kind][size]).value) for size in common]
        for kind in ("pipe", "shared memory")
    )
    found = crossover(pipes, memories)
    largest = common[-1]
    choices = [
        Choice(
            f"{kind} at {format_bytes(int(largest))}",
            estimate_of(costs[kind][largest]),
            "s",
            tuple(costs[kind][size].case for size in common),
        )
        for kind in ("pipe", "shared memory")
    ]
    made = advice_of(
        key,
        question,
        choices,
        f"From {name}, at {len(common)} size{'s' if len(common) > 1 else ''}",
        how,
    )
    if found is None:
        answer = f"not up to {format_bytes(int(largest))}"
    elif found == common[0]:
        answer = f"from {format_bytes(int(found))}, the smallest size measured, or below"
    else:
        answer = f"from about {format_bytes(round(found, -2) if found > 1_000 else int(found))}"  # noqa: PLR2004
    return made._replace(answer=answer)


def channels(readings: Sequence[Measurement], wishes: JobDescription) -> Iterator[Advice]:
    """Answer which channel to use by message size, and when shared memory pays."""
    trips = "mpbench run --tier standard --select 'pipe/round-trip' --select 'queue/round-trip'"
    yield from _ask(
        "request-answer", "for requests and answers", _round_trips(readings), wishes, trips
    )
    moves = "mpbench run --tier standard --select cross/transports"
    yield from _ask("bulk", "to bring payloads", _transports(readings), wishes, moves)
    yield _shared_memory(readings)
