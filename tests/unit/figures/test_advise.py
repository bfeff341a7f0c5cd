"""Tests of advice: right answers for hand-made machines, honest ones where data are missing."""

from __future__ import annotations

import json
import math
import os

import pytest
from click.testing import CliRunner
from made import METHODS, catalogue, reading, run

from mpbench.analysis.advise import JobDescription, SupportLevel, advise, settings
from mpbench.analysis.advise.error_propagation import ratio_of
from mpbench.analysis.advise.interpolation import crossover, interpolate
from mpbench.analysis.advise.overhead import (
    chunk_candidates,
    default_chunk,
    job_time,
    overhead_of,
)
from mpbench.analysis.break_even import break_even
from mpbench.analysis.scaling import Estimate
from mpbench.errors import InvalidSessionError
from mpbench.report.advice import advice_record, advice_table
from mpbench.store import Writer


def answers(readings, wishes=None, cpus=2):
    """Return the advice by key."""
    return {one.key: one for one in advise(readings, wishes, cpus)}


@pytest.fixture(scope="module")
def known():
    """Return the advice for the hand-made catalogue."""
    return answers(catalogue())


def test_the_cheapest_start_method_is_advised_for_short_tasks(known):
    """Fork is clear where intervals do not touch, with the cost of the others."""
    one = known["start-method"]

    assert ("fork", SupportLevel.CLEAR) == (one.answer, one.standing)
    assert ["fork", "forkserver", "spawn"] == [choice.name for choice in one.choices]
    assert 32 / 0.7 == pytest.approx(one.choices[2].ratio.value, rel=0.05)
    assert one.choices[2].ratio.low < one.choices[2].ratio.value < one.choices[2].ratio.high
    assert "process/start-to-join[fork]" in one.cases


def test_a_big_parent_changes_the_start_method(known):
    """At 1 GiB fork is dearer than forkserver; at 64 MiB it is not."""
    small = answers(catalogue(), JobDescription(parent_rss_bytes=64 << 20))[
        "start-method-big-parent"
    ]

    assert "forkserver" == known["start-method-big-parent"].answer
    assert "fork" == small.answer


def test_a_parent_bigger_than_measured_gets_no_answer():
    """Beyond the largest measured parent nothing is extrapolated."""
    one = answers(catalogue(), JobDescription(parent_rss_bytes=64 << 30))["start-method-big-parent"]

    assert SupportLevel.NOT_MEASURED is one.standing
    assert "1 GiB" in one.because
    assert one.measure_command.startswith("mpbench run")


def test_imports_are_paid_by_spawn_and_not_by_fork():
    """The given import time is added where children import for themselves."""
    one = answers(catalogue(), JobDescription(import_s=0.5))["start-method-imports"]
    costs = {choice.name: choice.cost.value for choice in one.choices}

    assert "fork" == one.answer
    assert costs["spawn"] > 0.5 > costs["forkserver with preload"]


def test_long_tasks_make_the_start_method_indifferent():
    """A task of ten minutes hides the start; the ratio says so."""
    one = answers(catalogue(), JobDescription(task_s=600.0))["start-method"]

    assert one.choices[-1].ratio.value < 1.001
    assert all(choice.is_modelled for choice in one.choices)


def test_channels_are_compared_at_the_size_asked_for():
    """Between two measured sizes the cost lies between theirs, and is marked as modelled."""
    one = answers(catalogue(), JobDescription(payload_bytes=5_000))["request-answer-5000"]

    assert "Pipe" == one.answer
    assert all(choice.is_modelled for choice in one.choices)
    assert 2 == len([case for case in one.cases if case.startswith("pipe/")])


def quick_trips():
    """Return what the tier quick measures of channels: a pipe with bytes, and small queues."""
    pipes = [
        reading("pipe/round-trip", cost, params={"payload_bytes": size, "form": "bytes"})
        for size, cost in ((64, 20e-6), (65_536, 60e-6))
    ]
    queues = [
        reading("queue/round-trip", cost, params={"payload_bytes": 64, "kind": kind})
        for kind, cost in (("Queue", 90e-6), ("SimpleQueue", 40e-6))
    ]
    return [*pipes, *queues]


