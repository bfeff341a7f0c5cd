"""What a host of a fleet does: the environment of its run, and who can read its files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mpbench import __version__
from mpbench.fleet.campaign import HostOutcome, Settings, save
from mpbench.fleet.receive import Receiver
from mpbench.fleet.task import Chunk, Job, measure
from mpbench.model import Status

# Stands for the interpreter: tells what it was given, and fails.
_TELLS = """#!/bin/sh
env >"$HOME/environment"
echo "cannot measure" >&2
exit 2
"""


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of everything below a folder."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
    }


@pytest.fixture
def teller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a program that writes its environment down."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = tmp_path / "python"
    program.write_text(_TELLS)
    program.chmod(0o700)
    return program


def test_a_run_sees_nothing_of_its_worker(
    teller: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Dask sets for its workers, and what the user keeps secret, stays outside."""
    for name in ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_", "DASK_PARENT", "SECRET_TOKEN"):
        monkeypatch.setenv(name, "1")
    answer = measure(Job("c0ffee", "here", (), str(teller)), lambda _: None)
    seen = {line.partition("=")[0] for line in (tmp_path / "environment").read_text().splitlines()}

    assert (2, "cannot measure") == (answer.code, answer.said)
    assert {"HOME", "PATH"} <= seen
    assert set() == seen & {"OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_", "DASK_PARENT"}
    assert "SECRET_TOKEN" not in seen


def test_another_version_measures_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker, or the interpreter that it is to use, answers with its version at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    other = tmp_path / "mpbench"
    other.mkdir()
    (other / "__init__.py").write_text('__version__ = "0.0.7"')
    there = measure(Job("c0ffee", "here", (), mpbench="0.0.7"), lambda _: None)
    here = measure(Job("c0ffee", "here", (), mpbench=__version__), lambda _: None)

    assert __version__ == there.mpbench
    assert "0.0.7" == here.mpbench
    assert not list(tmp_path.rglob("results.jsonl"))


def test_an_interpreter_that_is_not_there_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails the host at once, for it would not be there the next time either."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    answer = measure(Job("c0ffee", "here", (), "/no/such"), lambda _: None)

    assert 127 == answer.code
    assert "/no/such cannot be started: No such file or directory" == answer.said


def test_only_its_user_can_read_what_a_host_keeps(teller: Path, tmp_path: Path) -> None:
    """Its folder is private, so are the folders above it that mpbench made."""
    measure(Job("c0ffee", "here", (), str(teller)), lambda _: None)
    folder = tmp_path / "cache" / "mpbench" / "fleet" / "mpbench-c0ffee-here"

    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)


def test_only_its_user_can_read_what_a_controller_gathers(tmp_path: Path) -> None:
    """Folders are entered, and files read, by their owner alone."""
    import hashlib

    folder = tmp_path / "campaign"
    settings = Settings("c0ffee", ())
    save(folder, settings, (HostOutcome("here", Status.OK, None, 1, folder),))
    data = b"a line\n"
    receiver = Receiver(folder / "here")
    taken = receiver.take(Chunk("key", 0, data, hashlib.sha256(data).hexdigest()))

    assert taken
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert {"campaign.json": 0o600, "here": 0o700, "here/results.jsonl": 0o600} == modes(folder)
