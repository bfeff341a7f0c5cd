"""A run as a session makes it: records, interruption, resumption, refusals."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from mpbench.errors import EnvironmentUnfitError, InvalidSessionError, OutputError, UsageError
from mpbench.model import StartMethod, Status, Tier
from mpbench.plan import Plan
from mpbench.report.build import load_report_data
from mpbench.report.trust import checks
from mpbench.session.machine_lock import machine_lock
from mpbench.session.progress import NullProgress
from mpbench.session.run import run
from mpbench.store.writer import read

SMALL = Plan(
    select=("pipe/round-trip",),
    methods=(StartMethod.FORK,),
    params={"payload_bytes": (64,)},
    repetitions=3,
    sample_ns=1_000_000,
)


class StopAfter(NullProgress):
    """Sends SIGINT when a number of steps were done."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def done(self) -> None:
        """Count down."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("nothing_left")
def test_a_run_records_each_agent(tmp_path: Path) -> None:
    """Each repetition comes from an agent of its own, with a seed, an account and samples."""
    measured = run(SMALL, folder=tmp_path, progress=NullProgress(), command=("mpbench", "run"))
    ours = [one for one in measured.run.repetitions if one.case.workload == "pipe/round-trip"]

    assert [0, 1, 2] == [one.number for one in ours]
    assert 3 == len({one.agent for one in ours})
    assert 3 == len({one.hash_seed for one in ours})
    assert 1 == len({one.iterations for one in ours})
    assert all(one.account and one.account.cpu_source == "subreaper" for one in ours)
    assert all(one.samples for one in ours)
    assert measured.run.end is not None
    assert Status.OK is measured.run.end.status
    assert SMALL == Plan.from_record(measured.run.header.plan)


def test_an_interrupted_run_keeps_what_it_has_and_can_go_on(tmp_path: Path) -> None:
    """After Ctrl-C the file says so; resuming measures the rest and nothing twice."""
    first = run(SMALL, folder=tmp_path, progress=StopAfter(2))
    kept = {(one.case, one.number) for one in first.run.repetitions}
    second = run(SMALL, folder=tmp_path, progress=NullProgress(), resume=True)
    all_of_them = [(one.case, one.number) for one in second.run.repetitions]

    assert first.interrupted
    assert first.run.end is not None
    assert Status.INTERRUPTED is first.run.end.status
    assert kept
    assert len(set(all_of_them)) == len(all_of_them)
    assert {(one.case, number) for one in second.run.cases for number in range(3)} == set(
        all_of_them
    )


def test_a_run_that_was_cut_before_all_cases_were_declared_can_go_on(tmp_path: Path) -> None:
    """The cases that the file lacks are declared before anything of them is measured."""
    whole = run(SMALL, folder=tmp_path, progress=NullProgress())
    file = tmp_path / "results.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    again = run(SMALL, folder=tmp_path, progress=NullProgress(), resume=True)

    assert 1 < len(whole.run.cases)
    assert {one.case for one in whole.run.cases} == {one.case for one in again.run.cases}
    assert len(whole.run.repetitions) == len(again.run.repetitions)
    assert again.run == read(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda header: header["environment"].update(fingerprint="other"), "hardware other then"),
        (lambda header: header["environment"]["cpu"].update(usable=999), "usable CPUs 999 then"),
        (lambda header: header.update(mpbench="0.0.1"), "mpbench 0.0.1 then"),
    ],
)
def test_a_run_is_not_finished_somewhere_else(tmp_path: Path, change, said) -> None:
    """The first half of its figures would come from one machine, the second from another."""
    run(SMALL, folder=tmp_path, progress=StopAfter(2))
    file = tmp_path / "results.jsonl"
    # As a killed run leaves it: the end holds a digest of all the rest.
    head, *rest, _ = file.read_text().splitlines(keepends=True)
    header = json.loads(head)
    change(header)
    file.write_text("".join([json.dumps(header) + "\n", *rest]))
    before = file.read_bytes()

    with pytest.raises(EnvironmentUnfitError, match=said):
        run(SMALL, folder=tmp_path, progress=NullProgress(), resume=True)

    assert before == file.read_bytes()


def test_verify_runs_each_body_once(tmp_path: Path) -> None:
    """One repetition for each case, whatever the plan says."""
    measured = run(SMALL.override(verify=True), folder=tmp_path, progress=NullProgress())

    assert len(measured.run.cases) == len(measured.run.repetitions)
    assert all(one.is_ok for one in measured.run.repetitions)


def test_two_sessions_do_not_measure_each_other(tmp_path: Path) -> None:
    """The second one is refused and told why."""
    with machine_lock(), pytest.raises(EnvironmentUnfitError, match="another mpbench session"):
        run(SMALL, folder=tmp_path, progress=NullProgress())


def test_a_session_can_wait_for_another(tmp_path: Path) -> None:
    """With a wait it starts when the other one has ended."""
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with machine_lock():
            entered.set()
            leave.wait()

    other = threading.Thread(target=hold)
    other.start()
    entered.wait()
    leave.set()
    run(SMALL.override(verify=True), folder=tmp_path, progress=NullProgress(), wait_s=30.0)
    other.join()

    assert read(tmp_path).repetitions


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (SMALL.override(select=("pipe/rond-trip",)), "did you mean pipe/round-trip"),
        (SMALL.override(params={"wrong": (1,)}), "no selected workload has a parameter 'wrong'"),
        (SMALL.override(pythons=("9.9",)), "no interpreter '9.9'"),
        (SMALL.override(files=(Path("missing.py"),)), "missing.py is no file"),
    ],
)
def test_an_impossible_plan_is_refused(tmp_path: Path, plan: Plan, words: str) -> None:
    """The error names what is wrong, and nothing is written."""
    with pytest.raises(UsageError, match=words):
        run(plan, folder=tmp_path / "out", progress=NullProgress())

    assert not (tmp_path / "out").exists()


def test_a_folder_with_results_is_not_overwritten(tmp_path: Path) -> None:
    """The results of an earlier run are safe."""
    (tmp_path / "results.jsonl").write_text("precious")
    with pytest.raises(OutputError, match="it is there already"):
        run(SMALL, folder=tmp_path, progress=NullProgress())

    assert "precious" == (tmp_path / "results.jsonl").read_text()


def test_nothing_to_measure_is_an_error(tmp_path: Path) -> None:
    """A selection that this machine cannot run measures nothing and says why."""
    huge = Plan(select=("shared/create",), params={"payload_bytes": (1 << 60,)}, tier=Tier.QUICK)
    with pytest.raises(InvalidSessionError, match="nothing"):
        run(huge, folder=tmp_path / "out", progress=NullProgress())


class Notes(NullProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.texts.append(text)


def test_a_budget_ends_a_run_and_says_what_it_held(tmp_path: Path) -> None:
    """Fewer repetitions than planned: an event, and no claim that the run is complete."""
    plan = SMALL.override(repetitions=1000, budget_s=1.5)
    notes = Notes()
    measured = run(plan, folder=tmp_path, progress=notes)
    (text,) = [event.text for event in measured.run.events if event.kind == "budget"]

    assert " of 1000 repetitions" in text
    assert text in notes.texts
    assert "cases, about 1.5 s" in notes.texts[0]
    assert len(measured.run.repetitions) < 1000

    evidence = load_report_data((measured.run,))
    states = {
        one.name: one for one in checks(evidence.runs, evidence.summaries, evidence.repetitions)
    }
    assert ("no", text) == (states["Complete"].value, states["Complete"].text)


def test_a_budget_below_one_repetition_is_refused(tmp_path: Path) -> None:
    """It is refused before anything starts, with what one repetition takes."""
    folder = tmp_path / "out"
    plan = Plan(select=("*",), repetitions=8, samples=3, budget_s=1.0)
    with pytest.raises(UsageError, match=r"once take about .*give at least --budget \d+s"):
        run(plan, folder=folder, progress=NullProgress())

    assert not folder.exists()
