"""Advice about start methods: for short and long tasks, big parents, imports and pools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpbench.analysis.advise.error_propagation import DerivedCost, derive, estimate_of, measured
from mpbench.analysis.advise.interpolation import interpolate
from mpbench.analysis.advise.record import (
    Advice,
    Choice,
    JobDescription,
    advice_of,
    computed,
    missing,
    percent,
)
from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.analysis.scaling import Estimate
from mpbench.units import format_bytes, format_seconds

__all__ = ("starts",)

_PREFER = "start-method"
# A difference that costs less than this share of a task is not worth a change.
_NEGLIGIBLE = 0.01
_MIB = float(1 << 20)


def _by_method(readings: Sequence[Measurement]) -> dict[str, tuple[Measurement, ...]]:
    return grouped(readings, lambda reading: reading.method)


def _later(measurement: Measurement, more: float) -> DerivedCost:
    """Return the cost of a start and of a known time after it."""
    return derive(lambda start: start + more, measured(measurement))


def _choices(readings: Sequence[Measurement], more: float = 0.0) -> list[Choice]:
    """Return one choice for each start method, from its first case."""
    return [
        computed(method, _later(each[0], more), (each[0].case,), is_modelled=more > 0)
        for method, each in _by_method(readings).items()
    ]


def _plain(readings: Sequence[Measurement], wishes: JobDescription) -> Advice:
    question = "Which start method for a process?"
    main = pick(readings, "process/start-to-join")
    if not main:
        how = "mpbench run --select process/start-to-join"
        return missing(_PREFER, question, "process/start-to-join is not in these results", how)
    if wishes.task_s is not None:
        question = f"Which start method for a process that works {format_seconds(wishes.task_s)}?"
    bare = sorted(_choices(main), key=lambda choice: choice.cost.value)
    because = ""
    if len(bare) > 1:
        gap = bare[-1].cost.value - bare[0].cost.value
        because = (
            f"For tasks longer than {format_seconds(gap / _NEGLIGIBLE)} the choice costs less than "
            f"{percent(_NEGLIGIBLE)}. "
            "Speed only: forking a parent with threads is not safe"
        )
    return advice_of(_PREFER, question, _choices(main, wishes.task_s or 0.0), because)


def _big_parent(readings: Sequence[Measurement], wishes: JobDescription) -> Advice:
    key, how = (
        "start-method-big-parent",
        "mpbench run --tier standard --select process/start-at-rss",
    )
    main = pick(readings, "process/start-at-rss")
    pages = distinct(main, "pages")[:1]
    main = pick(main, params={"pages": pages[0]}) if pages else main
    largest = [value for value in distinct(main, "rss_mib") if isinstance(value, float)][-1:]
    wanted = wishes.parent_rss_bytes
    if wanted is None:
        wanted = largest[0] * _MIB if largest else None
    size = "much memory" if wanted is None else format_bytes(int(wanted))
    question = f"Which start method when the parent holds {size}?"
    if wanted is None:
        return missing(key, question, "process/start-at-rss is not in these results", how)
    choices = []
    for method, each in _by_method(main).items():
        found = interpolate(each, "rss_mib", wanted / _MIB, is_log=False)
        if found is not None:
            choices.append(Choice(method, found.cost, "s", found.cases, found.is_modelled))
    if not choices:
        limit = format_bytes(int(largest[0] * _MIB)) if largest else "nothing"
        return missing(key, question, f"the largest parent measured holds {limit}", how)
    because = _growth(main)
    return advice_of(key, question, choices, because)


def _growth(main: Sequence[Measurement]) -> str:
    """Say which start methods grow with the parent, beyond their intervals."""
    words = []
    for method, each in _by_method(main).items():
        ordered = sorted(each, key=lambda reading: reading.number("rss_mib") or 0.0)
        first, last = ordered[0], ordered[-1]
        if first is not last and last.value > first.value and not first.overlaps(last):
            words.append(f"{method} {last.value / first.value:.3g} times")
    return f"From the smallest to the largest parent grow: {', '.join(words)}" if words else ""


def _imports(readings: Sequence[Measurement], wishes: JobDescription) -> Advice:
    key, name = "start-method-imports", "process/start-by-imports"
    question = "Which start method when each child needs imports?"
    how = f"mpbench run --tier standard --select {name}"
    main = pick(readings, name)
    if wishes.import_s is not None:
        return _import_model(readings, wishes.import_s, how)
    kinds = distinct(main, "imports")
    heavy = next((kind for kind in ("large", "common") if kind in kinds), None)
    if heavy is None:
        return missing(key, question, f"{name} is not in these results with imports", how)
    choices = []
    for reading in pick(main, params={"imports": heavy}):
        preload = reading.params.get("preload") == "True"
        label = f"{reading.method} with preload" if preload else reading.method
        choices.append(Choice(label, estimate_of(reading), "s", (reading.case,)))
    because = f"Measured with {heavy!r} imports, until the child says that it is ready"
    return advice_of(key, question, choices, because)


def _import_model(readings: Sequence[Measurement], import_s: float, how: str) -> Advice:
    """Add the given import time to those start methods that pay it in each child."""
    key = "start-method-imports"
    question = f"Which start method when the imports take {format_seconds(import_s)}?"
    main = pick(readings, "process/start-to-join")
    if not main:
        return missing(key, question, "process/start-to-join is not in these results", how)
    choices = []
    for method, each in _by_method(main).items():
        cost, cases = measured(each[0]), (each[0].case,)
        if method == "fork":
            choices.append(computed(method, cost, cases, is_modelled=False))
            continue
        choices.append(computed(method, _later(each[0], import_s), cases))
        if method == "forkserver":
            # The server imports once; its children have it.
            choices.append(computed("forkserver with preload", cost, cases))
    because = "A forked child has its parent's imports; spawn and forkserver import in each child"
    return advice_of(key, question, choices, because)


def _is_worth(job_s: float, start: Estimate, workers: float) -> str:
    """Say whether a job wins back the start of a pool, as far as the start's interval tells."""
    share = workers / (workers - 1)
    if start.low is None or start.high is None:
        words = "worth" if job_s > start.value * share else "not worth"
        return f"{words} a pool by the median, which has no interval"
    if start.low * share <= job_s <= start.high * share:
        return "within the interval of that, so it makes no difference"
    return "worth a pool" if job_s > start.value * share else "not worth a pool"


