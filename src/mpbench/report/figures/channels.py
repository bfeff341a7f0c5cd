"""Figures of channels: latency and bandwidth by size, time of delivery."""

from __future__ import annotations

from collections.abc import Mapping

from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.report.document import Figure
from mpbench.report.figures.facets import Facet, Facets, facets_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import param_value, params_words, ratio_words, reading_name
from mpbench.report.figures.sweeps import Panel, Sweep, step_words, steps_of, sweep_figure

__all__ = ("by_size", "delivery", "round_trips")

_SIZE = "payload_bytes"
# Up to 16 KiB `Connection` sends header and body in one write; 64 KiB fill a Linux pipe.
_BOUNDARIES = (16_384.0, 65_536.0)
_NEAR = 1.2
# How often the payload crosses in one operation.
_CROSSINGS: Mapping[str, int] = {"round-trip": 2, "latency": 1, "time": 1}


def _bandwidth(measurement: Measurement) -> Measurement:
    """Return the payload over the time that it took."""
    carried = _CROSSINGS[measurement.metric] * (measurement.number(_SIZE) or 0.0)
    return measurement._replace(
        metric="bandwidth",
        unit="B/s",
        value=carried / measurement.value,
        low=None if measurement.high is None else carried / measurement.high,
        high=None if measurement.low is None else carried / measurement.low,
        agents=tuple(carried / each for each in measurement.agents),
    )


def _is_near(one: float, other: float) -> bool:
    """Whether two sizes would be marked at the same place."""
    return max(one, other) <= _NEAR * min(one, other)


def by_size(
    family: str, key: str, title: str, series: Mapping[str, tuple[Measurement, ...]], note: str
) -> Figure | None:
    """
    Draw times and bandwidths over the same sizes, with the steps that the data show.

    Args:
        family: Where the figure stands.
        key: Its key there.
        title: Its title.
        series: Readings of a time by series.
        note: Words to add to the caption.
    """
    known = {
        name: tuple(o for o in each if o.number(_SIZE) is not None) for name, each in series.items()
    }
    known = {name: each for name, each in known.items() if each}
    sizes = {reading.number(_SIZE) or 0.0 for each in known.values() for reading in each}
    if not known or len(sizes) < 2:  # noqa: PLR2004 - one size is no sweep
        return None
    sweep = Sweep(key, title, _SIZE, (Panel("", known),))
    steps = steps_of(sweep)
    highest: dict[float, float] = {}
    for each in steps.values():
        for step in each:
            highest[step.before] = max(highest.get(step.before, 0.0), step.ratio.value)
    carried = {
        name: tuple(_bandwidth(reading) for reading in each if reading.number(_SIZE))
        for name, each in known.items()
    }
    first = next(iter(known.values()))[0]
    facets = (Facet(reading_name("", first.metric), known), Facet("bandwidth", carried))
    found = {value: f"x{ratio_words(r)} past " for value, r in highest.items()}
    # Where the code or the kernel changes what it does, also where that costs nothing here.
    plain = {one: "" for one in _BOUNDARIES if min(sizes) < one < max(sizes)}
    marks = tuple(
        (value, f"{words}{param_value(_SIZE, value)}")
        for value, words in sorted({**plain, **found}.items())
        if words or not any(_is_near(value, other) for other in found)
    )
    caption = " ".join(part for part in (step_words(sweep, steps), note) if part)
    return facets_figure(family, Facets(key, title, _SIZE, facets, marks=marks, note=caption))


def round_trips(family: str, material: FigureData) -> tuple[Figure, ...]:
    """Draw round trips of a family by size for each form or kind, under one start method."""
    name = f"{family}/round-trip"
    readings = material.first_method(material.of(name))
    if not readings:
        return ()
    other = next((key for key in readings[0].params if key != _SIZE), "")
    series = grouped(readings, lambda reading: str(reading.params.get(other, family)))
    method = readings[0].method
    title = f"{name} by payload: time and bandwidth"
    note = f"Measured under {method}. {material.note}".strip() if method else material.note
    made = by_size(family, "round-trip", title, series, note)
    return (made,) if made else ()


def delivery(family: str, material: FigureData) -> tuple[Figure, ...]:
    """Draw when the sending call returns against when the message has arrived, by size."""
    name, fact = {"queue": ("queue/put-delivered", "put_return")}.get(
        family, ("pipe/one-way", "send_return")
    )
    delivered = material.first_method(material.of(name))
    returned = material.first_method(material.of(name, fact=fact))
    if len(distinct(delivered, _SIZE)) < 2 or not returned:  # noqa: PLR2004 - as above
        return ()
    other = next((key for key in delivered[0].params if key != _SIZE), "")
    panels = tuple(
        Panel(
            params_words(chosen),
            {
                reading_name(fact, ""): pick(returned, fact=fact, params=chosen),
                "delivered": pick(delivered, params=chosen),
            },
        )
        for chosen in ([{other: value} for value in distinct(delivered, other)] if other else [{}])
    )
    worst = max(
        (
            (there.value / here.value, there)
            for there in delivered
            for here in returned
            if here.case == there.case and here.value > 0
        ),
        key=lambda pair: pair[0],
    )
    note = (
        f"A message is delivered up to {ratio_words(worst[0])} times later than the call returns "
        f"({params_words(worst[1].params)}). {material.note}"
    )
    title = f"{name}: when the call returns and when the message is there"
    return (sweep_figure(family, Sweep("delivery", title, _SIZE, panels[:3], note.strip())),)
