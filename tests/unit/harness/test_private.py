"""The folder of a session, where there is no place for it."""

from __future__ import annotations

import shutil
import socket
import stat
from pathlib import Path

import pytest

from mpbench.errors import AgentError, EnvironmentUnfitError
from mpbench.harness.agents import AgentFactory
from mpbench.harness.interpreter import Interpreter, scrubbed_environment
from mpbench.harness.private import private_folder
from mpbench.session.machine_lock import machine_lock


def test_a_private_folder_is_private_and_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else can enter it, its marker is the user's own, and leaving removes it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with private_folder() as path:
        modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path / ".held")]

    assert [0o700, 0o600] == modes
    assert not path.exists()


def test_a_socket_fits_below_a_long_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of a manager's socket is short, its file lies where TMPDIR says, nothing is left."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with private_folder() as path, socket.socket(socket.AF_UNIX) as listener:
        inner = path / "axxxxxxxx" / "pymp-xxxxxxxx"
        inner.mkdir(parents=True)
        listener.bind(str(inner / "listener-xxxxxxxx"))
        (real,) = deep.glob("mpb-*")
        is_there = (real / "axxxxxxxx" / "pymp-xxxxxxxx" / "listener-xxxxxxxx").exists()

    assert is_there
    assert [] == list(deep.iterdir())
    assert not path.parent.exists()


def test_no_short_place_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long TMPDIR without anything shorter is refused before measuring, and leaves nothing."""
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    monkeypatch.setattr("mpbench.harness.private._SHORT", tmp_path / "gone")

    with pytest.raises(EnvironmentUnfitError, match="too long for sockets"), private_folder():
        pass

    assert [] == list(deep.iterdir())


def test_no_place_for_temporary_files_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there is no bug of ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))

    with pytest.raises(EnvironmentUnfitError, match="set TMPDIR"), private_folder():
        pass


def test_no_folder_for_an_agent_is_an_agent_error(tmp_path: Path) -> None:
    """The session's own folder was removed under it."""
    agents = AgentFactory(tmp_path / "gone")
    taken = agents.take(Interpreter("here", "python", str(tmp_path)))

    with pytest.raises(AgentError, match="no folder for an agent"), taken:
        pass


def test_a_lock_that_cannot_be_opened_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in its place is not followed."""
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    monkeypatch.setenv("MPBENCH_LOCK", str(tmp_path / "lock"))

    with pytest.raises(EnvironmentUnfitError, match="cannot be opened"), machine_lock():
        pass

    assert not (tmp_path / "precious").exists()


@pytest.mark.parametrize("where", ["pathlib.Path.mkdir", "pathlib.Path.touch", "shutil.rmtree"])
def test_ctrl_c_at_any_moment_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Right after the folder was made, before it is marked, or while it is removed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    real = {"mkdir": Path.mkdir, "touch": Path.touch, "rmtree": shutil.rmtree}
    left = [1]

    def interrupted(*words, **named):
        real[where.rpartition(".")[2]](*words, **named)
        if left.pop(0) if left else 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupted)
    with pytest.raises(KeyboardInterrupt), private_folder():
        pass

    assert [] == list(tmp_path.iterdir())


def test_two_agents_have_environments_of_different_size(tmp_path):
    """The size follows from the hash seed, and stays below a page."""
    interpreter = Interpreter("3.11", "python", "folder")
    environments = [
        scrubbed_environment(interpreter, folder=tmp_path, hash_seed=seed, tag="t")
        for seed in (0, 7, 4_095, 4_096 + 7)
    ]

    assert [0, 7, 4_095, 7] == [len(each["MPBENCH_PADDING"]) for each in environments]
