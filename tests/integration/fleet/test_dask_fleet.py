"""A fleet on real Dask workers, each a process with a loopback address of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpbench.cli.main import main
from mpbench.model import Status
from mpbench.store.jsonl import read

pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

_RUN = (
    *("--select", "floor/os-pipe-round-trip", "--param", "payload_bytes=64"),
    *("--reps", "8", "--budget", "60s"),
)
_DASK = (sys.executable, "-m")
_FLEET = (sys.executable, "-m", "mpbench", "fleet")
_LIMIT_S = 90


class Cluster:
    """A scheduler and workers, all processes of this test."""

    def __init__(self, folder: Path, *security: str) -> None:
        self._folder = folder
        self._security = security
        self._file = folder / "scheduler.json"
        self._environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(folder / "cache"),
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
        }
        self._living: list[subprocess.Popen[bytes]] = []
        self._start(
            "scheduler",
            *("--host", "tls://127.0.0.1" if security else "127.0.0.1"),
            *("--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(self._file)),
        )
        wait_for(self._file.exists)
        self.address = str(json.loads(self._file.read_text())["address"])

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [*_DASK, f"distributed.cli.dask_{what}", *arguments, *self._security],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        self._living.append(process)
        return process

    def worker(self, host: str) -> subprocess.Popen[bytes]:
        """Start a worker on a loopback address."""
        return self._start(
            "worker",
            self.address,
            *("--host", host, "--name", host, "--nthreads", "1"),
            *("--no-nanny", "--no-dashboard", "--memory-limit", "0"),
            *("--local-directory", str(self._folder / host)),
        )

    def close(self) -> None:
        """End every process."""
        for process in reversed(self._living):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Return a scheduler without workers."""
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.close()


def wait_for(happened: Callable[[], bool]) -> None:
    """Look again and again until something has happened."""
    limit = time.monotonic() + _LIMIT_S
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.05)


def fleet(cluster: Cluster, *arguments: str) -> subprocess.Popen[str]:
    """Start `mpbench fleet`."""
    return subprocess.Popen(
        [*_FLEET, "--scheduler", cluster.address, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def repetitions_in(out: Path, host: str) -> int:
    """Count what has arrived from a host."""
    file = out / host / "results.jsonl"
    return file.read_bytes().count(b'"repetition"') if file.exists() else 0


def statuses(out: Path) -> dict[str, str]:
    """Return what became of each host."""
    return {
        one["host"]: one["status"]
        for one in json.loads((out / "campaign.json").read_text())["hosts"]
    }


def test_one_worker_is_killed_and_one_is_added(cluster: Cluster, tmp_path: Path) -> None:
    """The killed host is lost with its records, the others are whole; resuming finishes it."""
    out = tmp_path / "out"
    first, second, third = "127.0.0.2", "127.0.0.3", "127.0.0.4"
    workers = {first: cluster.worker(first)}
    controller = fleet(cluster, "--patience", "15s", "-o", str(out), "--", *_RUN)
    wait_for(lambda: repetitions_in(out, first) >= 2 or controller.poll() is not None)
    workers[first].send_signal(signal.SIGKILL)
    workers[first].wait()
    cluster.worker(second)
    wait_for(lambda: repetitions_in(out, second) >= 1 or controller.poll() is not None)
    cluster.worker(third)
    said, _ = controller.communicate(timeout=_LIMIT_S)
    after_kill, kept = statuses(out), read(out / first)
    cluster.worker(first)
    again = fleet(cluster, "--patience", "2s", "--resume", str(out))
    resumed, _ = again.communicate(timeout=_LIMIT_S)
    runs = {host: read(out / host) for host in (first, second, third)}
    numbers = {host: sorted(one.number for one in run.repetitions) for host, run in runs.items()}

    assert 1 == controller.returncode, said
    assert {first: "lost", second: "ok", third: "ok"} == after_kill
    assert 2 <= len(kept.repetitions) < 8
    assert kept.end is not None
    assert Status.LOST is kept.end.status
    assert 0 == again.returncode, resumed
    assert {first: "ok", second: "ok", third: "ok"} == statuses(out)
    assert {host: list(range(8)) for host in runs} == numbers
    assert kept.repetitions == runs[first].repetitions[: len(kept.repetitions)]
    assert (out / "report.html").exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense://127.0.0.1:9", "'nonsense://127.0.0.1:9' is no address of a Dask scheduler"),
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_a_scheduler_that_is_not_there_is_one_clear_line(
    tmp_path: Path, address: str, words: str
) -> None:
    """The address is named, the exit code says that the input was wrong, no folder is made."""
    done = subprocess.run(
        [*_FLEET, "--scheduler", address, "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 2 == done.returncode
    assert f"mpbench: {words}" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """Return a certificate that vouches for itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_certificates_are_passed_on(tmp_path: Path, certificate: tuple[str, str]) -> None:
    """A scheduler with TLS takes who has the certificate and nobody else."""
    ours, key = certificate
    security = ("--tls-ca-file", ours, "--tls-cert", ours, "--tls-key", key)
    cluster = Cluster(tmp_path, *security)
    try:
        cluster.worker("127.0.0.1")
        wait_for((tmp_path / "127.0.0.1").exists)
        out = tmp_path / "out"
        taken = fleet(cluster, *security, "-o", str(out), "--", *_RUN[:4], "--reps", "1")
        said, _ = taken.communicate(timeout=_LIMIT_S)
        refused = fleet(cluster, "-o", str(tmp_path / "no"))
        reason, _ = refused.communicate(timeout=_LIMIT_S)
    finally:
        cluster.close()

    assert cluster.address.startswith("tls://")
    assert 0 == taken.returncode, said
    assert {"127.0.0.1": "ok"} == statuses(out)
    assert 2 == refused.returncode
    assert reason.startswith("mpbench: no Dask scheduler answers at tls://")


@pytest.mark.parametrize("given", [["-o", "x"], ["-ox"], ["--resume=x"], ["--workload-file", "x"]])
def test_options_that_name_places_are_not_passed_on(given: list[str]) -> None:
    """They would mean another folder on each host."""
    with pytest.raises(SystemExit) as ended:
        main(["fleet", "--local", "1", "--", *given])

    assert 2 == ended.value.code


def test_a_local_cluster_is_a_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its workers measures, one after the other under the machine's lock."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = tmp_path / "out"
    done = subprocess.run(
        [*_FLEET, "--local", "2", "-o", str(out), "--", *_RUN[:4], "--reps", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert {"0": "ok", "1": "ok"} == statuses(out)
    assert {2} == {len(read(out / host).repetitions) for host in ("0", "1")}
    assert [] == list((tmp_path / "cache" / "mpbench" / "fleet").iterdir())
