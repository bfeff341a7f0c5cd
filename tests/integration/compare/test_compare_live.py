"""Comparisons with real agents, as small as they can be; no measured time is judged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mpbench.analysis.outcome import outcome_of
from mpbench.analysis.verdict import DecisionRules
from mpbench.catalog import discover
from mpbench.cli import main
from mpbench.harness import pair_calibration
from mpbench.harness.arm_agent import PreparedArm, fresh_agents
from mpbench.harness.episodes import EpisodeContext, run_episode
from mpbench.harness.pair_calibration import PairCalibration
from mpbench.harness.placement import Placement
from mpbench.model import Case, StartMethod, Status
from mpbench.plan import Plan
from mpbench.session.agent_samplers import AgentSamplers
from mpbench.session.comparing import episode_scheduler
from mpbench.session.comparing.arms import Arm
from mpbench.session.comparing.compare import ComparePlan, compare
from mpbench.session.comparing.noise_monitor import MachineSnapshot, NoiseMonitor
from mpbench.session.comparing.revisions import build_revision, commit_of
from mpbench.session.progress import NullProgress
from mpbench.store import read

GIT = shutil.which("git") or "git"

SLOW = "import time\n\ndef work():\n    time.sleep(0.003)\n"
FAST = "import time\n\ndef work():\n    time.sleep(0.001)\n"


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Make episodes short, sessions private, and the noise of a test machine no matter."""
    monkeypatch.setenv("MPBENCH_LOCK", str(tmp_path / "lock"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(pair_calibration, "SLICE_NS", 3_000_000)
    monkeypatch.setattr(pair_calibration, "EPISODE_NS", 12_000_000)
    monkeypatch.setattr(episode_scheduler, "_FEWEST_CONTROLS", 1)
    calm = MachineSnapshot(3_000_000, 0.0, 1.0, 1.0, None, None)
    monkeypatch.setattr(NoiseMonitor, "_look", lambda _: calm)
    monkeypatch.setattr(NoiseMonitor, "after", lambda _: {"guard": {}, "dropped": None})


def side(subject, name="floor/empty-call", *, arm="a", **given):
    """Return one arm of the catalogue."""
    one = discover()[name]
    params = {key: sweep.quick[0] for key, sweep in one.parameters.items()}
    method = StartMethod.FORK if one.by_method else None
    return PreparedArm(arm, subject, one, Case.make(name, method, params), **given)


class _Coin:
    """Shows what it is told."""

    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value

    def shuffle(self, orders):
        """Keep the order."""


@pytest.mark.parametrize("shown", [0.1, 0.9])
def test_an_episode_takes_turns_in_fresh_agents(subject, tmp_path, shown):
    """Every turn is taken once, the coin says who was launched first, and both agents end."""
    sides = (side(subject), side(subject, arm="b"))
    result = run_episode(
        sides,
        PairCalibration((100, 100), 1, 3),
        coin=_Coin(shown),
        episode_context=EpisodeContext(4, 8, 0),
        launcher=fresh_agents(tmp_path),
    )
    first, second = result.repetitions

    assert set(range(6)) == {*first.slice.turns, *second.slice.turns}
    assert (shown < 0.5, shown >= 0.5) == (first.slice.launched_first, second.slice.launched_first)
    assert first.hash_seed != second.hash_seed
    assert ["exited", "exited"] == [one.cause for one in result.endings]


def test_a_set_up_that_keeps_its_load_on_is_left_between_turns(subject, tmp_path):
    """Apart, an agent enters and leaves for each of its turns, and the turns are complete."""
    name = "lock/contended" if "lock/contended" in discover() else "floor/empty-call"
    sides = tuple(side(subject, name, arm=arm, setup_per_slice=True) for arm in "ab")
    result = run_episode(
        sides,
        PairCalibration((10, 10), 1, 2),
        coin=_Coin(0.1),
        episode_context=EpisodeContext(0, 0, 0),
        launcher=fresh_agents(tmp_path),
    )

    assert [Status.OK, Status.OK] == [one.status for one in result.repetitions]
    assert [2, 2] == [len(one.samples) for one in result.repetitions]


def test_only_the_arm_that_asks_for_it_is_watched(subject, tmp_path):
    """Turns are watched, and what a sampler saw stands in the record of its arm alone."""
    watch = AgentSamplers(lambda *_: True, closely=False)
    result = run_episode(
        (side(subject, arm="off"), side(subject, arm="on", is_sampled=True)),
        PairCalibration((1_000, 1_000), 1, 8),
        coin=_Coin(0.1),
        episode_context=EpisodeContext(0, 0, 0),
        launcher=fresh_agents(tmp_path, watch=watch.attach_to_arm),
    )
    records = [
        watch.add_usage(one, ending, origin_ns=0)
        for one, ending in zip(result.repetitions, result.endings, strict=True)
    ]

    assert ["off", "on"] == [one.slice.arm for one in records]
    assert [False, True] == [one.sampled is not None for one in records]
    assert all(one.account.cpu_source == "subreaper" for one in records)


def test_an_injected_wait_is_inside_the_operation(subject, tmp_path):
    """Two million passes in `Process.start` make the arm slower in every turn."""
    name = "process/start-to-join"
    slow = ("multiprocessing.process:BaseProcess.start", 2_000_000)
    sides = (side(subject, name), side(subject, name, arm="b", slowdown=slow))
    first, second = run_episode(
        sides,
        PairCalibration((1, 1), 1, 2),
        coin=_Coin(0.1),
        episode_context=EpisodeContext(0, 0, 0),
        launcher=fresh_agents(tmp_path),
    ).repetitions

    assert min(one.elapsed_ns for one in second.samples) > min(
        one.elapsed_ns for one in first.samples
    )


def test_an_arm_that_fails_is_recorded_alone(subject, tmp_path):
    """The failed arm has its reason; the other one measured no ratio and has no record."""
    broken = side(subject, arm="b")._replace(case=Case.make("floor/absent", None, {}))
    broken = broken._replace(workload=broken.workload._replace(name="floor/absent"))
    result = run_episode(
        (side(subject), broken),
        PairCalibration((10, 10), 1, 2),
        coin=_Coin(0.1),
        episode_context=EpisodeContext(0, 0, 0),
        launcher=fresh_agents(tmp_path),
    )
    (only,) = result.repetitions

    assert (Status.FAILED, "b") == (only.status, only.slice.arm)
    assert "floor/absent" in only.reason


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs to choose from")
def test_everything_an_arm_starts_stays_on_the_cpu_of_its_episode(tmp_path, monkeypatch):
    """The agent and its children of every method see one CPU, which stands in the records."""
    text = (
        "import os, pathlib\n"
        "def look(name):\n"
        "    pathlib.Path(name).write_text(repr(sorted(os.sched_getaffinity(0))))\n"
        "def check(context):\n"
        "    import tempfile\n"
        "    with tempfile.TemporaryDirectory() as folder:\n"
        "        process = context.Process(target=look, args=(f'{folder}/x',))\n"
        "        process.start()\n"
        "        process.join()\n"
        "        here = repr(sorted(os.sched_getaffinity(0)))\n"
        "        assert pathlib.Path(f'{folder}/x').read_text() == here\n"
        "        assert len(os.sched_getaffinity(0)) == 1, here\n"
    )
    (tmp_path / "placed.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    arms = tuple(
        Arm(text=f"method={one.value}", method=one, call="placed:check")
        for one in (StartMethod.FORK, StartMethod.SPAWN)
    )
    compared = compare(
        ComparePlan(
            plan=Plan(seed=1),
            arms=arms,
            control=False,
            rules=DecisionRules(looks=(1,)),
            placement=Placement.ONE,
        ),
        folder=tmp_path / "out",
        progress=NullProgress(),
    )

    assert [Status.OK] * len(compared.run.repetitions) == [
        one.status for one in compared.run.repetitions
    ], [one.reason for one in compared.run.repetitions]
    assert {one.extra["cpu"] for one in compared.run.repetitions} <= os.sched_getaffinity(0)
    assert compared.outcome.judgements[0].comparison.on_one_cpu


def _repository(folder: Path) -> Path:
    """Make a repository of two commits, the second three times as slow."""

    def git(*words):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run([GIT, *identity, *words], cwd=folder, check=True, capture_output=True)

    folder.mkdir()
    git("init", "-q", "-b", "main")
    for text in (FAST, SLOW):
        (folder / "jobs.py").write_text(text)
        git("add", "jobs.py")
        git("commit", "-q", "-m", "change")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("inside", [False, True], ids=["elsewhere", "in the repository"])
def test_two_commits_are_built_and_compared(tmp_path, inside):
    """
    Each commit is measured in an environment of its own, and the slower one is named.

    Who stands in the repository has a working tree beside them, which must not be
    what both arms import.
    """
    repository = _repository(tmp_path / "repository")
    compared = compare(
        ComparePlan(
            plan=Plan(seed=1),
            arms=tuple(
                Arm(text=f"rev={rev}", rev=rev, call="jobs:work") for rev in ("main~1", "main")
            ),
            repository=repository,
            paths=(repository,) if inside else (),
            control=False,
        ),
        folder=tmp_path / "out",
        progress=NullProgress(),
    )
    (found,) = compared.outcome.judgements
    commits = {one["revision"] for one in compared.run.header.subjects.values()}

    assert "slower" == found.verdict.value
    names = tuple(f"{rev}@{commit_of(repository, rev)[:10]}" for rev in ("main~1", "main"))
    assert names == (found.comparison.baseline, found.comparison.candidate)
    assert {commit_of(repository, "main"), commit_of(repository, "main~1")} == commits


@pytest.mark.slow
def test_a_built_commit_is_used_again(tmp_path):
    """The second build of a commit takes the environment that is there."""
    repository = _repository(tmp_path / "repository")
    notes = []
    first = build_revision(repository, "main", cache=tmp_path / "cache", note=notes.append)
    mark = first.executable.parent.parent.parent / "complete"
    before = mark.stat().st_mtime_ns
    second = build_revision(repository, "HEAD", cache=tmp_path / "cache", note=notes.append)

    assert first == second
    assert 1 == len(notes)
    assert before == mark.stat().st_mtime_ns


def _run(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.slow
def test_the_command_compares_and_writes_what_it_measured(tmp_path, capsys):
    """The file alone gives the same verdicts again, and JSON holds no NaN."""
    out = tmp_path / "out"
    arguments = ["compare", "--arm", "method=fork", "--arm", "method=fork"]
    arguments += ["--select", "floor/empty-call", "--seed", "5", "--format", "json"]
    _run([*arguments, "-o", str(out)])
    said = json.loads(capsys.readouterr().out)
    _run(["compare", str(out), "--format", "json"])
    again = json.loads(capsys.readouterr().out)

    assert said == again
    assert ["floor/empty-call"] == [one["case"] for one in said["comparisons"]]
    assert 8 <= said["comparisons"][0]["episodes"]
    assert said["control"] is None or said["control"]["episodes"] >= 1
    assert outcome_of(read(out)).episodes == said["episodes"]


@pytest.mark.parametrize("broken", [0, 1])
def test_the_arm_that_cannot_be_calibrated_is_named(tmp_path, capsys, broken):
    """The record is that of the arm at fault, and its reason begins with it."""
    words = ["code=pass", "code=pass"]
    words[broken] = "code=import nosuch"
    _run(
        [
            *("compare", "--arm", words[0], "--arm", f"{words[1]},method=fork"),
            *("--looks", "8", "--no-control", "-o", str(tmp_path / "out")),
        ]
    )
    capsys.readouterr()
    failed = read(tmp_path / "out").repetitions[0]

    assert ("baseline", "candidate")[broken] == failed.extra["role"]
    assert "import nosuch" in failed.slice.arm
    assert failed.reason.startswith(f"calibration of {failed.slice.arm}: ")


@pytest.mark.slow
def test_a_callable_of_the_users_is_compared_under_two_methods(tmp_path, monkeypatch, capsys):
    """The start method is set before the import; a parameter named context receives one."""
    text = (
        "import multiprocessing\n"
        "METHOD = multiprocessing.get_start_method()\n"
        "def check(context):\n"
        "    assert context.get_start_method() == METHOD\n"
    )
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    code = _run(
        [
            *("compare", "--arm", "call=mine:check,method=fork"),
            *("--arm", "call=mine:check,method=spawn", "--looks", "8", "--no-control"),
            *("--format", "json", "-o", str(tmp_path / "out")),
        ]
    )
    (found,) = json.loads(capsys.readouterr().out)["comparisons"]

    assert code in {0, 1}
    assert found["reason"] is None or "interval" in found["reason"]
    assert 8 == found["episodes"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare"], "--arm twice"),
        (["compare", "--arm", "method=fork"], "two arms"),
        (["compare", "--arm", "fork"], "KEY=VALUE"),
        (["compare", "--arms", "fork,thread"], "no start method"),
        (["compare", "--arms", "fork,spawn", "a.jsonl"], "not both"),
        (["compare", "absent.jsonl", "absent.jsonl"], "absent.jsonl"),
        (
            ["compare", "--arm", "rev=main", "--arm", "rev=nowhere", "--select", "floor/*"],
            "no commit",
        ),
        (["compare", "--arm", "python=2.0", "--arm", "python=3"], "no interpreter"),
        (["compare", "--arms", "fork,spawn", "--looks", "none"], "--looks"),
        (
            ["compare", "--arm", "call=nomod:f,method=fork", "--arm", "call=nomod:f,method=spawn"],
            "finds no module 'nomod'",
        ),
        (
            ["compare", "--arm", "call=os.nomod:f,method=fork", "--arm", "call=os:nice"],
            "finds no module 'os.nomod'",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    """Exit code 2 and one line that says what is wrong."""
    monkeypatch.chdir(_repository(tmp_path / "repository"))
    code = _run(arguments)
    told = capsys.readouterr().err.splitlines()

    assert 2 == code
    assert words in told[-1]
    assert not (Path(os.curdir) / "reports").exists() or not list(Path("reports").glob("*/*"))
