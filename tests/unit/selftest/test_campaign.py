"""A campaign goes on where it was cut off."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from mpbench.cli.selftest import command
from mpbench.errors import InvalidSessionError, OutputError, UsageError
from mpbench.model import RunEnd, RunHeader, Status
from mpbench.session.progress import NullProgress
from mpbench.session.selftest import harness_trials, harnesses
from mpbench.session.selftest.campaign import FULL, SMOKE, SelftestCampaign
from mpbench.session.selftest.harness_trials import side_by_side, trials_of, trials_table
from mpbench.session.selftest.harnesses import HarnessDecision
from mpbench.store import Writer


def finish(place, *, status=Status.OK):
    """Write a session that ended."""
    with Writer(place) as writer:
        writer.header(RunHeader("r", "2026-01-01", "0", "m", (), {}, {"here": {}}, {}))
        if status is not None:
            writer.end(RunEnd(1, status, None if status is Status.OK else "stopped"))


def test_what_is_finished_is_not_measured_again(tmp_path):
    """Finished sessions are kept; what was cut off or stopped is removed and made again."""
    campaign = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    places = {number: place for number, place, _ in campaign.missing("identical", 4)}
    finish(places[0])
    finish(places[1], status=Status.INTERRUPTED)
    finish(places[2], status=None)
    missing = [number for number, _, _ in campaign.missing("identical", 4)]

    assert [1, 2, 3] == missing
    assert 1 == len(campaign.runs("identical"))
    assert not places[1].exists()


def test_every_session_has_a_seed_of_its_own_that_stays(tmp_path):
    """Continuing a campaign tosses the coins that it would have tossed."""
    first = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    seeds = [seed for stage in ("a", "b") for _, _, seed in first.missing(stage, 3)]
    again = SelftestCampaign(tmp_path / "c", SMOKE, seed=77)

    assert seeds == [seed for stage in ("a", "b") for _, _, seed in again.missing(stage, 3)]
    assert 6 == len(set(seeds))


def test_a_folder_of_another_size_is_refused(tmp_path):
    """A toy is not continued as the real thing."""
    SelftestCampaign(tmp_path / "c", SMOKE, seed=5)

    with pytest.raises(UsageError, match="another size"):
        SelftestCampaign(tmp_path / "c", FULL, seed=5)


def test_a_folder_of_something_else_is_refused(tmp_path):
    """Nothing of the user's is written over."""
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="something else"):
        SelftestCampaign(tmp_path, SMOKE, seed=5)

    (tmp_path / "campaign.json").write_text("{")
    with pytest.raises(UsageError, match="no campaign"):
        SelftestCampaign(tmp_path, SMOKE, seed=5)

    with pytest.raises(OutputError):
        SelftestCampaign(tmp_path / "mine" / "c", SMOKE, seed=5)


def test_the_full_campaign_is_what_was_promised():
    """At least 300 comparisons over ten families, and 100 trials of three of them."""
    families = {name.partition("/")[0] for name in FULL.workloads}

    assert FULL.identical * len(FULL.workloads) >= 300
    assert len(families) >= 10
    assert 100 <= FULL.injected
    assert 3 <= len(set(FULL.slowed) & set(FULL.workloads))
    assert 20 <= FULL.harness_trials


@pytest.fixture
def fakes(monkeypatch):
    """Put harnesses in place that decide at once; one of them cannot run."""
    calls = []

    def fake(name, says):
        def decide(trial):
            calls.append((name, trial.operation, trial.side))
            if says is None:
                raise harnesses.EnvironmentUnfitError(f"{name} is not installed")
            return HarnessDecision({"rule": says if trial.side == "slow" else 0}, 2.0, 1.05)

        return decide

    known = {"mpbench": fake("mpbench", 1), "good": fake("good", 1), "absent": fake("absent", None)}
    monkeypatch.setattr(harness_trials, "HARNESSES", known)
    monkeypatch.setattr(harness_trials, "prepare", lambda folder, _: folder.mkdir(exist_ok=True))
    return calls


def test_side_by_side_trials_are_resumed(tmp_path, fakes):
    """Trials on record are not repeated, a half-written one is."""
    campaign = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    side_by_side(campaign, NullProgress())
    made = len(fakes)
    file = tmp_path / "c" / "rivals" / "trials.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:10])
    side_by_side(campaign, NullProgress())

    assert made + 1 == len(fakes)
    assert lines == file.read_text().splitlines()


def test_a_harness_that_cannot_run_is_tried_once(tmp_path, fakes):
    """Its reason stands in the table, and the others go on."""
    campaign = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    side_by_side(campaign, NullProgress())
    table = trials_table(trials_of(tmp_path / "c" / "rivals"))
    rows = {row[0]: row for row in table.rows}

    assert 1 == sum(name == "absent" for name, _, _ in fakes)
    assert 8 == sum(name in {"mpbench", "good"} for name, _, _ in fakes)
    assert "absent is not installed" in rows["absent"][3]
    assert rows["good, rule"][2].startswith("0/1")
    assert rows["good, rule"][3].startswith("1/1")


def test_records_of_trials_hold_no_nan(tmp_path, fakes):
    """What cannot be known is null."""
    campaign = SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    side_by_side(campaign, NullProgress())
    text = (tmp_path / "c" / "rivals" / "trials.jsonl").read_text()

    assert "NaN" not in text
    assert all(json.loads(line)["trial"] == 0 for line in text.splitlines())
    assert fakes


_ASV_SAYS = """
All benchmarks:

| Change   | Before [277b765d] <base>   | After [e1b4a4f2] <slow>   | Ratio   | Benchmark (Parameter)     |
|----------|----------------------------|---------------------------|---------|---------------------------|
| +        | 2.35±0.3ms                 | 2.56±0.1ms                | 1.09    | operations.time_fork_join |
|          | 35.4±2μs                   | 35.1±1μs                  | ~0.99   | operations.time_pipe_trip |
| -        | 35.4±2μs                   | 25.1±1μs                  | 0.71    | operations.time_other     |
|          | 35.4±2μs                   | n/a                       | n/a     | operations.time_gone      |
"""  # noqa: E501 - as asv prints it


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("time_fork_join", (1, 1.09)),
        ("time_pipe_trip", (0, 0.99)),
        ("time_other", (-1, 0.71)),
        ("time_gone", (0, None)),
        ("time_unknown", (0, None)),
    ],
)
def test_asv_is_understood_by_its_table(name, expected):
    """The mark of the benchmark's own row counts, not that of another."""
    assert expected == harnesses.asv_change(_ASV_SAYS, name)


@pytest.mark.parametrize("is_there", [False, True])
def test_tables_alone_need_a_campaign(tmp_path, is_there):
    """A misspelt folder is not made, and a foreign one gets nothing."""
    folder = tmp_path / "c"
    if is_there:
        folder.mkdir()
    result = CliRunner().invoke(command, ["--campaign", str(folder), "--tables-only"])

    assert isinstance(result.exception, UsageError)
    assert "no campaign in" in str(result.exception)
    assert is_there == folder.exists()
    assert [] == list(folder.glob("*"))


def test_tables_of_nothing_are_not_written(tmp_path):
    """A campaign that has measured nothing proves nothing, not even with an empty file."""
    SelftestCampaign(tmp_path / "c", SMOKE, seed=5)
    words = ["--campaign", str(tmp_path / "c"), "--tables-only", "--toy"]
    result = CliRunner().invoke(command, words)

    assert isinstance(result.exception, InvalidSessionError)
    assert not (tmp_path / "c" / "proof.md").exists()
