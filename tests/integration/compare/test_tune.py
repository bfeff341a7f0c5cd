"""`mpbench tune` with real small programs and given predictions; no measured time is judged."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from mpbench.analysis.verdict import DecisionRules
from mpbench.analysis.whatif.prediction import Change, Prediction, WhatIf
from mpbench.cli import main
from mpbench.session.comparing import programs
from mpbench.session.comparing.compare import ComparePlan
from mpbench.session.comparing.noise_monitor import MachineSnapshot, NoiseMonitor
from mpbench.session.tuning import program_tuner

JOB = """import multiprocessing
import sys

if __name__ == "__main__":
    if "wait" in sys.argv:
        input()
    with multiprocessing.Pool(1) as pool:
        print(sum(pool.map(abs, range(int(sys.argv[1])))))
"""


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """Make episodes short, sessions private, and the noise of a test machine no matter."""
    monkeypatch.setenv("MPBENCH_LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(programs, "SIDE_NS", 1)
    quick = partial(ComparePlan, rules=DecisionRules(looks=(8,)), own_looks=True, control=False)
    monkeypatch.setattr(program_tuner, "ComparePlan", quick)
    calm = MachineSnapshot(3_000_000, 0.0, 1.0, 1.0, None, None)
    monkeypatch.setattr(NoiseMonitor, "_look", lambda _: calm)
    monkeypatch.setattr(NoiseMonitor, "after", lambda _: {"guard": {}, "dropped": None})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.py").write_text(JOB)


def predicted(monkeypatch, *settings):
    """Let settings be predicted to halve the time of whatever was profiled."""

    def what_if_of(profile):
        now = profile.wall_ns / 1e9
        return WhatIf(
            measured_s=now,
            simulated_s=now,
            predictions=tuple(
                Prediction(
                    change=Change.WORKERS, setting=setting, words=f"with {setting}",
                    seconds=now / 2, low_s=now / 3, high_s=now * 0.6, place="job.py:7",
                )
                for setting in settings
            ),
        )  # fmt: skip

    monkeypatch.setattr(program_tuner, "what_if_of", what_if_of)


def exit_code(*arguments):
    """Return the exit code of a command."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def test_a_program_is_profiled_and_its_settings_are_measured(tmp_path, monkeypatch, capfd):
    """The prediction stands beside the measured time; what the program writes is not shown."""
    predicted(monkeypatch, "workers=2")

    assert 0 == exit_code("tune", "-o", "out", "--format", "json", "--", "job.py", "9")
    told = json.loads(capfd.readouterr().out)
    assert told == json.loads((tmp_path / "out" / "tune.json").read_text())
    (result,) = told["results"]
    assert ["workers=2"] == result["settings"]
    assert result["measured_s"] > 0
    assert result["baseline_s"] > 0
    assert [
        {"place": "job.py:7", "old": "multiprocessing.Pool(1)", "new": "multiprocessing.Pool(2)"}
    ] == result["edits"]
    assert "| workers=2 |" in (tmp_path / "out" / "tune.md").read_text()
    assert (tmp_path / "out" / "results.jsonl").is_file()


def test_nothing_promising_is_said_and_is_no_failure(monkeypatch, capsys):
    """Nothing is measured then."""
    predicted(monkeypatch)

    assert 0 == exit_code("tune", "-o", "out", "--", "job.py", "9")
    assert "nothing that can be set from outside makes this program" in capsys.readouterr().out
    assert not Path("out/results.jsonl").exists()


def test_a_setting_that_breaks_the_program_has_no_verdict(monkeypatch, capsys):
    """The predictions are shown all the same."""
    predicted(monkeypatch, "chunk_size=4", "max_tasks=3")
    Path("job.py").write_text(
        JOB + '    import os\n    assert "chunk" not in os.environ.get("MPBENCH_OVERRIDES", "")\n'
    )

    assert 0 == exit_code("tune", "-o", "out", "--", "job.py", "9")
    told = " ".join(capsys.readouterr().out.split())
    assert "invalid: " in told
    assert "failed with exit code 1" in told


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("no.py",), 2, "no.py is no file"),
        ((), 2, "name a script"),
        (("--input", "no", "job.py"), 2, "no file no for --input"),
        (("job.py",), 4, "failed with exit code 1 while it was profiled"),
        (("job.py", "9", "wait"), 4, "failed with exit code 1"),
        (("--timeout", "0.3s", "-m", "http.server", "0"), 4, "did not end within 0.3 s"),
    ],
)
def test_what_cannot_be_tuned_is_refused(capfd, arguments, code, message):
    """In one line, with the exit code that says whose fault it is."""
    assert code == exit_code("tune", "-o", "out", *arguments)
    assert message in capfd.readouterr().err