def test_a_pipe_with_bytes_is_a_candidate_and_named_so():
    """Where no pipe with objects was measured the one with bytes is not passed over."""
    one = answers(quick_trips())["request-answer-64"]

    assert "Pipe with bytes, without pickling" == one.answer
    assert "a Pipe with objects was not measured" in one.because


def test_a_pipe_that_was_not_measured_is_said_to_be_so():
    """An answer about queues alone does not look like one about all channels."""
    one = answers(quick_trips()[2:])["request-answer-64"]

    assert "SimpleQueue" == one.answer
    assert "Pipe was not measured" in one.because


def test_a_size_that_one_channel_reached_is_told():
    """The channel that was measured at the size is named with its cost, the others with theirs."""
    found = answers(quick_trips(), JobDescription(payload_bytes=65_536))["request-answer"]

    assert SupportLevel.NOT_MEASURED is found.standing
    assert found.because.startswith("Pipe with bytes, without pickling takes ")
    assert "Queue up to 64 B" in found.because


def test_equal_choices_are_left_open():
    """Where the intervals overlap both are named and no winner is claimed."""
    same = [reading("process/start-to-join", 1e-3, method=m, seed=m) for m in METHODS[:2]]
    one = answers(same)["start-method"]

    assert SupportLevel.OPEN is one.standing
    assert {"fork", "spawn"} == set(one.answer.split(" or "))


def test_few_agents_give_no_claim():
    """With two agents there is no interval, and that is said."""
    few = [
        reading("process/start-to-join", cost, method=m, agents=2)
        for m, cost in zip(METHODS, (1e-3, 2e-3, 3e-3), strict=True)
    ]

    assert SupportLevel.MEASURED is answers(few)["start-method"].standing


def test_what_is_missing_is_said_with_the_command_that_measures_it():
    """Without any reading every question is answered with not measured."""
    found = advise(())

    assert found
    assert {SupportLevel.NOT_MEASURED} == {one.standing for one in found}
    assert all(one.measure_command.startswith("mpbench run") and one.because for one in found)


def test_the_manager_is_compared_with_the_value(known):
    """Value wins by the measured ratio."""
    one = known["shared-value"]

    assert "Value" == one.answer
    assert 140 == pytest.approx(one.choices[1].ratio.value, rel=0.1)


def test_the_worker_count_stops_where_more_brings_nothing():
    """Flat throughput above two workers advises two."""
    flat = [
        reading(
            "pool/strong-scaling",
            1e4 * min(count, 2) * (1 + 0.002 * count),
            metric="throughput",
            unit="op/s",
            noise=0.001,
            params={"workers": count, "call": "map", "work": "cpu"},
        )
        for count in (1, 2, 3, 4, 6, 8)
    ]

    assert "2" == answers(flat)["workers-cpu"].answer


def scaled(rates, noise):
    """Return readings of a pool whose throughput is given by worker count."""
    return [
        reading(
            "pool/strong-scaling",
            rate,
            metric="throughput",
            unit="op/s",
            noise=noise,
            params={"workers": count, "call": "map", "work": "cpu"},
        )
        for count, rate in rates.items()
    ]


def test_more_workers_than_cpus_need_proof():
    """A gain within the noise does not advise six workers on two CPUs; a sure one does."""
    unsure = answers(scaled({1: 1e4, 2: 1.9e4, 4: 2.0e4, 6: 2.05e4}, noise=0.15))
    proven = answers(scaled({1: 1e4, 2: 1.1e4, 4: 2.0e4, 6: 3e4}, noise=0.001))

    assert "2" == unsure["workers-cpu"].answer
    assert "6" == proven["workers-cpu"].answer


def test_a_lead_that_is_given_away_is_not_called_clear():
    """Four workers are surely 2 % faster than two, and two are advised."""
    near = answers(scaled({1: 1e4, 2: 2e4, 4: 2.04e4}, noise=0.0001))["workers-cpu"]
    far = answers(scaled({1: 1e4, 2: 2e4, 4: 3e4}, noise=0.0001))["workers-cpu"]

    assert ("2", SupportLevel.OPEN) == (near.answer, near.standing)
    assert "4 are the fastest" in near.because
    assert ("4", SupportLevel.CLEAR) == (far.answer, far.standing)


