"""Tests of what bounds the workers, of the legend that says so, and of labels of steps."""

from __future__ import annotations

import pytest
from made import reading, run

from mpbench.analysis.summarize import agent_medians, summarize
from mpbench.report import figures
from mpbench.report.figures.facets import Facet, Facets, facets_figure
from mpbench.report.figures.legend import columns_for
from mpbench.report.figures.limits import Limits, limits_of
from mpbench.report.figures.sweeps import step_label
from mpbench.store import frame as frames


def environment(**cpu):
    """Return the environment of a machine of eight CPUs, four cores."""
    known = {"logical": 8, "physical": 4, "affinity": list(range(8)), "quota": None, "usable": 8}
    return {"cpu": {**known, **cpu}}


@pytest.mark.parametrize(
    ("cpu", "bands"),
    [
        ({}, [(4, "beyond 4 physical cores"), (8, "beyond 8 usable CPUs")]),
        ({"affinity": [0]}, [(1, "beyond 1 allowed CPU of 8")]),
        (
            {"quota": 2.5, "physical": 8},
            [(2, "beyond the quota of 2.5 CPUs"), (8, "beyond 8 usable CPUs")],
        ),
        ({"quota": 16.0, "physical": 8}, [(8, "beyond 8 usable CPUs")]),
        ({"affinity": None, "physical": None, "usable": 2}, [(2, "beyond 2 allowed CPUs of 8")]),
    ],
)
def test_the_limits_that_bind_are_told_apart(cpu, bands):
    """Cores, quota and affinity each have their own band, where they bind at all."""
    found = limits_of(environment(**cpu))

    assert bands == [(band.beyond, band.words) for band in found.bands]
    assert len({band.hatch for band in found.bands}) == len(bands)


def test_an_environment_without_cpus_has_no_limits():
    """Old or foreign files say nothing, and nothing is shaded."""
    assert () == limits_of({}).bands
    assert () == Limits(allowed=2).exceeded_by(2)


def test_each_limit_is_drawn_and_explained():
    """A figure over workers names every limit that its counts exceed."""
    series = [
        reading("lock/contended", 1.0, metric="throughput", unit="op/s", params={"workers": count})
        for count in (1, 2, 4, 8, 16)
    ]
    limits = limits_of(environment(quota=2.0))
    facet = Facet("throughput", {"fork": tuple(series)})

    drawn = facets_figure("lock", Facets("contention", "workers", "workers", (facet,), limits))

    for band in limits.bands:
        assert band.words in drawn.svg


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["fork", "spawn", "forkserver", "any start method", "floor"], 5),
        (["a name of eighteen"] * 8, 3),
        (["a"], 1),
    ],
)
def test_a_legend_fits_into_its_rows(names, columns):
    """As many columns as have room, and no row much shorter than another."""
    assert columns == columns_for(names, 7)


def test_falling_steps_are_fractions():
    """A fall to 1/500 is not written as 0.002 times."""
    assert "x38" == step_label([38.0, 1.2])
    assert "1/500" == step_label([0.002, 1.2])


def test_fairness_far_apart_keeps_its_axis():
    """Fairness is read from 0 to 1, however far its values lie apart."""
    params = [{"workers": count} for count in (1, 2, 4)]
    rates = [reading("lock/x", 1e5, metric="throughput", unit="op/s", params=one) for one in params]
    fair = [
        reading("lock/x", value, fact="jain", metric="fairness", unit="1", params=one, noise=1e-6)
        for one, value in zip(params, (1.0, 0.4, 0.1), strict=True)
    ]
    runs = [run([*rates, *fair])]
    tables = summarize(runs), frames.frame(runs)

    made = figures.for_material("lock", figures.prepare(tables[0], agent_medians(tables[1])))
    (drawn,) = (one for one in made if one.key == "contention-x")

    assert "1 (fair)" in drawn.svg
    assert "0.75" in drawn.svg


def test_many_moments_of_one_operation_are_no_pairs():
    """Twenty moments over each other cannot be read; they need a figure of their own."""
    facts = [reading("process/x", 0.1, fact=f"stage_{place}") for place in range(9)]
    runs = [run([reading("process/x", 1.0), *facts])]
    summaries = summarize(runs)

    made = figures.for_family("process", summaries, frames.frame(runs))

    assert not [one for one in made if one.key.startswith("pairs")]