def _pools(
    readings: Sequence[Measurement], wishes: JobDescription, cpus: int | None
) -> Iterator[Advice]:
    key, name = "pool-start", "pool/construct-to-ready"
    question = "Which start method for a pool, and when is a pool worth starting?"
    how = f"mpbench run --tier standard --select {name}"
    main = pick(readings, name)
    counts = [value for value in distinct(main, "workers") if isinstance(value, float)]
    fitting = [value for value in counts if cpus is None or value <= cpus] or counts[:1]
    if not fitting:
        yield missing(key, question, f"{name} is not in these results", how)
        return
    workers = fitting[-1]
    choices = _choices(pick(main, params={"workers": workers}))
    because = f"Until all of {workers:g} workers can take a task"
    if workers > 1:
        # A job of length J takes J alone and start + J / workers with a pool.
        best = min(choices, key=lambda choice: choice.cost.value)
        worth = best.cost.value * workers / (workers - 1)
        because += (
            f"; under {best.name} a job of {format_seconds(worth)} and more of perfectly "
            "divisible work wins back the start"
        )
        # A payload costs more than the start; the advice about the whole job has it.
        if wishes.task_s is not None and wishes.tasks is not None and wishes.payload_bytes is None:
            job = wishes.task_s * wishes.tasks
            because += f", and yours is {format_seconds(job)}: {_is_worth(job, best.cost, workers)}"
    yield advice_of(key, question, choices, because)


def starts(
    readings: Sequence[Measurement], wishes: JobDescription, cpus: int | None
) -> Iterator[Advice]:
    """Answer which start method to use, for what the user said and what was measured."""
    yield _plain(readings, wishes)
    yield _big_parent(readings, wishes)
    yield _imports(readings, wishes)
    yield from _pools(readings, wishes, cpus)