@pytest.mark.parametrize(
    ("tasks", "agents", "said"),
    [
        (100, 8, ": worth a pool"),
        (10, 8, ": not worth a pool"),
        (40, 8, "within the interval of that"),
        (100, 2, ": worth a pool by the median"),
    ],
)
def test_a_job_wins_back_a_start_only_beyond_its_interval(tasks, agents, said):
    """A pool of two that starts in 20 ms is won back by a job of 40 ms, give or take."""
    options = {"params": {"workers": 2}, "noise": 0.05, "agents": agents}
    pool = reading("pool/construct-to-ready", 20e-3, **options)
    one = answers([pool], JobDescription(task_s=1e-3, tasks=tasks))["pool-start"]

    assert said in one.because


def test_break_even_lengths_are_measured_where_the_surface_was(known):
    """Chunks of one need tasks near 60 us for 50 %, as the hand-made surface has it."""
    one = known["break-even-map"]

    assert "50 % from" in one.because
    assert "60.8 us in chunks of 1" in one.because
    assert not one.choices[0].is_modelled
    assert known["break-even-imap"].choices[0].is_modelled


def test_break_even_interpolates_waste_over_work():
    """An overhead of one unit gives 50 % at one unit and 90 % at nine."""
    lengths = [0.1, 1.0, 10.0, 100.0]
    shares = [length / (length + 1) for length in lengths]

    assert 1.0 == pytest.approx(break_even(lengths, shares, 0.5))
    assert 9.0 == pytest.approx(break_even(lengths, shares, 0.9))
    assert break_even(lengths, shares, 0.999) is None
    assert 0.1 == break_even(lengths, [0.9, 0.9, None, 0.9], 0.5)


def tasks(costs):
    """Return readings of empty tasks by chunk size, without noise."""
    return [
        reading("pool/task-overhead", cost, noise=1e-6, params={"chunk_size": size, "call": "map"})
        for size, cost in costs.items()
    ]


def test_the_parts_of_the_overhead_are_found_again():
    """Each task and each chunk have their own cost."""
    found = overhead_of(tasks({size: 2e-6 + 60e-6 / size for size in (1, 8, 32)}))

    assert 2e-6 == pytest.approx(found.each.value, rel=0.01)
    assert 60e-6 == pytest.approx(found.chunk.value, rel=0.01)


@pytest.mark.parametrize("costs", [{1: 5e-5}, {1: 1e-5, 32: 1e-5}, {1: 1e-4, 32: 1e-6}, {0: 1e-6}])
def test_no_part_of_the_overhead_is_negative(costs):
    """Odd data give a plain model, or none where only the default chunk size was measured."""
    found = overhead_of(tasks(costs))

    assert (found is None) == (set(costs) == {0})
    assert found is None or min(found.each.value, found.chunk.value) >= 0


@pytest.mark.parametrize(
    ("count", "workers", "size", "longest"),
    [(10, 2, 1, 5), (10, 2, 5, 5), (10, 2, 4, 6), (10, 2, 10, 10), (7, 3, 2, 3), (1, 4, 1, 1)],
)
def test_the_busiest_worker_is_counted(count, workers, size, longest):
    """Without overhead a job takes the tasks of the worker that gets the most."""
    free = overhead_of(tasks({1: 1e-15}))

    expected = pytest.approx(longest, abs=1e-6)
    assert expected == job_time(free, 1.0, count, workers, size).value


def test_the_default_chunk_size_is_that_of_the_standard_library():
    """Pool.map divides by four times the workers and rounds up."""
    assert [1, 1, 2, 157] == [default_chunk(n, 2) for n in (1, 8, 9, 1250)]


def test_no_candidate_leaves_a_worker_without_a_chunk():
    """Chunk sizes go up to an even share for each worker."""
    assert 50 == max(chunk_candidates(100, 2))
    assert 1 == min(chunk_candidates(1, 4))


def test_a_chunk_size_is_advised_for_a_job():
    """Tiny tasks need large chunks, long ones small chunks."""
    tiny = answers(catalogue(), JobDescription(task_s=1e-6, tasks=100_000))["chunk-size"]
    long = answers(catalogue(), JobDescription(task_s=1.0, tasks=100))["chunk-size"]

    assert int(tiny.answer) >= 32
    assert 1 == int(long.answer)


