"""The stage of whole programs: what is kept, what is made again, what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import comparison

from mpbench.analysis.outcome import outcome_of
from mpbench.errors import EnvironmentUnfitError
from mpbench.session.comparing.compare import ComparisonResult
from mpbench.session.progress import NullProgress
from mpbench.session.selftest import whole_programs as stage
from mpbench.session.selftest.campaign import SMOKE, SelftestCampaign
from mpbench.session.selftest.run import proofs


class FakeCommands:
    """Answers instead of mpbench and hyperfine."""

    def __init__(self, monkeypatch, *, broken_from=None):
        self.compared, self.broken_from = [], broken_from
        monkeypatch.setattr(stage, "_run", self.run)
        monkeypatch.setattr(stage, "_ours", self.ours)

    def run(self, words, folder):
        """Write what hyperfine would have written."""
        assert words[0] == "hyperfine"
        results = [{"mean": mean, "stddev": 0.001} for mean in (0.05, 0.06)]
        (Path(folder) / "rival.json").write_text(json.dumps({"results": results}))
        return ""

    def ours(self, folder, name, extra_ms, seed):
        """Return what a comparison would have said, or be stopped."""
        assert (folder / f"{name}.py").is_file()
        self.compared.append((name, extra_ms, seed))
        if len(self.compared) == self.broken_from:
            raise KeyboardInterrupt
        verdicts = {"time": "slower" if extra_ms else "inconclusive", "cpu-time": "unchanged"}
        return {"verdicts": verdicts, "ratios": {}, "control": True, "seconds": 9.0}


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """Let every program take 50 ms, with hyperfine installed."""
    monkeypatch.setattr(stage, "_wall_ms", lambda *_: 50.0)
    monkeypatch.setattr(stage.shutil, "which", lambda _: "/usr/bin/hyperfine")


def test_a_stage_that_was_stopped_goes_on(tmp_path, monkeypatch):
    """What is complete is kept, a line that was cut off is made again."""
    campaign = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    first = FakeCommands(monkeypatch, broken_from=4)
    with pytest.raises(KeyboardInterrupt):
        stage.whole_programs(campaign, NullProgress())
    with (tmp_path / "c" / "programs" / "trials.jsonl").open("a") as file:
        file.write('{"program": "lo')
    second = FakeCommands(monkeypatch)
    stage.whole_programs(campaign, NullProgress())

    assert (3, 5) == (len(stage.program_trials(tmp_path / "c" / "programs")) - 5, 5)
    assert 5 == len(second.compared)
    # The one that was stopped tosses the same coins again.
    assert first.compared[-1] == second.compared[0]


def test_the_table_counts_wrong_and_found(tmp_path, monkeypatch):
    """Of identical programs any claim is wrong; of slower ones only `faster`."""
    FakeCommands(monkeypatch)
    campaign = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    stage.whole_programs(campaign, NullProgress())

    (table,) = proofs(campaign)
    cells = {(row[0], row[1]): row for row in table.rows}
    assert "4 inconclusive" == cells["identical", "mpbench, time"][2]
    assert cells["identical", "mpbench, time"][3].startswith("0/4")
    assert cells["identical", "hyperfine"][3].startswith("4/4")
    assert cells["5 % slower", "mpbench, time"][4].startswith("4/4")
    assert cells["5 % slower", "mpbench, cpu-time"][4].startswith("0/4")
    assert "8 trials of 4 programs of about 50 ms" in table.note


def test_a_program_is_really_compared(tmp_path, monkeypatch):
    """The verdict of each reading, and that of the control, come from a real session."""
    monkeypatch.setenv("MPBENCH_LOCK", str(tmp_path / "lock"))
    asked = []

    def compare(plan, **given):
        asked.append((plan, given))
        return ComparisonResult(tmp_path, None, outcome_of(comparison(1.2)))

    monkeypatch.setattr(stage, "compare", compare)
    told = stage._ours(tmp_path, "loop", 2.5, 7)

    assert {"time": "unchanged"} == told["verdicts"]
    assert told["control"] is None
    assert ["0", "2.5"] == [arm.program.rsplit(" ")[-1] for arm in asked[0][0].arms]
    assert 7 == asked[0][0].plan.seed


def test_a_command_that_fails_is_named(tmp_path):
    """With its exit code and its last line."""
    with pytest.raises(EnvironmentUnfitError, match="exit code 3: no luck"):
        stage._run(["sh", "-c", "echo no luck >&2; exit 3"], tmp_path)


def test_a_campaign_from_before_the_stage_goes_on(tmp_path):
    """Its plan does not name the stage."""
    SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    plan = tmp_path / "c" / "campaign.json"
    begun = json.loads(plan.read_text())
    del begun["size"]["programs"]
    plan.write_text(json.dumps(begun))

    assert 5 == SelftestCampaign(tmp_path / "c", SMOKE, seed=9).seed
