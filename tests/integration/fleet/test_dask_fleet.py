"""A fleet as its user meets it: addresses, certificates, options, a cluster on this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from clusters import FLEET, LIMIT_S, RUN, Cluster, fleet, statuses, wait_for

from mpbench.cli.main import main
from mpbench.store.writer import read

pytest.importorskip("distributed")

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense://127.0.0.1:9", "'nonsense://127.0.0.1:9' is no address of a Dask scheduler"),
        ("tcp://127.0.0.1", "'tcp://127.0.0.1' is no address of a Dask scheduler: it has no port"),
        ("tcp://:8786", "'tcp://:8786' is no address of a Dask scheduler: it has no host"),
        ("tcp://127.0.0.1:99999", "is no address of a Dask scheduler: Port out of range 0-65535"),
        ("tcp://127.0.0.1:9", "no Dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_a_scheduler_that_is_not_there_is_one_clear_line(
    tmp_path: Path, address: str, words: str
) -> None:
    """The address is named, the exit code says that the input was wrong, no folder is made."""
    done = subprocess.run(
        [*FLEET, "--scheduler", address, "-o", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert words in done.stderr
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
        words = (*security, "-o", str(out), "--", *RUN[:4], "--reps", "1")
        taken = fleet(cluster.address, out, *words)
        code = taken.end()
        refused = fleet(cluster.address, tmp_path / "no", "-o", str(tmp_path / "no"))
        refused_code = refused.end()
    finally:
        cluster.close()

    assert cluster.address.startswith("tls://")
    assert 0 == code, taken.said()
    assert {"127.0.0.1": "ok"} == statuses(out)
    assert 2 == refused_code
    assert f"mpbench: {cluster.address} asks for certificates" in refused.said()
    assert 1 == len(refused.said().splitlines())


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
        [*FLEET, "--local", "2", "-o", str(out), "--", *RUN[:4], "--reps", "2"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=LIMIT_S,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert {"0": "ok", "1": "ok"} == statuses(out)
    assert {2} == {len(read(out / host).repetitions) for host in ("0", "1")}
    assert [] == list((tmp_path / "cache" / "mpbench" / "fleet").iterdir())
    assert {"cache", "out"} == {path.name for path in tmp_path.iterdir()}
