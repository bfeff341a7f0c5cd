"""Figures of process starts: stages, argument size, parent size."""

from __future__ import annotations

from collections.abc import Mapping

from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.report.document import Figure
from mpbench.report.figures.facets import Facet, Facets, facets_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import param_value, quantity, ratio_words
from mpbench.report.figures.stacks import Part, Stack, Stacks, stacks_figure
from mpbench.report.figures.sweeps import Panel, Sweep, step_words, steps_of, sweep_figure

__all__ = ("anatomy", "by_argument", "by_memory", "stages")

# Stages of `process/anatomy` that a reader can tell apart, and the facts in each.
_STAGES: Mapping[str, tuple[str, ...]] = {
    "parent: bookkeeping": ("bookkeeping", "tracker"),
    "parent: pickle": ("pickle",),
    "fork or exec": ("launch",),
    "interpreter boots": ("boot",),
    "imports": (
        "import_signal",
        "import_threading",
        "import_pickle",
        "import_socket",
        "import_runpy",
        "import_multiprocessing",
    ),
    "child: receive, unpickle, main": ("receive", "main", "unpickle"),
    "bootstrap, target, exit": ("bootstrap", "target", "exit"),
    "join": ("join",),
}
_SHORT = 0.01


def _facts(material: FigureData, workload: str, method: str) -> dict[str, Measurement]:
    """Return every reading of a workload's smallest case by its fact."""
    readings = pick(material.readings, workload, fact=None, where=lambda o: o.method == method)
    first = readings[0].case if readings else ""
    return {reading.fact: reading for reading in readings if reading.case == first}


def stages(material: FigureData) -> tuple[Figure, ...]:
    """Draw start, first bytecode and end of a child one after the other, by start method."""
    bars = []
    for method in material.methods(material.of("process/start-to-join")):
        facts = _facts(material, "process/start-to-join", method)
        if not {"", "start_return", "first_bytecode", "exit_to_join"} <= set(facts):
            continue
        total, returned, first, ended = (
            facts[name].value for name in ("", "start_return", "first_bytecode", "exit_to_join")
        )
        parts = (
            Part("start() returns", returned),
            Part("until the child's first statement", max(0.0, first - returned)),
            Part("child runs", max(0.0, total - max(first, returned) - ended)),
            Part("child's exit until join() returns", ended),
        )
        kept = tuple(part for part in parts if part.value >= _SHORT * total)
        bars.append(Stack(method, kept, total))
    if not bars:
        return ()
    low, high = min(bars, key=lambda bar: bar.total), max(bars, key=lambda bar: bar.total)
    caption = (
        f"A process that does nothing takes {quantity(low.total, 's')} under {low.label}"
        + (
            f" and {quantity(high.total, 's')} under {high.label}, "
            f"{ratio_words(high.total / low.total)} times as long"
            if high is not low
            else ""
        )
        + f". Medians of the stages; they need not add up exactly. {material.note}"
    )
    title = "From start() to the end of join(), stage by stage"
    return (stacks_figure("process", Stacks("stages", title, tuple(bars), "s", caption.strip())),)


def anatomy(material: FigureData) -> tuple[Figure, ...]:
    """Draw the anatomy of a start: what parent and child do in it."""
    bars = []
    for method in material.methods(material.of("process/anatomy")):
        facts = _facts(material, "process/anatomy", method)
        parts = tuple(
            Part(name, sum(facts[fact].value for fact in each if fact in facts))
            for name, each in _STAGES.items()
        )
        if facts and sum(part.value for part in parts) > 0:
            bars.append(Stack(method, parts, facts[""].value))
    if not bars:
        return ()
    slow = max(bars, key=lambda bar: bar.total)
    largest = max(slow.parts, key=lambda part: part.value)
    caption = (
        f"Under {slow.label} the largest stage is {largest.name}: "
        f"{quantity(largest.value, 's')} of {quantity(slow.total, 's')}. "
        f"Stages that run at the same time in parent and child add up to more than the whole. "
        f"{material.note}"
    )
    title = "What a start is made of"
    return (stacks_figure("process", Stacks("anatomy", title, tuple(bars), "s", caption.strip())),)


def by_argument(material: FigureData) -> tuple[Figure, ...]:
    """Draw what start() and the wait for the child cost by the size of an argument."""
    name, over = "process/start-by-argument", "payload_bytes"
    ready, returned = material.of(name), material.of(name, fact="start_return")
    if len(distinct(ready, over)) < 2 or not returned:  # noqa: PLR2004 - one size is no sweep
        return ()
    slowest = distinct(ready, "main_ms")[-1:]
    fixed = {"main_ms": slowest[0]} if slowest else {}
    series = [
        grouped(pick(each, fact=None, params=fixed), lambda reading: reading.method)
        for each in (returned, ready)
    ]
    sweep = Sweep("", "", over, (Panel("", series[0]),))
    steps = steps_of(sweep)
    highest = {s.before: s.ratio.value for each in steps.values() for s in each if s.is_up}
    marks = tuple((size, f"past {param_value(over, size)}") for size in sorted(highest))
    note = f"{step_words(sweep, steps)} {material.note}".strip()
    facets = (Facet("start() returns", series[0]), Facet("child has the argument", series[1]))
    title = "Starting a process by the size of its argument"
    figure = Facets("argument", title, over, facets, marks=marks, note=note)
    return (facets_figure("process", figure),)


def by_memory(material: FigureData) -> tuple[Figure, ...]:
    """Draw what a start costs by the memory of the parent, beside a bare fork."""
    over = "rss_mib"
    readings = material.of("process/start-at-rss")
    floor = material.of("floor/os-fork-at-rss")
    if len(distinct(readings, over)) < 2:  # noqa: PLR2004 - one size is no sweep
        return ()
    pages = distinct(readings, "pages")[:1]
    fixed = {"pages": pages[0]} if pages else {}
    series = grouped(pick(readings, params=fixed), lambda reading: reading.method)
    if floor:
        series["os.fork and wait (floor)"] = pick(floor, params=fixed)
    growth = []
    for method, each in series.items():
        ordered = sorted(each, key=lambda reading: reading.number(over) or 0.0)
        if not ordered[0].has_interval or not ordered[-1].has_interval:
            continue
        if not ordered[0].overlaps(ordered[-1]) and ordered[-1].value > ordered[0].value:
            times = ratio_words(ordered[-1].value / ordered[0].value)
            growth.append(f"{method} grows {times} times")
        else:
            growth.append(f"{method} does not grow beyond its intervals")
    grown = f"From the smallest to the largest parent {', '.join(growth)}." if growth else ""
    note = f"{grown} {material.note}".strip()
    title = "Starting a process by the memory of its parent"
    return (sweep_figure("process", Sweep("memory", title, over, (Panel("", series),), note)),)
