"""Figures of layer costs: the floor and each layer above it, as stacked bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mpbench.analysis.measurements import Measurement, ParamValue, pick
from mpbench.report.document import Figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import quantity, ratio_words
from mpbench.report.figures.stacks import Part, Stack, Stacks, stacks_figure

__all__ = ("ladders",)


class _Step(NamedTuple):
    """One more layer: the bar that has it, the layer's name, and the workload that shows it."""

    bar: str
    layer: str
    workload: str
    params: Mapping[str, ParamValue] = {}
    method: str = ""


class _Ladder(NamedTuple):
    """Steps from the floor up; every step does what the one before does, and one thing more."""

    key: str
    title: str
    steps: tuple[_Step, ...]


_SMALL: Mapping[str, ParamValue] = {"payload_bytes": 64.0}

_LADDERS: Mapping[str, tuple[_Ladder, ...]] = {
    "pipe": (
        _Ladder(
            "cost-stack",
            "What a round trip of 64 B over Pipe() is made of",
            (
                _Step("socket pair", "kernel and os calls", "floor/socketpair-round-trip", _SMALL),
                _Step(
                    "Pipe, bytes",
                    "Connection: framing and calls",
                    "pipe/round-trip",
                    {**_SMALL, "form": "bytes"},
                ),
                _Step("Pipe, object", "pickle", "pipe/round-trip", {**_SMALL, "form": "object"}),
            ),
        ),
    ),
    "queue": (
        _Ladder(
            "cost-stack",
            "What a round trip of 64 B over queues is made of",
            (
                _Step("os.pipe", "kernel and os calls", "floor/os-pipe-round-trip", _SMALL),
                _Step("os.pipe, framed", "framing", "floor/framed-pipe-round-trip", _SMALL),
                _Step("Pipe(False), bytes", "Connection", "pipe/simplex-round-trip", _SMALL),
                _Step(
                    "SimpleQueue",
                    "pickle and locks",
                    "queue/round-trip",
                    {**_SMALL, "kind": "SimpleQueue"},
                ),
                _Step(
                    "Queue",
                    "feeder thread and semaphore",
                    "queue/round-trip",
                    {**_SMALL, "kind": "Queue"},
                ),
            ),
        ),
    ),
    "lock": (
        _Ladder(
            "cost-stack",
            "What an uncontended acquire and release is made of",
            (
                _Step("empty C call", "call from Python", "floor/empty-c-call"),
                _Step("SemLock", "semaphore", "floor/semlock"),
                _Step("Lock", "multiprocessing.Lock", "lock/uncontended", {"kind": "Lock"}),
            ),
        ),
    ),
    "pool": (
        _Ladder(
            "cost-stack",
            "What Pool.apply of an empty task is made of",
            (
                _Step("os.pipe", "kernel and os calls", "floor/os-pipe-round-trip", _SMALL),
                _Step(
                    "SimpleQueue",
                    "Connection, pickle and locks",
                    "queue/round-trip",
                    {**_SMALL, "kind": "SimpleQueue"},
                ),
                _Step(
                    "Pool.apply",
                    "handler threads and bookkeeping",
                    "pool/apply-round-trip",
                    {"call": "apply"},
                ),
            ),
        ),
    ),
    "process": (
        _Ladder(
            "cost-stack-fork",
            "What a forked process costs above os.fork",
            (
                _Step("os.fork and wait", "kernel and os calls", "floor/os-fork-wait"),
                _Step("Process (fork)", "multiprocessing", "process/start-to-join", method="fork"),
            ),
        ),
        _Ladder(
            "cost-stack-spawn",
            "What a spawned process costs above the interpreter",
            (
                _Step("posix_spawn of true", "kernel", "floor/posix-spawn"),
                _Step(
                    "python -I -S -c pass", "interpreter", "floor/python-boot", {"site": "False"}
                ),
                _Step(
                    "Process (spawn)", "multiprocessing", "process/start-to-join", method="spawn"
                ),
            ),
        ),
    ),
}


def _reading(material: FigureData, step: _Step) -> Measurement | None:
    """Return the reading of a step, under its start method or the first there is."""
    found = pick(material.of(step.workload), params=step.params)
    if step.method:
        found = pick(found, where=lambda reading: reading.method == step.method)
    return found[0] if found else None


def _within(parts: tuple[Part, ...], total: float) -> tuple[Part, ...]:
    """Cut parts that noise has made longer than the whole, so that no bar is."""
    kept, left = [], total
    for part in parts:
        kept.append(part._replace(value=min(part.value, left)))
        left -= kept[-1].value
    return tuple(kept)


def _climb(ladder: _Ladder, material: FigureData) -> tuple[Stacks, Measurement] | None:
    """Turn the steps that were measured into bars, each with the layers below it."""
    parts: tuple[Part, ...] = ()
    bars: list[Stack] = []
    below = 0.0
    hidden: list[str] = []
    last: Measurement | None = None
    for step in ladder.steps:
        one = _reading(material, step)
        if one is None:
            # Without a step its layer is part of the next one, whose name then lies.
            return None
        if one.value < below:
            hidden.append(step.layer)
        parts = (*parts, Part(step.layer, max(0.0, one.value - below)))
        bars.append(Stack(step.bar, _within(parts, one.value), one.value))
        below, last = max(below, one.value), one
    assert last is not None
    first, top = bars[0], bars[-1]
    largest = max(top.parts, key=lambda part: part.value)
    caption = f"{top.label} takes {quantity(top.total, 's')}, "
    if top.total <= first.total:
        caption += f"no more than its floor with {quantity(first.total, 's')}."
    else:
        caption += f"{ratio_words(top.total / first.total)} times its floor; the largest part is "
        caption += f"{largest.name} with {quantity(largest.value, 's')}."
    if hidden:
        caption += f" Too small to see beside the noise: {', '.join(hidden)}."
    if last.method:
        caption += f" Under {last.method}."
    stacks = Stacks(
        ladder.key, ladder.title, tuple(bars), "s", f"{caption} {material.note}".strip()
    )
    return stacks, last


def ladders(family: str, material: FigureData) -> tuple[Figure, ...]:
    """Draw the cost stacks of a family of which every step was measured."""
    found = (_climb(ladder, material) for ladder in _LADDERS.get(family, ()))
    return tuple(stacks_figure(family, entry[0]) for entry in found if entry is not None)
