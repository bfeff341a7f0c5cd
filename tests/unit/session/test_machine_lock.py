"""The measuring lock of a machine that several users share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpbench.errors import EnvironmentUnfitError
from mpbench.harness.private import private_folder
from mpbench.session import machine_lock as module
from mpbench.session.machine_lock import machine_lock


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the path of a lock that this test has for itself."""
    path = tmp_path / "mpbench.lock"
    monkeypatch.setenv("MPBENCH_LOCK", str(path))
    before = os.umask(0o077)
    yield path
    os.umask(before)


def test_a_new_lock_can_be_held_by_every_user(lock: Path) -> None:
    """The umask of the first user does not shut out the second."""
    with machine_lock():
        assert 0o666 == lock.stat().st_mode & 0o777


def test_a_lock_of_another_user_is_held_without_writing(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holding a lock needs no right to write its file."""
    lock.write_text("pid 1")
    opened = os.open

    def refused(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR and not flags & os.O_EXCL:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode)

    monkeypatch.setattr(module.os, "open", refused)
    with (
        machine_lock(),
        pytest.raises(EnvironmentUnfitError, match="--wait DURATION"),
        machine_lock(),
    ):
        pass

    assert "pid 1" == lock.read_text()


def test_the_lock_does_not_follow_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two users with folders of their own still notice each other."""
    monkeypatch.delenv("MPBENCH_LOCK")
    before = module._lock_file()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    assert before == module._lock_file()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _somebodys_text(path: Path) -> None:
    path.write_text("pid 12 is what I must remember")


@pytest.mark.parametrize("make", [_pipe, Path.mkdir, _somebodys_text])
def test_what_is_no_lock_is_refused_at_once(lock: Path, make) -> None:
    """A pipe is not waited for, and somebody's text is not overwritten."""
    make(lock)
    before = lock.read_bytes() if lock.is_file() else None

    with pytest.raises(EnvironmentUnfitError, match="MPBENCH_LOCK"), machine_lock(wait_s=60.0):
        pass

    assert before == (lock.read_bytes() if lock.is_file() else None)


def test_the_temporary_folder_may_be_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TMPDIR=. stays relative in Python; agents work elsewhere and need the whole path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", ".")

    with private_folder() as folder:
        is_whole = folder.is_absolute()

    assert is_whole


@pytest.mark.usefixtures("lock")
def test_who_waits_is_told_once_and_advised_once() -> None:
    """The note says that it waits; the refusal does not advise what was done already."""
    notes: list[str] = []
    with (
        machine_lock(),
        pytest.raises(EnvironmentUnfitError) as refused,
        machine_lock(wait_s=0.01, note=notes.append),
    ):
        pass

    assert ["waiting up to 0.01 s for another session on this machine"] == notes
    assert "after 0.01 s of waiting" in str(refused.value)
    assert 1 == str(refused.value).count("--wait")
