"""Tests of which figures the data of a family allow, from runs to captions."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from made import METHODS, SIZES, catalogue, reading, run

from mpbench.analysis.summarize import agent_medians, summarize
from mpbench.report import figures
from mpbench.store import frame as frames


@pytest.fixture(scope="module")
def tables():
    """Return summaries, samples and latencies of the hand-made catalogue."""
    runs = [run(catalogue(), latencies=range(1_000, 2_000, 3))]
    return summarize(runs), frames.frame(runs), frames.latencies(runs)


@pytest.fixture(scope="module")
def material(tables):
    """Return the material of the hand-made catalogue."""
    summaries, samples, latencies = tables
    return figures.prepare(summaries, agent_medians(samples), latencies, 2)


def by_key(made):
    """Return figures by their key."""
    return {one.key: one for one in made}


def check(figure):
    """Assert what every figure must have."""
    root = ET.fromstring(figure.svg)  # noqa: S314 - our own drawing

    assert "viewBox" in root.attrib
    assert figure.title
    assert figure.caption.endswith(".")
    assert figure.caption in figure.alt or figure.alt
    assert len(figure.table) > 0
    assert "nan" not in figure.caption


@pytest.mark.parametrize(
    ("family", "keys"),
    [
        ("process", {"stages", "argument", "memory", "cost-stack-fork", "cost-stack-spawn"}),
        ("lock", {"contention-contended", "cost-stack", "overview"}),
        ("pool", {"surface-map", "speed-strong-scaling", "cost-stack"}),
        ("pipe", {"round-trip", "cost-stack", "tail-round-trip"}),
        ("queue", {"round-trip", "delivery", "cost-stack", "pairs-0"}),
        ("shared", {"overview"}),
        ("manager", {"overview"}),
        ("floor", {"overview"}),
    ],
)
def test_a_family_has_its_figures(material, family, keys):
    """Each family gets the figures that its data allow, and all of them are complete."""
    made = figures.for_material(family, material)

    assert set() == keys - set(by_key(made))
    assert len(made) == len(by_key(made))
    for figure in made:
        check(figure)


def test_the_five_comparisons_are_drawn(material):
    """Start methods, locks, sharing, channels and pool calls stand side by side."""
    made = by_key(figures.comparisons(material))

    assert {"start-methods", "locks", "sharing", "channels", "calls", "overhead"} == set(made)
    for figure in made.values():
        check(figure)


def test_the_interface_of_a_family_takes_the_tables(tables):
    """A caller with nothing but tables gets the same figures."""
    summaries, samples, latencies = tables
    made = figures.for_family("pipe", summaries, samples, latencies, 2)

    assert "round-trip" in by_key(made)


def test_the_same_tables_give_the_same_figures(material):
    """A report can be reproduced byte for byte."""
    first, second = (figures.for_material("queue", material) for _ in range(2))

    assert [one.svg for one in first] == [one.svg for one in second]


def test_steps_are_found_and_named(material):
    """The caption of a size sweep names the steps at 16 and 64 KiB."""
    caption = by_key(figures.for_material("pipe", material))["round-trip"].caption

    assert "16 KiB and 16,385 B" in caption
    assert "65,532 B and 64 KiB" in caption


def test_the_step_of_the_argument_is_found(material):
    """The caption says that start() jumps between 60 and 72 KiB."""
    caption = by_key(figures.for_material("process", material))["argument"].caption

    assert "between 60 KiB and 72 KiB (spawn, forkserver" in caption


def test_growth_with_the_memory_of_the_parent_is_told(material):
    """Fork grows with the parent, spawn does not."""
    caption = by_key(figures.for_material("process", material))["memory"].caption

    assert "fork grows" in caption
    assert "spawn does not grow" in caption


def test_the_surface_says_where_tasks_break_even(material):
    """The caption gives the task length for 50 and 90 % at each chunk size."""
    caption = by_key(figures.for_material("pool", material))["surface-map"].caption

    assert "chunk size 1: 50 % needs tasks of" in caption
    assert "90 % needs tasks of" in caption


def test_one_agent_claims_no_difference():
    """Without intervals the captions give values and judge nothing."""
    few = [reading("pipe/x", cost, method=m, agents=2) for m, cost in zip(METHODS, (1, 2, 3))]  # noqa: B905
    runs = [run(few)]
    (figure,) = figures.for_family("pipe", summarize(runs), frames.frame(runs))

    assert "too few agents" in figure.caption
    assert "times as" not in figure.caption


def test_nothing_measured_gives_no_figure():
    """An empty family and an empty run have no figures."""
    runs = [run([])]

    assert () == figures.for_family("pipe", summarize(runs), frames.frame(runs))


def test_machines_are_compared_by_ratios(tables):
    """Two places give heat maps with both names; one place gives none."""
    runs = [run(catalogue(), machine=name) for name in ("box-a", "box-b")]
    made = by_key(figures.matrices(summarize(runs)))

    assert () == figures.matrices(tables[0])
    assert {"methods", "places"} == set(made)
    assert {"box-a", "box-b"} <= set(made["places"].table.columns)
    for figure in made.values():
        check(figure)


def test_one_place_of_several_is_named():
    """A figure of seconds shows one machine and says which."""
    runs = [run(catalogue(), machine=name) for name in ("box-a", "box-b")]
    made = figures.for_family("pipe", summarize(runs), frames.frame(runs))

    assert all("Shown: box-a, CPython 3.11.7." in one.caption for one in made)


def test_one_run_of_several_on_a_machine_is_named():
    """The machine alone does not say which of its runs is shown."""
    first, second = run(catalogue()), run(catalogue())
    runs = [first, second._replace(header=second.header._replace(run="again"))]
    made = figures.for_family("pipe", summarize(runs), frames.frame(runs))

    assert made
    assert all("Shown: run 1, box, CPython 3.11.7." in one.caption for one in made)


def test_hostile_names_do_not_break_figures():
    """Parameters and workloads from a foreign file stay text."""
    name = "bad/<script>alert(1)</script>$x_1$"
    foreign = [
        reading(name, 1e-3 * size, params={"payload_bytes": size, "kind": '"><b>$\x07'})
        for size in SIZES[:4]
    ]
    runs = [run(foreign)]
    made = figures.for_family("bad", summarize(runs), frames.frame(runs))

    assert made
    for figure in made:
        check(figure)
        assert "<script" not in figure.svg
        assert "<b>" not in figure.svg
