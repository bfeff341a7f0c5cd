"""Figures of workers that want the same thing: throughput, fairness and the tail of waiting."""

from __future__ import annotations

from mpbench.analysis.measurements import Measurement, distinct, grouped, pick
from mpbench.report.document import Figure
from mpbench.report.figures.facets import Facet, Facets, facets_figure
from mpbench.report.figures.figure_data import FigureData
from mpbench.report.figures.labels import params_words

__all__ = ("contended", "contention_of")

# What the windows of a worker group tell, beside their throughput, in the order of the panels.
_FACTS = (
    ("jain", "fairness (Jain)"),
    ("lost_share", "lost updates"),
    ("longest_wait", "longest wait"),
)
_OVER = ("workers", "clients", "consumers", "writers")
_MOST = 3
# Drawn at the smallest and at the largest value of their next parameter.
_AT_BOTH_ENDS = frozenset({"lock/contended"})
# Drawn inside another figure.
_FLOORS = frozenset({"lock/without-lock"})


def _over(readings: tuple[Measurement, ...]) -> str:
    """Return the parameter that counts who competes; empty where it has one value."""
    return next((name for name in _OVER if len(distinct(readings, name)) > 1), "")


def contention_of(
    name: str, material: FigureData, fixed: dict[str, float | str], key: str, title: str
) -> Figure | None:
    """
    Draw one contended workload over its workers, other parameters fixed.

    Args:
        name: The workload.
        material: What was measured.
        fixed: Parameters that the readings must have.
        key: The figure's key in the workload's family.
        title: Its title.
    """
    main = pick(material.of(name), params=fixed)
    over = _over(main)
    if not over:
        return None
    texts = [one for one in main[0].params if isinstance(main[0].params[one], str)]
    lines = next((text for text in texts if len(distinct(main, text)) > 1), "")
    if lines:
        main = material.first_method(main)

    def series(fact: str) -> dict[str, tuple[Measurement, ...]]:
        kept = pick(material.of(name, fact=fact), fact=fact, params=fixed)
        kept = pick(
            kept, fact=fact, where=lambda reading: reading.method in {m.method for m in main}
        )
        return grouped(
            kept, lambda reading: str(reading.params[lines]) if lines else reading.method
        )

    facets = [Facet("throughput", series(""))]
    free = pick(material.of("lock/without-lock"), params=fixed) if name == "lock/contended" else ()
    if free:
        facets[0] = Facet("throughput", {**facets[0].series, "without lock": free})
    facets += [Facet(words, found) for fact, words in _FACTS if (found := series(fact))]
    method = f"Measured under {main[0].method}." if lines and main[0].method else ""
    note = f"{method} {material.note}".strip()
    return facets_figure(
        main[0].family, Facets(key, title, over, tuple(facets[:_MOST]), material.limits, (), note)
    )


def contended(family: str, material: FigureData) -> tuple[tuple[Figure, ...], frozenset[str]]:
    """Draw every workload of a family whose workers count in common windows."""
    made: list[Figure] = []
    done: set[str] = set()
    for name, readings in grouped(
        material.family(family), lambda reading: reading.workload
    ).items():
        over = "" if name in _FLOORS else _over(readings)
        if not over or not material.of(name, fact="jain"):
            continue
        others = [
            one
            for one in readings[0].params
            if one != over
            and isinstance(readings[0].params[one], float)
            and len(distinct(readings, one)) > 1
        ]
        # One figure for the shortest and one for the longest, say, critical section.
        values = distinct(readings, others[0]) if others else ()
        ends = (*values[:1], *values[-1:]) if name in _AT_BOTH_ENDS else values[:1]
        for place, value in enumerate(dict.fromkeys(ends)):
            fixed = {others[0]: value} | {o: distinct(readings, o)[0] for o in others[1:]}
            key = f"contention-{readings[0].behaviour}-{place}"
            title = f"{name} with {params_words(fixed)}"
            figure = contention_of(name, material, fixed, key, title)
            made += [figure] if figure else []
        if not others:
            key = f"contention-{readings[0].behaviour}"
            figure = contention_of(name, material, {}, key, f"{name} by {over}")
            made += [figure] if figure else []
        done.add(name)
    return tuple(made), frozenset(done | _FLOORS)
