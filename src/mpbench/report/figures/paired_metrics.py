"""Figures of paired metrics: cost of a call beside the time until its effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpbench.analysis.measurements import Measurement, ParamValue, grouped, pick
from mpbench.report.document import Figure
from mpbench.report.figures.dots import DotRow, Dots, dots_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.generic import smallest
from mpbench.report.figures.labels import params_words, ratio_words, reading_name

__all__ = ("paired_facts",)

_MOST_ROWS, _MOST_PAIRS = 24, 3
# More moments of one operation than this need a figure of their own.
_MOST_FACTS = 5


def _pair_rows(main: Measurement, facts: Sequence[Measurement], *, is_whole: bool) -> DotRow:
    series = {reading_name(fact.fact, fact.metric): fact for fact in facts}
    # Facts may lie outside what is timed, such as the shutdown after it.
    whole = f"whole {reading_name('', main.metric)}" if is_whole else "timed part"
    label = f"{main.behaviour} {main.method} {params_words(_telling(main))}"
    return DotRow(label.strip(), {**series, whole: main})


def _telling(measurement: Measurement) -> dict[str, ParamValue]:
    """Return the parameters that are not numbers: they tell rows apart."""
    return {name: value for name, value in measurement.params.items() if isinstance(value, str)}


def _pairs_of(readings: tuple[Measurement, ...]) -> list[DotRow]:
    """Return the rows of one workload: each case with its facts, if they are few enough."""
    cases = []
    for each in grouped(readings, lambda reading: reading.case).values():
        main, facts = pick(each), pick(each, fact=None, where=lambda reading: bool(reading.fact))
        if main and facts and main[0].unit == "s" and len(facts) <= _MOST_FACTS:
            cases.append((main[0], facts))
    is_whole = all(fact.value <= main.value for main, facts in cases for fact in facts)
    return [_pair_rows(main, facts, is_whole=is_whole) for main, facts in cases]


def paired_facts(family: str, material: FigureData) -> Iterator[Figure]:
    """
    Draw what the call costs beside what the user waits for.

    Workloads with the same facts share a figure; each row is one operation,
    its marks the moments of it.
    """
    times = pick(material.readings, fact=None, where=lambda o: o.family == family and o.is_time)
    tables: dict[tuple[str, ...], list[DotRow]] = {}
    for readings in grouped(times, lambda reading: reading.workload).values():
        for row in _pairs_of(smallest(readings)):
            tables.setdefault(tuple(row.series), []).append(row)
    # The facts of the most rows first: those of single workloads can be read in its table.
    ordered = sorted(tables.items(), key=lambda pair: -len(pair[1]))[:_MOST_PAIRS]
    for place, (names, rows) in enumerate(ordered):
        shown = tuple(rows[:_MOST_ROWS])
        title = f"{family}: {', '.join(names[:-1])} and the {names[-1]}"
        caption = f"{_pair_words(shown, names)} {material.note}".strip()
        yield dots_figure(family, Dots(f"pairs-{place}", title, shown, caption))


def _pair_words(rows: Sequence[DotRow], names: tuple[str, ...]) -> str:
    """Say where the first fact and what is timed are furthest apart."""
    first, timed = names[0], names[-1]
    ratios = [
        (row.series[timed].value / row.series[first].value, row.label)
        for row in rows
        if min(row.series[first].value, row.series[timed].value) > 0
    ]
    if not ratios:
        return ""
    ratio, label = max(ratios, key=lambda pair: max(pair[0], 1 / pair[0]))
    long, short = (timed, first) if ratio >= 1 else (first, timed)
    return f"The {long} is up to {ratio_words(max(ratio, 1 / ratio))} times the {short} ({label})."
