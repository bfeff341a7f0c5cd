"""What a report says about some runs, before any format."""

import math

import fakes
import pytest

from mpbench.analysis.summarize import summarize
from mpbench.model import Metric, RunEnd, RunEvent, Status
from mpbench.report import build as building
from mpbench.report import tables
from mpbench.report.build import load_report_data
from mpbench.report.document import CheckState
from mpbench.report.formatting import DASH
from mpbench.report.groups import Groups


def build(evidence):
    """Return a report without figures, which have tests of their own."""
    return building.build(evidence, with_figures=False)


@pytest.fixture(scope="module")
def document():
    """Return the report of one made-up run."""
    return build(load_report_data([fakes.run()]))


def _part(document):
    """Return the first workload of the processes."""
    return next(family for family in document.families if family.key == "process").parts[0]


def _check(document, name):
    return next(check for check in document.checks if check.name == name)


def test_the_verdict_is_in_words(document):
    """The first sentence says what start methods cost, with numbers and units."""
    assert document.verdict.startswith("Starting and joining a process takes ")
    assert "ms with spawn (5" in document.verdict


def test_a_run_without_known_workloads_still_has_a_verdict():
    """Where no conclusion can be drawn, the report says what was measured."""
    run = fakes.run(agents=1)
    own = [record for record in run.cases if record.case.family == "floor"]
    kept = [one for one in run.repetitions if one.case.family == "floor"]

    found = build(load_report_data([run._replace(cases=tuple(own), repetitions=tuple(kept))]))

    assert "4 of 4 cases were measured." == found.verdict
    assert found.matrix is None


def test_nothing_at_all_is_no_error():
    """A run that was stopped at once has a report that says so."""
    run = fakes.run(agents=1)._replace(cases=(), repetitions=(), events=(), end=None)

    found = build(load_report_data([run]))

    assert "Nothing was planned." == found.verdict
    assert () == found.families


def test_no_difference_is_called_none():
    """Where intervals leave the order open, the verdict does not claim one."""
    records = [
        fakes.case_record(fakes.case("process/start-to-join", name), metric=Metric.TIME)
        for name in ("fork", "spawn")
    ]
    values = [1.0, 1.1, 0.9, 1.2, 0.8, 1.05, 0.95, 1.0]
    repetitions = [
        fakes.repetition(record.case, number, (value * 1e-3,))
        for record in records
        for number, value in enumerate(values)
    ]
    run = fakes.run(agents=1)._replace(cases=tuple(records), repetitions=tuple(repetitions))

    found = build(load_report_data([run]))

    assert "no difference shown" in found.verdict


def test_failures_and_skips_are_listed_with_reasons(document):
    """What was not measured stands in a table of its own and makes the report cautious."""
    rows = [[cell.text for cell in row] for row in document.failures.rows]

    assert ["failed", "skipped"] == [row[1] for row in rows]
    assert "found 511" in rows[0][3]
    assert CheckState.BAD is _check(document, "Cases measured").state
    assert "77 of 79" not in document.caution
    assert "cases measured 76 of 78" in document.caution


def test_a_clean_run_has_no_caution():
    """When every check is fine there is nothing to be careful about."""
    run = fakes.run()
    good = tuple(one for one in run.cases if one.status is Status.OK)[:-1]
    kept = tuple(one for one in run.repetitions if one.is_ok)

    found = build(load_report_data([run._replace(cases=good, repetitions=kept)]))

    assert "" == found.caution
    assert found.failures is None


@pytest.mark.parametrize(
    ("change", "name", "state"),
    [
        ({"end": None}, "Complete", CheckState.NOTE),
        ({"end": RunEnd(1, Status.INTERRUPTED, "Ctrl-C")}, "Complete", CheckState.NOTE),
        ({"events": (RunEvent(1, "leak", "a semaphore"),)}, "Left behind", CheckState.NOTE),
        ({"events": ()}, "Left behind", CheckState.GOOD),
    ],
)
def test_what_went_wrong_is_said(change, name, state):
    """A run that was cut off, interrupted or leaked does not look like a clean one."""
    found = build(load_report_data([fakes.run()._replace(**change)]))

    assert state is _check(found, name).state


def test_a_loaded_machine_is_noted():
    """Load at the start and waiting for a CPU lower the trust."""
    busy = fakes.environment(load={"average": [5.0, 1, 1]})
    run = fakes.run()
    slow = [
        one._replace(account=one.account._replace(run_delay_ns=300_000_000))
        for one in run.repetitions
        if one.account
    ]

    found = build(
        load_report_data(
            [run._replace(header=fakes.header(environment=busy), repetitions=tuple(slow))]
        )
    )

    assert CheckState.BAD is _check(found, "Load before").state
    assert CheckState.BAD is _check(found, "Waiting for a CPU").state
    assert "Read with care" in found.caution


def test_wide_intervals_are_noted():
    """Agents that differ by factors leave little to believe, and the report says so."""
    record = fakes.case_record(metric=Metric.TIME)
    repetitions = [
        fakes.repetition(record.case, number, (value * 1e-3,))
        for number, value in enumerate([1, 3.8, 1.1, 3.7, 1.2, 3.6, 1.3, 3.5])
    ]
    run = fakes.run(agents=1)._replace(cases=(record,), repetitions=tuple(repetitions))

    found = build(load_report_data([run]))

    assert CheckState.BAD is _check(found, "Precision").state


def test_few_agents_are_noted():
    """Fewer than six agents give no interval, and the report says that first."""
    found = build(load_report_data([fakes.run(agents=3)]))

    assert CheckState.BAD is _check(found, "Agents per case").state


