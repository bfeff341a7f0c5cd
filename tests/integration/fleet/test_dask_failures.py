"""What goes wrong in a fleet of real Dask workers: nothing is measured twice or lost silently."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import (
    RUN,
    Cluster,
    fleet,
    held_campaign,
    repetitions_in,
    statuses,
    wait_for,
)

from mpbench.model import Run, Status
from mpbench.session.machine_lock import machine_lock
from mpbench.store.writer import read

pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
WHOLE = list(range(20))
# The exit code of a check before a worker is there.
EMPTY = 4


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a scheduler without workers."""
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


def numbers(run: Run) -> list[int]:
    """Return which repetitions a run has."""
    return sorted(one.number for one in run.repetitions)


def test_one_worker_is_killed_and_one_is_added(cluster: Cluster, tmp_path: Path) -> None:
    """The killed host is lost with its records, the others are whole; resuming finishes it."""
    out = tmp_path / "out"
    worker = cluster.worker(FIRST)
    controller, held = held_campaign(cluster, out, FIRST, patience="5s")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    cluster.release(held)
    cluster.worker(SECOND)
    held = cluster.hold(SECOND)
    cluster.worker(THIRD)
    controller.waits_for(lambda: f"{THIRD}: measuring on" in controller.said())
    controller.waits_for(lambda: f"{FIRST}: lost" in controller.said())
    cluster.release(held)
    code, after_kill, kept = controller.end(), statuses(out), read(out / FIRST)
    cluster.worker(FIRST)
    again = fleet(cluster.address, out, "--patience", "2s", "--resume", str(out))
    resumed = again.end()
    runs = {host: read(out / host) for host in (FIRST, SECOND, THIRD)}

    assert 1 == code, controller.said()
    assert {FIRST: "lost", SECOND: "ok", THIRD: "ok"} == after_kill
    assert 2 <= len(kept.repetitions) < len(WHOLE)
    assert kept.end is not None
    assert Status.LOST is kept.end.status
    assert 0 == resumed, again.said()
    assert {FIRST: "ok", SECOND: "ok", THIRD: "ok"} == statuses(out)
    assert dict.fromkeys(runs, WHOLE) == {host: numbers(run) for host, run in runs.items()}
    assert kept.repetitions == runs[FIRST].repetitions[: len(kept.repetitions)]
    assert (out / "report.html").exists()


def test_a_slow_host_is_waited_for(cluster: Cluster, tmp_path: Path) -> None:
    """A host that says nothing for longer than the patience is not lost while its worker lives."""
    out = tmp_path / "out"
    cluster.worker(FIRST)
    controller, held = held_campaign(cluster, out, FIRST, patience="1s")
    # Three times the patience; that it waits is the point, not how long.
    time.sleep(3)
    waited = controller.process.poll() is None
    cluster.release(held)
    code = controller.end()

    assert waited
    assert 0 == code, controller.said()
    assert {FIRST: "ok"} == statuses(out)
    assert WHOLE == numbers(read(out / FIRST))


@pytest.mark.parametrize("nanny", [False, True])
def test_ctrl_c_stops_the_hosts(cluster: Cluster, tmp_path: Path, nanny: bool) -> None:
    """The hosts end their runs and free their lock; a second Ctrl-C costs no report."""
    out = tmp_path / "out"
    worker = cluster.worker(FIRST, nanny=nanny)
    slow = ("--", *RUN[:4], "--reps", "5000", "--budget", "60m")
    controller = fleet(cluster.address, out, "-o", str(out), *slow)
    controller.waits_for(lambda: repetitions_in(out, FIRST) >= 2)
    running = cluster.runs_on(FIRST)
    controller.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    controller.process.send_signal(signal.SIGINT)
    code, kept = controller.end(), read(out / FIRST)
    wait_for(lambda: not cluster.runs_on(FIRST))
    (there,) = (tmp_path / "cache" / "mpbench" / "fleet").glob("mpbench-*")
    on_host = read(there / "out")

    assert 1 == len(running)
    assert 130 == code, controller.said()
    assert "Traceback" not in controller.said()
    assert worker.poll() is None
    assert {FIRST: "lost"} == statuses(out)
    assert (out / "report.html").exists()
    assert kept.end is not None
    assert Status.LOST is kept.end.status
    assert on_host.end is not None
    assert Status.INTERRUPTED is on_host.end.status
    with machine_lock():
        pass


