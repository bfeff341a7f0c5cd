"""Advice about kinds of worker: threads, interpreters or processes, by what the tasks do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpbench.analysis.advise.error_propagation import estimate_of
from mpbench.analysis.advise.record import (
    Advice,
    Choice,
    JobDescription,
    advice_of,
    missing,
    percent,
)
from mpbench.analysis.measurements import Measurement, distinct, pick
from mpbench.units import format_bytes, format_seconds

__all__ = ("KIND_CLASSES", "kinds", "lock_words")

_HOW = "mpbench run --tier standard --select 'worker/*'"
_WORKS = {"cpu": "compute", "memory": "move memory", "sleep": "wait"}

# What a kind of worker is, by how its name begins.
KIND_CLASSES = {
    "pool": "processes",
    "executor": "processes",
    "thread": "threads",
    "to": "threads",
    "interpreter": "interpreters",
    "interpreters": "interpreters",
}


def lock_words(gil: bool | None) -> str:
    """Say what is known of the interpreter lock where it was measured."""
    if gil is None:
        return "Whether this interpreter had its lock (GIL) is not known"
    if gil:
        return "This interpreter has its lock (GIL): one thread at a time runs Python code"
    return "This interpreter runs without its lock (GIL): threads run Python code in parallel"


def _class_of(kind: str) -> str:
    return KIND_CLASSES.get(kind.partition("-")[0], kind)


def _start(readings: Sequence[Measurement]) -> Iterator[Advice]:
    """Answer what one more worker of each kind costs, without shared data."""
    started = pick(readings, "worker/start", fact=None)
    smallest = distinct(started, "shared_mib")[:1]
    each = pick(started, fact=None, params={"shared_mib": smallest[0]} if smallest else {})
    choices = [
        Choice(str(reading.params["kind"]), estimate_of(reading), "s", (reading.case,))
        for reading in pick(each)
        if reading.value > 0
    ]
    if not choices:
        return
    made = advice_of("worker-start", "What do workers cost to start?", choices)
    parts = ["From making the pool until the first worker is at work; one more worker"]
    for choice in made.choices:
        params = {"kind": choice.name}
        more, memory = (pick(each, fact=name, params=params) for name in ("next", "memory"))
        if more:
            words = f"{choice.name} {format_seconds(max(0.0, more[0].value))}"
            parts.append(f"{words} and {format_bytes(memory[0].value)}" if memory else words)
    crash = _crash_words(readings, [choice.name for choice in made.choices])
    because = f"{parts[0]}: {', '.join(parts[1:])}"
    yield made._replace(because=f"{because}; {crash}" if crash else because)


def _crash_words(readings: Sequence[Measurement], named: Sequence[str]) -> str:
    """Say which of some kinds end the whole program when one worker dies."""
    ended = pick(readings, "worker/crash", fact="program_ended")
    fatal = [str(one.params["kind"]) for one in ended if one.value > 0]
    shown = [kind for kind in named if kind in fatal]
    return f"a crash in {' or '.join(shown)} ends the program" if shown else ""


def _because(made: Advice, gil: bool | None) -> str:
    """Say what is known of the lock, and what was not measured."""
    classes = {_class_of(choice.name) for choice in made.choices}
    absent = [name for name in ("processes", "threads", "interpreters") if name not in classes]
    parts = [
        lock_words(gil),
        f"{' and '.join(absent)} were not measured" if absent else "",
    ]
    return "; ".join(part for part in parts if part)


def _answer(
    readings: Sequence[Measurement],
    work: str,
    task_us: float,
    gil: bool | None,
) -> Advice:
    """Rank the kinds for tasks of one length that do one thing, on as many workers as CPUs."""
    each = pick(readings, "worker/scaling", params={"work": work, "task_us": task_us})
    counts = [reading for reading in distinct(each, "workers") if isinstance(reading, float)]
    # Of 1, all and twice the CPUs the middle; with one count that.
    workers = counts[len(counts) // 2]
    choices = [
        Choice(str(reading.params["kind"]), estimate_of(reading), "s", (reading.case,))
        for reading in pick(each, params={"workers": workers})
        if reading.value > 0
    ]
    length = format_seconds(task_us / 1e6)
    question = f"Threads, interpreters or processes, for tasks of {length} that {_WORKS[work]}?"
    made = advice_of(f"worker-{work}-{task_us:g}us", question, choices, "", _HOW)
    efficiency = pick(
        readings,
        "worker/scaling",
        fact="efficiency",
        params={**dict(each[0].params), "kind": made.choices[0].name, "workers": workers},
    )
    because = f"Wall time per task on {workers:g} workers"
    if efficiency:
        because += f", of which the best uses {percent(min(1.0, efficiency[0].value))}"
    return made._replace(because=f"{because}. {_because(made, gil)}")


def kinds(
    readings: Sequence[Measurement],
    wishes: JobDescription,
    gil: bool | None,
) -> Iterator[Advice]:
    """
    Answer which kind of worker to use, for each work that was measured.

    Args:
        readings: Of one place.
        wishes: `task_s` chooses the nearest task length, `work` the kind of work.
        gil: Whether the interpreter had its lock; None is not known.
    """
    measured = pick(readings, "worker/scaling")
    if not measured:
        what = "no kinds of worker were measured"
        yield missing("worker-cpu", "Threads, interpreters or processes?", what, _HOW)
        return
    for work in _WORKS:
        each = pick(measured, params={"work": work})
        if not each or (wishes.work in _WORKS and wishes.work != work):
            continue
        lengths = [reading for reading in distinct(each, "task_us") if isinstance(reading, float)]
        if wishes.task_s is not None:
            wanted = wishes.task_s * 1e6
            lengths = [min(lengths, key=lambda one: abs(one - wanted))]
        for length in lengths:
            yield _answer(readings, work, length, gil)
    yield from _start(readings)
