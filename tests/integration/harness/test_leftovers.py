"""What a killed session left is found and removed; what a live one holds is not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.agent.process_tree import descendants, tag_of, tag_prefix
from mpbench.cli.main import main
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.launch import Interpreter, launch
from mpbench.harness.private import abandoned_folders, private_folder
from mpbench.session.leftovers import Leftovers, find_leftovers, remove_leftovers

# A child that ignores SIGTERM and holds a named semaphore and a segment.
_STUBBORN = """
import signal, sys, time
from multiprocessing import current_process, get_context, shared_memory
current_process()._config["semprefix"] = "/mpb-" + sys.argv[1]
lock = get_context("spawn").Lock()
kept = shared_memory.SharedMemory(create=True, size=4096)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(kept._name.lstrip("/"), flush=True)
time.sleep(120)
"""


def orphan(tag: str) -> tuple[subprocess.Popen[str], str]:
    """Start a tagged process without a supervisor; return it and its segment."""
    process = subprocess.Popen(
        [sys.executable, "-c", _STUBBORN, tag],
        env={**os.environ, "MPBENCH_TAG": tag},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def names() -> set[str]:
    """Return what lies in shared memory."""
    return set(os.listdir("/dev/shm"))


@pytest.mark.usefixtures("nothing_left")
def test_an_orphan_and_what_it_holds_are_removed(tmp_path: Path) -> None:
    """A tagged process without a supervisor is ended, its semaphore and segment are gone."""
    tag = "0123abcd"
    process, segment = orphan(tag)
    before = names()
    found = find_leftovers(tmp_path)
    ours = found._replace(processes=tuple(one for one in found.processes if tag == tag_of(one.pid)))
    left = remove_leftovers(ours)
    process.wait(10)
    assert process.stdout is not None
    process.stdout.close()

    assert process.pid in [one.pid for one in ours.processes]
    assert segment in ours.segments
    assert [] != [name for name in before if name.startswith(tag_prefix(tag))]
    assert -signal.SIGKILL == process.returncode
    assert left.is_empty
    assert [] == [name for name in names() if name.startswith(tag_prefix(tag))]
    assert segment not in names()


def test_a_semaphore_of_a_gone_agent_is_removed(tmp_path: Path) -> None:
    """A name with the tag of a session that is gone is ours; every other is left alone."""
    ours, foreign, hidden = (
        Path("/dev/shm") / name
        for name in ("sem.mpb-deadbeef-abcdefgh", "sem.mp-abcdefgh", "sem.mpb-feedbeef-abcdefgh")
    )
    agent = tmp_path / "mpb-gone" / "a1"
    agent.mkdir(parents=True)
    (agent.parent / ".held").touch()
    (agent / "agent-deadbeef.log").touch()
    for name in (ours, foreign, hidden):
        name.touch()
    try:
        found = find_leftovers(tmp_path)
        remove_leftovers(Leftovers((), (), (ours.name,), ()))

        assert ours.name in found.segments
        assert {foreign.name, hidden.name} <= set(found.unsure)
        assert not ours.exists()
        assert foreign.exists()
    finally:
        for name in (ours, foreign, hidden):
            name.unlink(missing_ok=True)


def test_a_session_that_no_process_table_shows_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of its folder is held, so its semaphores and processes are in use."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    name = Path("/dev/shm/sem.mpb-0badcafe-abcdefgh")
    name.touch()
    with private_folder() as folder:
        (folder / "agent-0badcafe.log").touch()
        process, segment = orphan("0badcafe")
        beside = find_leftovers()
        process.kill()
        process.communicate()
        alone = find_leftovers()
    Path("/dev/shm", segment).unlink(missing_ok=True)
    for left in Path("/dev/shm").glob("sem.mpb-0badcafe-*"):
        left.unlink(missing_ok=True)

    assert process.pid not in [one.pid for one in beside.processes]
    assert name.name not in beside.segments
    assert name.name not in alone.segments
    assert name.name in alone.unsure


def test_a_live_agent_is_left_alone(tmp_path: Path) -> None:
    """Its processes and its semaphores are not among what may be removed."""
    place = install_agent_package(sys.executable, tmp_path / "handover")
    subject = Interpreter("here", sys.executable, str(place))
    with launch(subject, folder=tmp_path) as agent:
        agent.ask(
            {
                "do": "open",
                "module": "mpbench.workloads.floor.basics",
                "workload": "floor/os-pipe-round-trip",
                "method": None,
                "params": {"payload_bytes": 64},
            },
            deadline_s=30,
        )
        living = {one.pid for one in descendants(agent._process.pid)}
        tags = {tag_of(pid) for pid in living}
        held = Path(f"/dev/shm/sem.mpb-{tags.pop()}-abcdefgh")
        held.touch()
        found = find_leftovers(tmp_path)
        held.unlink()

    assert living
    assert set() == living & {one.pid for one in found.processes}
    assert held.name not in found.segments


def test_a_folder_is_abandoned_when_its_session_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A held folder, a foreign one and a link are left; one whose holder was killed is found."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = (
        "import sys, tempfile, os; tempfile.tempdir = sys.argv[1]\n"
        "from mpbench.harness.private import private_folder\n"
        "with private_folder() as path: print(path, flush=True); os.kill(os.getpid(), 9)"
    )
    dead = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False
    )
    real = os.path.realpath(dead.stdout.strip())
    (tmp_path / "mpb-foreign").mkdir()
    (tmp_path / "mpb-link").symlink_to(dead.stdout.strip())
    with private_folder() as held:
        found = abandoned_folders(tmp_path)
        was_there = held.exists()
    linked = Path(dead.stdout.strip()).parent
    if linked != tmp_path:
        # Below a long path it was reached through a link, whose folder is abandoned as well.
        is_found = linked in abandoned_folders()
        shutil.rmtree(linked)
        assert is_found

    assert [real] == [str(one) for one in found]
    assert was_there
    assert not held.exists()


def test_the_command_removes_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal it shows and refuses; with --yes it removes."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    # Other tests may have orphans at this moment; this one is about the folder.
    monkeypatch.setattr("mpbench.session.leftovers.processes", list)
    monkeypatch.setattr("mpbench.session.leftovers.segments", lambda **_: set())
    folder = tmp_path / "mpb-gone"
    folder.mkdir()
    (folder / ".held").touch()
    with pytest.raises(SystemExit) as refused:
        main(["clean"])
    kept = folder.exists()
    with pytest.raises(SystemExit) as removed:
        main(["clean", "--yes"])
    said = capsys.readouterr()

    assert (2, True) == (refused.value.code, kept)
    assert (0, False) == (removed.value.code, folder.exists())
    assert str(folder) in said.out
    assert "use --yes" in said.err
