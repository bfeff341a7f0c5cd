"""Figures of pools: speed-up over workers, calls, chunk-size surface."""

from __future__ import annotations

from mpbench.analysis.break_even import break_even
from mpbench.analysis.measurements import Measurement, ParamValue, distinct, grouped, pick
from mpbench.analysis.scaling import Scaling, scaling_of
from mpbench.report.document import Figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import param_value, params_words, quantity
from mpbench.report.figures.speed import Speed, speed_figure
from mpbench.report.figures.surface import Surface, surface_figure
from mpbench.report.figures.sweeps import Panel, Sweep, sweep_figure

__all__ = ("calls", "overheads", "speeds", "surfaces")

_LENGTH, _CHUNK = "task_us", "chunk_size"
_LEVELS = (0.5, 0.9)


def _scalings(
    readings: tuple[Measurement, ...], lines: str, cpus: int | None
) -> dict[str, Scaling]:
    """Return the scaling of each series over its worker counts."""
    series = grouped(
        readings, lambda reading: str(reading.params[lines]) if lines else reading.method
    )
    found = {}
    for name, each in series.items():
        rates = {int(reading.number("workers") or 0): reading.agents for reading in each}
        if len(rates) > 1 and all(min(agents) > 0 for agents in rates.values()):
            found[name] = scaling_of(rates, cpus=cpus)
    return found


def speeds(family: str, material: FigureData) -> tuple[tuple[Figure, ...], frozenset[str]]:
    """Draw every workload of a family whose name says that it scales."""
    made: list[Figure] = []
    done: set[str] = set()
    for name, readings in grouped(
        material.family(family), lambda reading: reading.workload
    ).items():
        if not name.endswith("-scaling") or len(distinct(readings, "workers")) < 2:  # noqa: PLR2004
            continue
        texts = [one for one in readings[0].params if len(distinct(readings, one)) > 1]
        lines = next((text for text in texts if isinstance(readings[0].params[text], str)), "")
        fixed = {
            text: distinct(readings, text)[0] for text in texts if text not in {lines, "workers"}
        }
        kept = pick(readings, params=fixed)
        kept = material.first_method(kept) if lines else kept
        scalings = _scalings(kept, lines, material.cpus)
        if not scalings:
            continue
        title = f"{name} {params_words(fixed)}".strip()
        speed = Speed(f"speed-{readings[0].behaviour}", title, scalings, "op/s", material.limits)
        figure = speed_figure(family, speed)
        method = f" Measured under {kept[0].method}." if lines and kept[0].method else ""
        made.append(figure._replace(caption=f"{figure.caption}{method} {material.note}".strip()))
        done.add(name)
    return tuple(made), frozenset(done)


def calls(material: FigureData) -> tuple[Figure, ...]:
    """Draw the pool's calls against each other over workers, one panel for each chunk size."""
    readings = material.first_method(material.of("pool/call-scaling"))
    if len(distinct(readings, "workers")) < 2:  # noqa: PLR2004 - one count is no sweep
        return ()
    lengths = distinct(readings, _LENGTH)[:1]
    fixed: dict[str, ParamValue] = {_LENGTH: lengths[0]} if lengths else {}
    kept = pick(readings, params=fixed)
    panels = tuple(
        Panel(
            params_words({_CHUNK: chunk}),
            grouped(
                pick(kept, params={_CHUNK: chunk}), lambda reading: str(reading.params["call"])
            ),
        )
        for chunk in distinct(kept, _CHUNK)[:3]
    )
    method = f", under {kept[0].method}" if kept[0].method else ""
    note = f"With {params_words(fixed)}{method}. {material.note}".strip()
    title = "map, imap and starmap over workers and chunk sizes"
    return (sweep_figure("pool", Sweep("calls", title, "workers", panels, note)),)


def overheads(material: FigureData) -> tuple[Figure, ...]:
    """Draw what a pool adds to each task by chunk size, for each call, one panel per method."""
    readings = material.of("pool/task-overhead")
    if len(distinct(readings, _CHUNK)) < 2:  # noqa: PLR2004 - one size is no sweep
        return ()
    panels = tuple(
        Panel(
            method,
            grouped(
                pick(readings, where=lambda reading, m=method: reading.method == m),  # type: ignore[misc]
                lambda reading: str(reading.params["call"]),
            ),
        )
        for method in material.methods(readings)
    )
    title = "What a pool adds to each task, by call and chunk size"
    return (sweep_figure("pool", Sweep("overhead", title, _CHUNK, panels, material.note)),)


def _even(found: Surface, chunk: int, level: float) -> str:
    """Say from which task length on a level of efficiency is reached at a chunk size."""
    length = break_even(found.lengths, [row[chunk] for row in found.share], level)
    words = f"{level:.0%}".replace("%", " %")
    if length is None:
        return f"{words} is not reached, or not kept, by tasks of up to {found.tasks[-1]}"
    at_most = "at most " if length == found.lengths[0] else ""
    return f"{words} needs tasks of {at_most}{quantity(length, 's')}"


def surfaces(material: FigureData) -> tuple[Figure, ...]:
    """Draw efficiency over task length and chunk size for each call."""
    readings = material.first_method(material.of("pool/chunk-surface"))
    made = []
    for call, each in grouped(readings, lambda reading: str(reading.params["call"])).items():
        lengths = [value for value in distinct(each, _LENGTH) if isinstance(value, float)]
        chunks = distinct(each, _CHUNK)
        if len(lengths) * len(chunks) < 3:  # noqa: PLR2004 - two cells are no surface
            continue
        cells = {
            (reading.params[_LENGTH], reading.params[_CHUNK]): reading.value for reading in each
        }
        found = Surface(
            key=f"surface-{call.replace('_', '-')}",
            title=f"Efficiency of {call} by task length and chunk size",
            tasks=[param_value(_LENGTH, length) for length in lengths],
            lengths=[length / 1e6 for length in lengths],
            chunks=[param_value(_CHUNK, chunk) for chunk in chunks],
            share=[[cells.get((length, chunk)) for chunk in chunks] for length in lengths],
            row_name="task length",
            column_name="chunk size",
            caption="",
        )
        parts = [
            f"chunk size {found.chunks[place]}: "
            + ", ".join(_even(found, place, level) for level in _LEVELS)
            for place in range(len(chunks))
        ]
        method = f" under {each[0].method}" if each[0].method else ""
        where = f"Measured with {call} on {params_words(_workers(each))}{method}."
        caption = f"With {'; '.join(parts)}. {where} {material.note}".strip()
        made.append(surface_figure("pool", found._replace(caption=caption)))
    return tuple(made)


def _workers(readings: tuple[Measurement, ...]) -> dict[str, ParamValue]:
    return {"workers": readings[0].params["workers"]} if "workers" in readings[0].params else {}
