"""Figures: which ones the data of a family allow, and how each is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mpbench.analysis.measurements import platforms_of
from mpbench.analysis.summarize import agent_medians
from mpbench.report.document import Figure
from mpbench.report.figures import (
    channels,
    contended,
    cpu_usage,
    cross_family,
    distributions,
    generic,
    layer_costs,
    machines,
    paired_metrics,
    pooled,
    starting,
    worker_kinds,
)
from mpbench.report.figures.figure_data import FigureData, prepare

__all__ = ("FigureData", "comparisons", "for_family", "for_material", "matrices", "prepare")

# A family's page stays readable; what was measured beyond it stands in its tables.
_MOST = 16


def _special(family: str, material: FigureData) -> tuple[list[Figure], frozenset[str]]:
    """Draw what only some families have, and return the workloads that then need no other."""
    made: list[Figure] = []
    done: set[str] = set()
    if family == "process":
        made += [*starting.stages(material), *starting.anatomy(material)]
        made += [*starting.by_argument(material), *starting.by_memory(material)]
        done |= {"process/start-by-argument", "process/start-at-rss", "process/anatomy"}
    if family == "pool":
        made += pooled.surfaces(material)
        # The calls against each other stand among the comparisons.
        done |= {"pool/call-scaling", "pool/task-overhead", "pool/chunk-surface"}
    if family == "worker":
        made += worker_kinds.efficiencies(material)
    if family in {"pipe", "queue"}:
        made += [*channels.round_trips(family, material), *channels.delivery(family, material)]
        done |= {f"{family}/round-trip", "queue/put-delivered", "pipe/one-way"}
    for found, names in (contended.contended(family, material), pooled.speeds(family, material)):
        made += found
        done |= names
    made += cpu_usage.usages(
        family, material.watched, subject=material.place.subject, cpus=material.cpus
    )
    return [*made, *layer_costs.ladders(family, material)], frozenset(done)


def _figures(family: str, material: FigureData) -> Iterator[Figure]:
    special, done = _special(family, material)
    # A single row says nothing that the other figures do not say better.
    overview = generic.overview(family, material, least=2 if special else 1)
    if overview is not None:
        yield overview
    yield from special
    yield from generic.other_overviews(family, material, done)
    yield from distributions.tails(family, material)
    yield from paired_metrics.paired_facts(family, material)
    yield from generic.sweeps(family, material, done)
    yield from generic.categories(family, material, done)


def for_material(family: str, material: FigureData) -> tuple[Figure, ...]:
    """
    Draw a family from material that was prepared once for the whole report.

    Returns:
        The overview first, then what is special to the family, then what any
        workload can have. Keys are unique within the family.
    """
    made: dict[str, Figure] = {}
    for figure in _figures(family, material):
        made.setdefault(figure.key, figure)
        if len(made) == _MOST:
            break
    return tuple(made.values())


def for_family(
    family: str,
    summaries: pd.DataFrame,
    samples: pd.DataFrame,
    latencies: pd.DataFrame | None = None,
    cpus: int | None = None,
) -> tuple[Figure, ...]:
    """
    Return the figures that the data of a family allow.

    Args:
        family: The part of workload names before the slash.
        summaries: As `analysis.summarize` makes them, of all families: floors stand in their own.
        samples: As `store.frame` makes them, of the same runs.
        latencies: As `store.latencies` makes them; without them there are no distributions.
        cpus: Usable CPUs where it was measured; beyond them worker counts are shaded.
    """
    material = prepare(summaries, agent_medians(samples), latencies, cpus)
    return () if material is None else for_material(family, material)


def comparisons(material: FigureData) -> tuple[Figure, ...]:
    """Return the five comparisons across families, as far as they were measured."""
    return tuple(cross_family.comparisons(material))


def matrices(summaries: pd.DataFrame) -> tuple[Figure, ...]:
    """
    Return the heat maps over machines and interpreters, where there are several.

    For one place the report's own matrix of start methods says the same as a table.
    """
    found = (machines.method_matrix(summaries), machines.place_matrix(summaries))
    is_single = len(platforms_of(summaries)) < 2  # noqa: PLR2004 - one place is compared with nothing
    return () if is_single else tuple(figure for figure in found if figure is not None)