def test_one_machine_is_described_and_several_are_told_apart():
    """With one machine its facts are listed, with two only those that differ."""
    run, other = fakes.run(), fakes.run("second", seed=2)
    changed = fakes.environment("second", cpu={**fakes.environment()["cpu"], "usable": 8})
    other = other._replace(header=fakes.header("second", environment=changed))

    alone, both = build(load_report_data([run])), build(load_report_data([run, other]))

    assert "Example CPU @ 2.50GHz" in {row[1].text for row in alone.environment.rows}
    assert [["CPU: usable", "2", "8"]] == [
        [cell.text for cell in row] for row in both.environment.rows
    ]
    names = [column.title for column in _part(both).table.columns]
    assert "Machine" == names[0]


def test_many_machines_are_counted():
    """More machines than fit a page are summed up, and their results are still all there."""
    runs = [fakes.run(f"m{n:02}", seed=n, agents=1) for n in range(12)]
    for n, run in enumerate(runs):
        cpu = {**fakes.environment()["cpu"], "usable": 2 + n % 2}
        runs[n] = run._replace(
            header=fakes.header(f"m{n:02}", environment=fakes.environment(f"m{n:02}", cpu=cpu))
        )

    found = build(load_report_data(runs))

    (row,) = found.environment.rows
    assert ["CPU: usable", "2", "2 (6); 3 (6)"] == [cell.text for cell in row]
    assert "12 machines" in found.subtitle
    assert 12 * 3 == len(_part(found).table.rows)
    assert _part(found).samples is None


def test_two_runs_of_one_machine_are_kept_apart():
    """Runs are numbered where nothing else tells them apart, and their links differ."""
    first = fakes.run()
    second = fakes.run(seed=9)
    second = second._replace(header=fakes.header(run="another"))

    found = build(load_report_data([first, second]))

    keys = [
        key for family in found.families for part in family.parts for key in part.table.row_keys
    ]
    assert len(set(keys)) == len(keys)
    assert "Run" == _part(found).table.columns[0].title


def test_the_matrix_compares_within_a_machine(document):
    """Each start method stands against fork of the same machine, open ratios behind a tilde."""
    columns = [column.title for column in document.matrix.columns]
    rows = {row[0].text: row for row in document.matrix.rows}

    assert ["Case", "fork", "spawn", "forkserver"] == columns
    start = rows["process/start-to-join"]
    assert start[1].text.endswith(" us")
    assert 3 == start[2].tone
    pipe = rows["pipe/round-trip, payload 64 B"]
    assert 0 == pipe[2].tone
    assert pipe[2].text.startswith("~ ")
    assert "skipped" == rows["shared/segment"][1].text


def test_a_dash_in_the_matrix_is_explained_where_there_is_one(document):
    """What was not measured is a dash, which the caption names; without one it does not."""
    made = fakes.run()
    name = "process/start-to-join"
    whole = made._replace(
        cases=tuple(one for one in made.cases if one.case.workload == name),
        repetitions=tuple(one for one in made.repetitions if one.case.workload == name),
    )
    words = [
        (DASH in {cell.text for row in one.matrix.rows for cell in row}, one.matrix.caption)
        for one in (document, build(load_report_data([whole])))
    ]

    assert [True, False] == [has_dash for has_dash, _ in words]
    assert [True, False] == ["was not measured here" in caption for _, caption in words]


def test_constant_parameters_move_to_the_caption(document):
    """A column in which every row is the same says nothing; the caption does."""
    table = next(
        part.table
        for family in document.families
        for part in family.parts
        if part.name == "pool/imap"
    )

    assert "chunk_size" in [column.key for column in table.columns]
    assert "workers" not in [column.key for column in table.columns]
    assert "workers 2 in every case" in table.caption


def test_every_row_has_a_cell_for_each_column(document):
    """Tables are rectangular, and their keys are one for each row."""
    found = [document.matrix, document.environment, document.failures, document.events]
    found += [part.table for family in document.families for part in family.parts]
    found += [part.samples for family in document.families for part in family.parts]
    found += list(tables.terminal(summarize([fakes.run(hostile=True)])))
    for table in found:
        assert {len(table.columns)} >= {len(row) for row in table.rows}
        assert len(table.row_keys) in {0, len(table.rows)}


def test_terminal_tables_hold_every_case_once():
    """The tables for the terminal have a row for each case, failed ones too."""
    summaries = summarize([fakes.run()])

    found = tables.terminal(summaries)

    assert (summaries["fact"] == "").sum() == sum(len(table.rows) for table in found)
    texts = {cell.text for table in found for row in table.rows for cell in row}
    assert {"failed", "skipped"} <= texts


def test_values_behind_the_text_are_exact(document):
    """Sorting and copying use the medians, not what was rounded for reading."""
    summaries = summarize([fakes.run()]).query("fact == ''").set_index("key")
    for family in document.families:
        for part in family.parts:
            place = [column.key for column in part.table.columns].index("median")
            for key, row in zip(part.table.row_keys, part.table.rows, strict=True):
                expected = summaries.loc[key, "median"]
                found = row[place].value
                assert (found is None and math.isnan(expected)) or expected == found


def test_failures_are_listed_without_a_page():
    """The terminal lists failures from the summaries alone."""
    summaries = summarize([fakes.run()])

    table = tables.failures(summaries, Groups(summaries))

    assert 2 == len(table.rows)


def test_what_is_not_measured_stands_apart_from_the_advice():
    """Answers are in one table, questions that need another run in a second one."""
    found = building.build(load_report_data([fakes.run()]))

    assert found.unanswered is not None
    assert "standing" not in [column.key for column in found.unanswered.columns]
    if found.advice is not None:
        texts = {cell.text for row in found.advice.rows for cell in row}
        assert "not measured" not in texts