def starting(cost):
    """Return the catalogue with what a pool costs to start under each method."""
    options = {"noise": 0.001, "params": {"workers": 2}}
    pools = [
        reading("pool/construct-to-ready", cost * factor, method=m, **options)
        for m, factor in zip(METHODS, (1, 40, 8), strict=True)
    ]
    return [*catalogue(), *pools]


def test_a_small_job_needs_no_pool():
    """Ten milliseconds of work do not win back the start of a pool of twenty."""
    one = answers(starting(20e-3), JobDescription(task_s=1e-3, tasks=10))["job"]

    assert "no pool" == one.answer
    assert 4 == len(one.choices)


def test_a_large_job_gets_a_pool_of_all_cpus():
    """Ten seconds of work are shared by the usable CPUs, under the method that starts fastest."""
    (best, *_) = settings(starting(20e-3), JobDescription(task_s=1e-3, tasks=10_000), 2)

    assert ("fork", 2) == (best.method, best.workers)
    assert 5 < best.cost.value < 5.5


def test_tasks_that_slow_each_other_down_need_no_pool():
    """Two workers that are measured to do no more than one leave the pool nothing to win."""
    rates = [
        reading(
            "pool/strong-scaling", rate, unit="op/s", params={"work": "memory", "workers": count}
        )
        for count, rate in ((1, 4000.0), (2, 4100.0))
    ]
    known = [*starting(1e-3), *rates]
    wishes = JobDescription(task_s=1e-3, tasks=1000)
    (unsaid, *_) = settings(known, wishes, 2)
    (said, *_) = settings(known, wishes._replace(work="memory"), 2)
    (unmeasured, *_) = settings(known, wishes._replace(work="cpu"), 2)

    assert ("fork", "", "fork") == (unsaid.method, said.method, unmeasured.method)


def test_advice_on_a_job_says_what_it_takes_tasks_for():
    """Nothing said, measured, and not measured are told apart in words."""
    rates = [
        reading("pool/strong-scaling", 4e3, unit="op/s", params={"work": "cpu", "workers": count})
        for count in (1, 2)
    ]
    known = [*starting(1e-3), *rates]
    wishes = JobDescription(task_s=1e-3, tasks=1000)
    words = [
        answers(known, wishes._replace(work=work))["job"].because for work in (None, "cpu", "sleep")
    ]

    assert "keep a CPU busy" in words[0]
    assert "work=cpu was measured" in words[1]
    assert "was not measured" in words[2]


def test_a_payload_makes_a_pool_dearer():
    """What a large argument was measured to cost is added to each task."""
    sent = [
        reading(
            "pool/payload",
            cost,
            fact="per_task",
            noise=0.001,
            params={"direction": "in", "payload_bytes": size},
        )
        for size, cost in ((1024, 61e-6), (1 << 20, 2e-3))
    ]
    wishes = JobDescription(task_s=1e-3, tasks=1000)
    light = settings([*starting(1e-3), *sent], wishes, 2)
    heavy = settings([*starting(1e-3), *sent], wishes._replace(payload_bytes=1 << 20), 2)

    assert "fork" == light[0].method
    assert "" == heavy[0].method


def test_costs_are_interpolated_and_never_extrapolated():
    """At a measured size the reading itself answers; above the largest nothing does."""
    each = [
        reading("a/b", size * 1e-9, noise=1e-6, params={"payload_bytes": size})
        for size in (1_000, 100_000)
    ]

    assert not interpolate(each, "payload_bytes", 1_000).is_modelled
    assert 1e-5 == pytest.approx(interpolate(each, "payload_bytes", 10_000).cost.value, rel=1e-3)
    assert interpolate(each, "payload_bytes", 1) is not None
    assert interpolate(each, "payload_bytes", 200_000) is None


def test_lines_cross_where_they_cross():
    """The crossing is found between sizes, at none, and below the first."""
    falling, rising = [(1, 8.0), (100, 8.0)], [(1, 1.0), (100, 64.0)]

    assert 1 < crossover(rising, falling) < 100
    assert crossover(falling, rising) is None
    assert 1 == crossover([(1, 2.0), (2, 2.0)], [(1, 1.0), (2, 1.0)])


