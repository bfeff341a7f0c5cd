"""The folder of a session, where there is no place for it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mpbench.errors import AgentError, EnvironmentUnfitError
from mpbench.harness.agents import Agents
from mpbench.harness.launch import Subject
from mpbench.harness.private import private_folder
from mpbench.session.exclusive import exclusive


def test_a_private_folder_is_private_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else can enter it, its marker is the user's own, and leaving removes it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with private_folder() as path:
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path / ".held")]

    assert [0o700, 0o600] == modes
    assert not path.exists()


def test_no_place_for_temporary_files_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there is no bug of ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))

    with pytest.raises(EnvironmentUnfitError, match="set TMPDIR"), private_folder():
        pass


def test_no_folder_for_an_agent_is_an_agent_error(tmp_path: Path) -> None:
    """The session's own folder was removed under it."""
    agents = Agents(tmp_path / "gone")
    taken = agents.take(Subject("here", "python", str(tmp_path)))

    with pytest.raises(AgentError, match="no folder for an agent"), taken:
        pass


def test_a_lock_that_cannot_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in its place is not followed."""
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    monkeypatch.setenv("MPBENCH_LOCK", str(tmp_path / "lock"))

    with pytest.raises(EnvironmentUnfitError, match="cannot be opened"), exclusive():
        pass

    assert not (tmp_path / "precious").exists()
