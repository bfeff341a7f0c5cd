"""The comparisons that users ask for first, each as one figure across families."""

from __future__ import annotations

from collections.abc import Iterable

from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.report.document import Figure
from mpbench.report.figures.channels import by_size
from mpbench.report.figures.contended import contention_of
from mpbench.report.figures.dots import DotRow, Dots, dots_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import compared, params_words
from mpbench.report.figures.pooled import calls, overheads
from mpbench.report.figures.side_by_side import row_of, side_by_side_table

__all__ = ("comparisons",)

SCOPE = "compare"
# What starts processes, in the order in which a program meets it.
_STARTS = (
    "process/start-to-join",
    "process/start-to-ready",
    "process/start-by-imports",
    "pool/construct-to-ready",
    "pool/first-map",
    "pool/executor-first-map",
    "manager/start",
    "pool/apply-round-trip",
    "queue/round-trip",
    "pipe/round-trip",
)


def _first_case(readings: tuple[Measurement, ...]) -> dict[str, Measurement]:
    """Return the first case of a workload, by start method."""
    for each in grouped(readings, lambda reading: repr(sorted(reading.params.items()))).values():
        return {reading.method: reading for reading in each}
    return {}


def _start_methods(material: FigureData) -> Figure | None:
    rows = []
    for name in _STARTS:
        series = _first_case(material.of(name))
        if len(series) > 1:
            first = next(iter(series.values()))
            rows.append(
                DotRow(f"{name} {params_words(first.params)}", series, material.floor_of(first))
            )
    if not rows:
        return None
    caption = f"{rows[0].label.strip()}: {compared(rows[0].series)}. {material.note}".strip()
    title = "Start methods side by side"
    figure = dots_figure(SCOPE, Dots("start-methods", title, tuple(rows), caption))
    shown = [line for row in rows for line in row.series.values()]
    names = tuple(dict.fromkeys(name for reading in shown for name in reading.params))
    return side_by_side_table(figure, grouped(shown, _method), row_of(*names, with_workload=True))


def _locks(material: FigureData) -> Figure | None:
    readings = material.of("lock/contended")
    fixed = {
        name: distinct(readings, name)[0]
        for name in ("critical_ns", "outside_ns")
        if distinct(readings, name)
    }
    title = f"Lock contention over workers ({params_words(fixed)})"
    figure = contention_of("lock/contended", material, fixed, "locks", title) if readings else None
    if figure is None:
        return None
    every = pick(material.of("lock/contended", fact=None), fact=None, params=fixed)
    shown = pick(
        every, fact=None, where=lambda reading: reading.fact in {"", "jain", "longest_wait"}
    )
    columns = dict(grouped(shown, _method))
    free = pick(material.of("lock/without-lock"), params=fixed)
    if free:
        columns["without lock"] = free
    return side_by_side_table(figure, columns, row_of("workers"))


def _sharing(material: FigureData) -> Figure | None:
    """Draw reading a shared value in each way: Value, Array, raw forms, a manager's proxy."""
    local = material.of("shared/access")
    remote = material.first_method(
        pick(
            material.of("manager/access"),
            where=lambda reading: reading.params.get("kind") in _PROXIES,
        )
    )
    if not local or not remote:
        return None
    rows = []
    for operation, each in grouped(
        local, lambda reading: str(reading.params.get("operation", ""))
    ).items():
        series = grouped(each, lambda reading: str(reading.params.get("kind", "")))
        rows.append(DotRow(operation, {kind: found[0] for kind, found in series.items()}))
    proxies = {f"Manager().{reading.params['kind']}": reading for reading in remote}
    first = rows[0]
    rows[0] = DotRow(first.label, {**first.series, **proxies}, material.floor_of(local[0]))
    caption = f"{first.label}: {compared(rows[0].series)}. {material.note}".strip()
    title = "Value against Array against Manager proxy, one operation"
    figure = dots_figure(SCOPE, Dots("sharing", title, tuple(rows), caption))
    columns = {
        **grouped(local, lambda reading: str(reading.params.get("kind", ""))),
        **{name: (proxy,) for name, proxy in proxies.items()},
    }
    return side_by_side_table(
        figure, columns, lambda one: str(one.params.get("operation", first.label))
    )


_PROXIES = frozenset({"Value", "Array"})


def _channels(material: FigureData) -> Figure | None:
    pipes = material.first_method(material.of("pipe/round-trip"))
    objects = pick(pipes, params={"form": "object"}) or pipes
    queues = material.first_method(material.of("queue/round-trip"))
    series = grouped(queues, lambda reading: str(reading.params.get("kind", "Queue")))
    if not objects or not series:
        return None
    form = objects[0].params.get("form", "")
    sizes = {reading.number("payload_bytes") for each in series.values() for reading in each}
    shared = pick(objects, where=lambda reading: reading.number("payload_bytes") in sizes)
    name = "Pipe" if form == "object" else "Pipe (bytes)"
    carried = "Pipe carries bytes, queues carry objects. " if form == "bytes" else ""
    note = f"{carried}Under {pipes[0].method}. {material.note}".strip()
    title = "Pipe against Queue and SimpleQueue: round trip by size"
    columns = {name: shared, **series}
    figure = by_size(SCOPE, "channels", title, columns, note)
    return None if figure is None else side_by_side_table(figure, columns, row_of("payload_bytes"))


def _method(measurement: Measurement) -> str:
    return measurement.method or "any"


def _pools(material: FigureData) -> Iterable[Figure]:
    """Draw the pool's calls, over workers and over chunk sizes."""
    for figure in calls(material):
        shown = material.first_method(material.of("pool/call-scaling"))
        yield side_by_side_table(
            figure, _by_call(shown), row_of("chunk_size", "workers", "task_us")
        )
    for figure in overheads(material):
        every = material.of("pool/task-overhead")
        yield side_by_side_table(
            figure, _by_call(every), row_of("chunk_size", "tasks", with_method=True)
        )


def _by_call(readings: tuple[Measurement, ...]) -> dict[str, tuple[Measurement, ...]]:
    return grouped(readings, lambda reading: str(reading.params.get("call", "")))


def comparisons(material: FigureData) -> Iterable[Figure]:
    """
    Draw the five comparisons, as far as they were measured.

    Start methods; lock contention over workers; Value, Array and Manager
    proxy; Pipe, Queue and SimpleQueue by size; map, imap and starmap.
    """
    for made in (_start_methods, _locks, _sharing, _channels):
        figure = made(material)
        if figure is not None:
            yield figure
    yield from _pools(material)
