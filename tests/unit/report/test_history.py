"""The section over commits: what is drawn, in which order, and what is said."""

from __future__ import annotations

from pathlib import Path

import fakes
import pytest

from mpbench.analysis.history import series_over_commits
from mpbench.model import Run
from mpbench.report.figures.history import MOST
from mpbench.report.figures.history import histories as drawn_histories
from mpbench.report.write import write


def histories(runs: list[Run]):
    """Draw what some runs hold over commits."""
    return drawn_histories(series_over_commits(runs))


def commit(number: int, slower: float = 1.0, machine: str = "box") -> Run:
    """Return the run of one commit."""
    run = fakes.run(machine, seed=number, slower=slower)
    header = run.header._replace(
        run=f"{machine}-{number}",
        started_utc=f"2026-01-{number:02}T00:00:00+00:00",
        plan={"commit": f"{number:x}" * 40},
    )
    return run._replace(header=header)


def only(run: Run, workload: str) -> Run:
    """Return a run of one workload."""
    return run._replace(
        cases=tuple(one for one in run.cases if one.case.workload == workload),
        repetitions=tuple(one for one in run.repetitions if one.case.workload == workload),
    )


def test_commits_stand_in_the_order_of_dates() -> None:
    """The order of the files does not matter, and a step is marked where it happened."""
    runs = [only(commit(number, 3.0 if number > 3 else 1.0), "process/start-to-join")
            for number in (5, 2, 1, 4, 3)]  # fmt: skip

    (figure,), left_out = histories(runs)

    assert 0 == left_out
    assert {"fork", "spawn", "forkserver"} >= set(figure.table["start method"])
    first = figure.table[figure.table["start method"] == "fork"]
    assert ["1" * 10, "2" * 10, "3" * 10, "4" * 10, "5" * 10] == list(first["commit"])
    assert ["", "", "", "+", ""] == [step[:1] for step in first["step"]]
    assert "4444444" in figure.caption


def test_machines_are_drawn_apart() -> None:
    """Two machines are two figures, for their seconds cannot be compared."""
    runs = [only(commit(number, machine=name), "process/start-to-join")
            for name in ("one", "two") for number in (1, 2)]  # fmt: skip

    figures, _ = histories(runs)

    assert 2 == len(figures)
    assert ["one", "two"] == sorted(figure.title.split(" on ")[1][:3] for figure in figures)


def test_a_single_commit_and_no_commit() -> None:
    """One commit is drawn without a step, and nothing gives nothing."""
    (figure,), _ = histories([only(commit(1), "process/start-to-join")])

    assert "No step was found." in figure.caption
    assert ((), 0) == histories([])


def one_process(number: int, slower: float = 1.0) -> Run:
    """Return a commit of which one process measured one case many times."""
    values = tuple(slower * 1e-3 * (1 + place / 1_000) for place in range(21))
    return commit(number)._replace(
        cases=(fakes.case_record(),), repetitions=(fakes.repetition(values=values),)
    )


def test_samples_of_one_process_give_no_interval() -> None:
    """However many samples a process has, its commit has a median and no interval."""
    (figure,), _ = histories([one_process(1), one_process(2)])

    assert [""] * 2 == list(figure.table["95 % interval"])
    assert pytest.approx([1.01e-3] * 2) == list(figure.table["median, s"])
    assert "No median has an interval" in figure.caption


def test_without_intervals_a_step_needs_three_commits_on_each_side() -> None:
    """A single commit of one process that differs is no step, and a lasting level is."""
    last = [one_process(number, 3.0 if number == 5 else 1.0) for number in range(1, 6)]
    lasting = [one_process(number, 3.0 if number > 3 else 1.0) for number in range(1, 7)]

    assert "No step was found." in histories(last)[0][0].caption
    assert "Steps: +200% at 44444444." in histories(lasting)[0][0].caption


def test_each_agent_counts_once() -> None:
    """The level is the median of the agents' medians, whatever samples each of them has."""
    many = fakes.repetition(values=(9e-3,) * 50)
    agents = [fakes.repetition(number=number, values=(1e-3,)) for number in range(1, 8)]
    run = commit(1)._replace(cases=(fakes.case_record(),), repetitions=(many, *agents))

    (figure,), _ = histories([run])

    assert pytest.approx([1e-3]) == list(figure.table["median, s"])
    assert "interval" not in figure.caption


def test_some_medians_without_an_interval_are_counted() -> None:
    """A series may have both kinds."""
    agents = tuple(fakes.repetition(number=number, values=(1e-3,)) for number in range(6))
    known = commit(2)._replace(cases=(fakes.case_record(),), repetitions=agents)

    (figure,), _ = histories([one_process(1), known])

    assert "1 of 2 medians have no interval" in figure.caption


def test_what_is_left_out_is_counted() -> None:
    """A page has a limit of figures, and the rest is counted."""
    runs = [commit(1, machine=f"machine-{number}") for number in range(MOST + 2)]

    figures, left_out = histories(runs)

    assert MOST == len(figures)
    assert left_out >= 2
    assert MOST == len({figure.key for figure in figures})


def test_the_page_has_the_section(tmp_path: Path) -> None:
    """The history stands in the page beside the report's own runs."""
    runs = [only(commit(number), "process/start-to-join") for number in (1, 2, 3)]

    write(runs[-1:], tmp_path, history=runs)

    page = (tmp_path / "report.html").read_text()
    assert 'id="family-history"' in page
    assert "Over commits" in page


def test_steps_are_listed_with_commits_before_any_figure(tmp_path: Path) -> None:
    """The first screen says how many steps there are, and the table between which commits."""
    runs = [only(commit(number, 3.0 if number > 3 else 1.0), "process/start-to-join")
            for number in range(1, 8)]  # fmt: skip

    write(runs[-1:], tmp_path, history=runs)

    page = (tmp_path / "report.html").read_text()
    assert page.index('id="section-steps"') < page.index('id="family-history"')
    assert "33333333..44444444" in page
    assert "3 slower, 0 faster" in page


def test_every_value_is_in_the_csv(tmp_path: Path) -> None:
    """However many figures there is room for."""
    runs = [commit(number, machine=f"machine-{place}") for number in (1, 2)
            for place in range(MOST + 2)]  # fmt: skip

    write(runs[-1:], tmp_path, history=runs)

    rows = (tmp_path / "history.csv").read_text().splitlines()
    series = series_over_commits(runs)
    assert 1 + sum(len(one.commits) for one in series) == len(rows)