def test_ratios_have_the_interval_of_both():
    """A ratio without one of the intervals has none."""
    one, other = Estimate(2.0, 1.8, 2.2), Estimate(1.0, 0.9, 1.1)
    ratio = ratio_of(one, other)

    assert 1.6 < ratio.low < 2.0 < ratio.high < 2.4
    assert ratio_of(one, Estimate(1.0, None, None)).low is None


def test_json_has_null_and_never_nan(known):
    """What is not reached or not known is null."""
    text = json.dumps([advice_record(one) for one in known.values()], allow_nan=False)

    assert "Infinity" not in text
    endless = next(iter(known.values()))._replace(
        choices=(known["start-method"].choices[0]._replace(cost=Estimate(math.inf, None, None)),)
    )
    assert advice_record(endless)["choices"][0]["cost"]["value"] is None


def test_the_table_links_to_the_evidence(known):
    """Each measured answer points at one of its cases."""
    one = known["start-method"]
    table = advice_table([one], {one.cases[0]: "case-1234"}, "box")

    assert "case-1234" == table.rows[0][-1].target
    assert advice_table([], {}, "box") is None


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a result file."""
    made = run(catalogue())
    with Writer(tmp_path / "run") as writer:
        writer.header(made.header)
        for record in made.cases:
            writer.case(record)
        for repetition in made.repetitions:
            writer.repetition(repetition)
    return tmp_path / "run"


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_command_writes_every_form(folder, form):
    """Text, Markdown and JSON have the same answers."""
    from mpbench.cli.advise import command

    result = CliRunner().invoke(
        command, [str(folder), "-f", form, "--task-time", "200us", "--tasks", "5000"]
    )

    assert 0 == result.exit_code, result.output
    assert "process/start-to-join" in result.output
    assert "5,000 tasks of 200 us" in result.output
    if form == "json":
        (place,) = json.loads(result.output)
        assert "box" == place["machine"]
        found = {one["key"]: one["answer"] for one in place["advice"]}
        assert (None, "fork") == (found["job"], found["start-method"])


def test_the_command_refuses_a_size_that_is_none(folder):
    """A size that cannot be read is a usage error that shows how to write one."""
    from mpbench.cli.advise import command

    result = CliRunner().invoke(command, [str(folder), "--payload", "lots"])

    assert 2 == result.exit_code
    assert "64KiB" in result.output


def stored(made, folder):
    """Write a run and return its folder."""
    with Writer(folder) as writer:
        writer.write_run(made)
    return folder


def test_the_command_says_that_nothing_was_measured(tmp_path):
    """A file with cases and no repetitions gives one line with its name, not silence."""
    from mpbench.cli.advise import command

    empty = stored(run(catalogue()[:3])._replace(repetitions=()), tmp_path / "empty")
    result = CliRunner().invoke(command, [str(empty)])

    assert isinstance(result.exception, InvalidSessionError)
    assert f"nothing was measured in {empty}" in str(result.exception)


def test_the_newest_run_that_answers_something_is_taken_and_named(tmp_path, monkeypatch):
    """A newer run of one floor answers nothing, so the one before it is read."""
    from mpbench.cli.advise import command

    monkeypatch.chdir(tmp_path)
    telling, mute = catalogue(), [reading("floor/empty-call", 30e-9, method="")]
    for age, (name, known) in enumerate((("new", mute), ("old", telling))):
        path = stored(run(known), tmp_path / "reports" / name) / "results.jsonl"
        os.utime(path, (1e9 - age, 1e9 - age))
    result = CliRunner().invoke(command, [])

    assert 0 == result.exit_code, result.output
    assert "advice from reports/old/results.jsonl" in result.stderr
    assert "process/start-to-join" in result.stdout


def test_no_run_that_answers_something_is_said(tmp_path, monkeypatch):
    """The newest run is named, and how to make a better one."""
    from mpbench.cli.advise import command

    monkeypatch.chdir(tmp_path)
    stored(run([reading("floor/empty-call", 30e-9, method="")]), tmp_path / "reports" / "new")
    result = CliRunner().invoke(command, [])

    assert isinstance(result.exception, InvalidSessionError)
    assert "reports/new/results.jsonl is the newest" in str(result.exception)
