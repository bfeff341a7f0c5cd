"""The controller of a fleet: every host measures once, and nothing is lost silently."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from simulated import Simulated, recorded

from mpbench import __version__
from mpbench.errors import InvalidSessionError, UsageError
from mpbench.fleet.campaign import FleetCampaign, HostOutcome, Settings, load, save
from mpbench.fleet.receive import Receiver
from mpbench.fleet.task import Answer, Chunk, Job
from mpbench.model import Status
from mpbench.store.writer import read

SETTINGS = Settings("c0ffee", ("--tier", "quick"), silence_timeout_s=5.0)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """Return a result file."""
    return recorded(tmp_path / "recorded")


def finished(campaign: FleetCampaign, limit: int = 500) -> tuple[HostOutcome, ...]:
    """Step to the end."""
    for _ in range(limit):
        if not campaign.step():
            return campaign.outcomes()
    raise AssertionError("the campaign does not end")


def piece(data: bytes, offset: int) -> Chunk:
    """Return an intact chunk."""
    return Chunk("key", offset, data, hashlib.sha256(data).hexdigest())


def test_every_host_measures_once(tmp_path: Path, content: bytes) -> None:
    """Lost, damaged and doubled messages change nothing: the answer has the whole file."""
    cluster = Simulated([f"10.0.0.{n}" for n in range(20)], content)
    outcomes = finished(FleetCampaign(cluster, SETTINGS, tmp_path / "out"))

    assert sorted(cluster.alive.values()) == sorted(cluster.started)
    assert {Status.OK} == {one.status for one in outcomes}
    assert {content} == {(one.folder / "results.jsonl").read_bytes() for one in outcomes}
    assert sorted(cluster.started) == sorted(cluster.discarded)


def test_a_host_that_dies_is_lost_and_its_lines_are_kept(tmp_path: Path, content: bytes) -> None:
    """After its patience the campaign ends with what the others gave, and says so."""
    clock = Clock()
    cluster = Simulated(["a", "b"], content, seed=3, step=200)
    campaign = FleetCampaign(cluster, SETTINGS, tmp_path / "out", clock=clock)
    for _ in range(12):
        campaign.step()
    del cluster.alive["tcp://a:1"]
    waited = campaign.step()
    clock.now = 5.0
    lost, fine = finished(campaign)
    run = read(lost.folder)

    assert waited
    assert (Status.LOST, "no worker for 5 s") == (lost.status, lost.reason)
    assert 0 < lost.repetitions < fine.repetitions
    assert run.end is not None
    assert Status.LOST is run.end.status
    assert Status.OK is fine.status


def test_a_worker_that_comes_back_goes_on(tmp_path: Path, content: bytes) -> None:
    """Another worker of the same host takes the job; a third death is the last."""
    cluster = Simulated(["a"], content)
    campaign = FleetCampaign(cluster, SETTINGS, tmp_path / "out", clock=Clock())
    campaign.step()
    cluster.alive = {"tcp://a:2": "a"}
    (again,) = finished(campaign)

    assert ["a", "a"] == cluster.started
    assert Status.OK is again.status


def test_a_host_that_joins_late_measures_too(tmp_path: Path, content: bytes) -> None:
    """A worker that was added while others measure is given a job."""
    cluster = Simulated(["a"], content)
    campaign = FleetCampaign(cluster, SETTINGS, tmp_path / "out")
    campaign.step()
    cluster.alive["tcp://b:1"] = "b"
    outcomes = finished(campaign)

    assert [("a", Status.OK), ("b", Status.OK)] == [(one.host, one.status) for one in outcomes]


def test_a_campaign_goes_on_with_the_hosts_that_are_not_done(
    tmp_path: Path, content: bytes
) -> None:
    """What is done is not measured again."""
    out = tmp_path / "out"
    first = FleetCampaign(Simulated(["a"], content), SETTINGS, out)
    save(out, SETTINGS, finished(first))
    name, arguments, done = load(out)
    cluster = Simulated(["a", "b"], content)
    second = FleetCampaign(cluster, SETTINGS, out)
    for one in done:
        second.restore(one)
    outcomes = finished(second)

    assert (SETTINGS.campaign, SETTINGS.arguments) == (name, arguments)
    assert ["b"] == cluster.started
    assert ["a", "b"] == [one.host for one in outcomes]
    assert {20} == {one.repetitions for one in outcomes}


def test_a_lost_host_is_expected_when_a_campaign_goes_on(tmp_path: Path, content: bytes) -> None:
    """It is waited for, and when it does not come back it is lost again, with its records."""
    out = tmp_path / "out"
    clock = Clock()
    cluster = Simulated(["a", "b"], content, seed=3, step=200)
    first = FleetCampaign(cluster, SETTINGS, out, clock=clock)
    for _ in range(12):
        first.step()
    del cluster.alive["tcp://a:1"]
    first.step()
    clock.now = 5.0
    save(out, SETTINGS, finished(first))
    again = Simulated(["b"], content)
    second = FleetCampaign(again, SETTINGS, out, clock=clock)
    for one in load(out)[2]:
        second.restore(one)
    is_waited_for = second.step()
    clock.now = 10.0
    lost, fine = finished(second)

    assert is_waited_for
    assert [] == again.started
    assert (Status.LOST, "no worker for 5 s") == (lost.status, lost.reason)
    assert 0 < lost.repetitions
    assert Status.OK is fine.status


def test_a_campaign_that_is_given_up_keeps_what_arrived(tmp_path: Path, content: bytes) -> None:
    """Ctrl-C stops what runs; every host that was not done is lost, with its records."""
    cluster = Simulated(["a", "b"], content, seed=3, step=200)
    campaign = FleetCampaign(cluster, SETTINGS, tmp_path / "out", clock=Clock())
    for _ in range(12):
        campaign.step()
    campaign.give_up("stopped by the user")
    outcomes = campaign.outcomes()

    assert {(Status.LOST, "stopped by the user")} == {(one.status, one.reason) for one in outcomes}
    assert all(one.repetitions for one in outcomes)
    assert [] == cluster.discarded
    assert 1 == len(cluster.stopped)


def test_a_host_with_another_version_fails(tmp_path: Path, content: bytes) -> None:
    """What it measured is not taken for a result of this version, and both are named."""
    cluster = Simulated(["a"], content)
    cluster.version = "0.0.7"
    (outcome,) = finished(FleetCampaign(cluster, SETTINGS, tmp_path / "out"))

    assert Status.FAILED is outcome.status
    assert (outcome.reason or "").startswith(f"host has mpbench 0.0.7, expected {__version__}")


def test_a_host_that_measured_nothing_keeps_nothing(tmp_path: Path) -> None:
    """A run that failed before its first line has failed, and its folder on the host is removed."""
    cluster = Simulated(["a"], b"")
    cluster.code = 2
    (outcome,) = finished(FleetCampaign(cluster, SETTINGS, tmp_path / "out"))

    assert Status.FAILED is outcome.status
    assert ["a"] == cluster.discarded


def test_the_first_worker_is_waited_for(tmp_path: Path, content: bytes) -> None:
    """A scheduler that was just started has none yet; without any, nothing was measured."""
    clock = Clock()
    cluster = Simulated([], content)
    campaign = FleetCampaign(cluster, SETTINGS, tmp_path, clock=clock)
    waiting = campaign.step()
    clock.now = 5.0
    given_up = not campaign.step()

    assert (True, True) == (waiting, given_up)
    with pytest.raises(InvalidSessionError, match="no workers"):
        campaign.outcomes()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"campaign": 1, "hosts": 3}', "[" * 100_000])
def test_a_foreign_campaign_file_is_refused(tmp_path: Path, text: str) -> None:
    """One clear error, whatever is in it."""
    (tmp_path / "campaign.json").write_text(text)

    with pytest.raises(UsageError, match="is no campaign"):
        load(tmp_path)


def test_a_receiver_refuses_what_is_damaged_or_comes_too_early(tmp_path: Path) -> None:
    """Only what continues the file is taken; the same lines again change nothing."""
    receiver = Receiver(tmp_path / "host")
    early = receiver.take(piece(b"two\n", 4))
    damaged = receiver.take(piece(b"one\n", 0)._replace(data=b"One\n"))
    for data, offset in ((b"one\n", 0), (b"two\n", 4), (b"one\n", 0)):
        assert receiver.take(piece(data, offset))

    assert (False, False) == (early, damaged)
    assert b"one\ntwo\n" == receiver.file.read_bytes()


def test_a_receiver_starts_again_when_the_host_did(tmp_path: Path) -> None:
    """A host that lost its file sends another one from the beginning."""
    receiver = Receiver(tmp_path / "host")
    receiver.take(piece(b"one\ntwo\n", 0))
    receiver.take(piece(b"new\n", 0))

    assert b"new\n" == receiver.file.read_bytes()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(0, "", b"junk", ""), "arrived damaged"),
        (Answer(0, "", b"x\x9c\x03\x00\x00\x00\x00\x01", "wrong"), "the digest differs"),
    ],
)
def test_a_damaged_answer_is_said_to_be(tmp_path: Path, answer: Answer, words: str) -> None:
    """It replaces nothing."""
    assert words in (Receiver(tmp_path).complete(answer) or "")
    assert [] == list(tmp_path.iterdir())


def test_a_hostile_host_name_stays_in_the_folder() -> None:
    """The folder of a host is a plain file name, and no two hosts share one."""
    names = ["..", ".", "../../etc/x", "a/b", "a_b", "10.0.0.1", "::1", "x" * 300]
    folders = [Job("c", name, ()).folder for name in names]

    assert "10.0.0.1" == folders[5]
    assert len(names) == len(set(folders))
    assert not [one for one in folders if "/" in one or one.startswith(".") or len(one) > 120]