def test_a_worker_without_mpbench_lives_on(cluster: Cluster, tmp_path: Path) -> None:
    """It is somebody else's: it is asked in built-in types, answers, and is not asked again."""
    out = tmp_path / "out"
    workers = [cluster.worker(FIRST), cluster.worker(SECOND, version=None)]
    other = cluster.worker(THIRD, version="0.0.9")
    checks = [fleet(cluster.address, out, "--check")]
    while checks[-1].end() == EMPTY or checks[-1].said().count("Python") < len((*workers, other)):
        checks.append(fleet(cluster.address, out, "--check"))
    controller = fleet(cluster.address, out, "-o", str(out), *RUN)
    code = controller.end()

    assert 1 == code, controller.said()
    assert {FIRST: "ok", SECOND: "failed", THIRD: "failed"} == statuses(out)
    assert "host has mpbench none, expected" in controller.said()
    assert "mpbench none, expected" in checks[-1].said()
    assert [None, None, None] == [worker.poll() for worker in (*workers, other)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_controller_that_is_gone_frees_its_hosts(
    cluster: Cluster, tmp_path: Path, number: signal.Signals
) -> None:
    """Killed, it renews no lease; hung up, it stops its hosts as Ctrl-C does."""
    out = tmp_path / "out"
    worker = cluster.worker(FIRST)
    slow = ("--", *RUN[:4], "--reps", "5000", "--budget", "60m")
    controller = fleet(cluster.address, out, "-o", str(out), *slow)
    controller.waits_for(lambda: repetitions_in(out, FIRST) >= 2)
    controller.process.send_signal(number)
    code = controller.end()
    began = time.monotonic()
    wait_for(lambda: not cluster.runs_on(FIRST))
    print(f"{number.name}: free after {time.monotonic() - began:.1f} s")

    assert code == {signal.SIGKILL: -signal.SIGKILL, signal.SIGHUP: 130}[number]
    assert worker.poll() is None
    with machine_lock(wait_s=5.0):
        pass


def test_a_scheduler_that_is_gone_ends_the_campaign(cluster: Cluster, tmp_path: Path) -> None:
    """Every host that was not done is lost with its records; a new scheduler and --resume go on."""
    out = tmp_path / "out"
    cluster.worker(FIRST)
    controller, held = held_campaign(cluster, out, FIRST, patience="5s")
    cluster.kill_scheduler()
    code = controller.end()
    cluster.release(held)
    lost, kept = statuses(out), read(out / FIRST)
    cluster.restart_scheduler()
    cluster.worker(FIRST)
    again = fleet(cluster.address, out, "--patience", "20s", "--resume", str(out))
    resumed = again.end()

    assert 1 == code, controller.said()
    assert {FIRST: "lost"} == lost
    assert kept.end is not None
    assert Status.LOST is kept.end.status
    assert 2 <= len(kept.repetitions) < len(WHOLE)
    assert 0 == resumed, again.said()
    assert {FIRST: "ok"} == statuses(out)
    assert WHOLE == numbers(read(out / FIRST))


def test_a_scheduler_that_restarts_is_no_answer(cluster: Cluster, tmp_path: Path) -> None:
    """A new scheduler knows no task of the old one: the campaign ends or goes on, never hangs."""
    out = tmp_path / "out"
    cluster.worker(FIRST)
    controller, held = held_campaign(cluster, out, FIRST, patience="5s")
    cluster.kill_scheduler()
    cluster.restart_scheduler()
    cluster.release(held)
    cluster.worker(FIRST)
    code = controller.end()
    again = fleet(cluster.address, out, "--patience", "20s", "--resume", str(out))
    resumed = again.end()

    assert code in {0, 1}, controller.said()
    assert "Traceback" not in controller.said()
    assert 0 == resumed, again.said()
    assert {FIRST: "ok"} == statuses(out)
    assert WHOLE == numbers(read(out / FIRST))


def test_a_job_that_is_delivered_twice_measures_once(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two workers of a host waits for the first and gives the same file."""
    from mpbench.fleet.dask import DaskCluster, Tls, connected
    from mpbench.fleet.task import Answer, Job

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cluster.worker(FIRST)
    cluster.worker(FIRST)
    job = Job("c0ffee", FIRST, RUN)
    with connected(cluster.address, Tls()) as client:
        dask = DaskCluster(client, job.campaign)
        wait_for(lambda: len(dask.workers()) == 2)
        here, there = dask.workers()
        first = dask.start(job, here)
        held = cluster.hold(FIRST)
        second = dask.start(job, there)
        cluster.release(held)
        wait_for(lambda: first.answer() is not None and second.answer() is not None)
        answers = (first.answer(), second.answer())
        content = (tmp_path / "cache/mpbench/fleet" / job.key / "out/results.jsonl").read_bytes()
    (tmp_path / "results.jsonl").write_bytes(content)

    assert all(isinstance(one, Answer) for one in answers), answers
    assert 1 == len({one.digest for one in answers if isinstance(one, Answer)})
    assert "measured before" == answers[1].said  # type: ignore[union-attr]
    assert WHOLE == numbers(read(tmp_path / "results.jsonl"))
