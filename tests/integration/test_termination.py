"""However a run ends, nothing remains, what was measured is kept, and the run can go on."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpbench.agent.process_tree import descendants, processes, segments, tag_of
from mpbench.harness.private import abandoned_folders
from mpbench.model import Run, Status
from mpbench.store.writer import read

_COMMAND = (
    *(sys.executable, "-m", "mpbench", "run", "--select", "floor/os-pipe-round-trip"),
    *("--param", "payload_bytes=64"),
)
_LONG = ("--reps", "2000", "--budget", "10m")


class Controller:
    """One `mpbench run` in a session and a temporary folder of its own."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.out = folder / "out"
        # Long enough for the link that is made where a socket's path would be too long.
        self.temporary = folder / "temporary-folder-of-one-run"
        self.temporary.mkdir(exist_ok=True)
        self.said = folder / "said"
        arguments = more or (*_LONG, "-o", str(self.out))
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*_COMMAND[:4], *(_COMMAND[4:] if "--resume" not in more else ()), *arguments],
                env={**os.environ, "TMPDIR": str(self.temporary)},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def measured(self, count: int = 2) -> None:
        """Wait until some repetitions are in the file."""
        file = self.out / "results.jsonl"
        limit = time.monotonic() + 60
        while time.monotonic() < limit and self.process.poll() is None:
            if file.exists() and file.read_bytes().count(b'"repetition"') >= count:
                return
            time.sleep(0.02)
        raise AssertionError(self.said.read_text())

    def tags(self) -> set[str]:
        """Return the tags of the agents that live now."""
        found = {tag_of(one.pid) for one in descendants(self.process.pid)}
        return {tag for tag in found if tag}

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and the last line that it printed."""
        code = self.process.wait(60)
        return code, (self.said.read_text().strip().splitlines() or [""])[-1]

    def run(self) -> Run:
        """Read what it wrote."""
        return read(self.out)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Controller]:
    """Return a run that has measured something."""
    controller = Controller(tmp_path)
    try:
        controller.measured()
        yield controller
    finally:
        if controller.process.poll() is None:
            os.killpg(controller.process.pid, signal.SIGKILL)
            controller.process.wait()


def _nothing_of(tags: set[str]) -> bool:
    """Wait until no process and no semaphore has one of these tags."""
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        living = {tag_of(one.pid) for one in processes()}
        names = segments(user=os.getuid())
        if not living & tags and not [name for name in names if any(tag in name for tag in tags)]:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_a_run_in_good_order(started: Controller, number: int) -> None:
    """The file says that it was interrupted, the report is made, nothing remains."""
    tags = started.tags()
    started.process.send_signal(number)
    code, _ = started.end()
    run = started.run()

    assert 130 == code
    assert run.end is not None
    assert Status.INTERRUPTED is run.end.status
    assert len(run.repetitions) >= 2
    assert (started.out / "report.html").exists()
    assert [] == list(started.temporary.iterdir())
    assert _nothing_of(tags)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_anything_is_measured_leaves_nothing(tmp_path: Path, number: int) -> None:
    """SIGTERM while the agent's part is copied and compiled ends like Ctrl-C."""
    controller = Controller(tmp_path)
    limit = time.monotonic() + 60
    while not list(controller.temporary.glob("mpb-*/subject-0")) and time.monotonic() < limit:
        time.sleep(0.001)
    controller.process.send_signal(number)
    code, said = controller.end()

    assert (130, "mpbench: interrupted") == (code, said)
    assert [] == list(controller.temporary.iterdir())


def test_nohup_keeps_a_run_alive(tmp_path: Path) -> None:
    """SIGHUP that is ignored already stays ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        controller = Controller(tmp_path, "--reps", "4", "-o", str(tmp_path / "out"))
    finally:
        signal.signal(signal.SIGHUP, before)
    controller.measured(1)
    controller.process.send_signal(signal.SIGHUP)
    code, _ = controller.end()

    assert 0 == code


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "--arms", "fork,spawn", "-o"),
        ("selftest", "--toy", "--stage", "identical", "--campaign"),
        ("run", "-o"),
    ],
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_every_command_that_measures_ends_in_good_order(
    tmp_path: Path, words: tuple[str, ...], number: int
) -> None:
    """A signal while it prepares, or measures, leaves no folder and is exit code 130."""
    (temporary := tmp_path / "t").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "mpbench", *words, str(tmp_path / "out")],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    limit = time.monotonic() + 60
    while not list(temporary.glob("mpb-*")) and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)

    assert 130 == process.returncode, said
    assert [] == list(temporary.iterdir())


def test_ctrl_c_inside_of_an_executed_text_has_its_exit_code(tmp_path: Path) -> None:
    """A signal may come while a dataclass is made; CPython would then end by SIGINT under -m."""
    (tmp_path / "made.py").write_text(
        "import importlib\n"
        "cli = importlib.import_module('mpbench.cli.main')\n"
        "cli.group.main = lambda **words: exec('raise KeyboardInterrupt')\n"
        "cli.main(['list'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "made"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (130, "mpbench: interrupted\n") == (done.returncode, done.stderr)


def test_a_second_signal_ends_a_run_at_once(started: Controller) -> None:
    """Whatever it is doing, the processes are ended and what was measured is kept."""
    tags = started.tags()
    for _ in range(2):
        started.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    code, _ = started.end()

    assert 130 == code
    assert len(started.run().repetitions) >= 2
    assert [] == list(started.temporary.iterdir())
    assert _nothing_of(tags)


def _leads_into(folder: Path, place: Path) -> bool:
    """Return whether a private folder holds nothing but the way to another one."""
    link = folder / "t"
    return link.is_symlink() and place in link.readlink().parents


def test_a_killed_run_can_go_on(started: Controller, tmp_path: Path) -> None:
    """Agents notice; the folder is found by `clean`; resuming measures nothing twice."""
    tags = started.tags()
    os.kill(started.process.pid, signal.SIGKILL)
    started.end()
    gone = _nothing_of(tags)
    abandoned = abandoned_folders(started.temporary)
    # The long name of a test's folder is reached by a link, which is abandoned as well.
    links = [one for one in abandoned_folders(Path("/tmp")) if _leads_into(one, tmp_path)]
    for one in links:
        shutil.rmtree(one)
    before = started.run().repetitions
    again = Controller(tmp_path, "--resume", str(started.out))
    again.measured(len(before) + 2)
    again.process.send_signal(signal.SIGINT)
    again.end()
    keys = [(one.case, one.number) for one in again.run().repetitions]

    assert gone
    assert 1 == len(abandoned) == len(links)
    assert len(before) + 2 <= len(keys)
    assert len(keys) == len(set(keys))
    assert before == again.run().repetitions[: len(before)]


def test_a_full_disk_keeps_what_was_measured(started: Controller) -> None:
    """One line says that the file cannot grow; every complete record is there."""
    file = started.out / "results.jsonl"
    size = file.stat().st_size + 100
    resource.prlimit(started.process.pid, resource.RLIMIT_FSIZE, (size, size))
    code, said = started.end()
    run = started.run()

    assert 2 == code
    assert f"mpbench: cannot write {file}: File too large" in said
    assert "what was measured before is kept" in said
    assert len(run.repetitions) >= 2
    assert [] == list(started.temporary.iterdir())


def test_a_read_only_output_is_one_clear_line(tmp_path: Path) -> None:
    """Nothing is measured when the results could not be written."""
    controller = Controller(tmp_path, "-o", "/proc/mpbench")
    code, said = controller.end()

    assert 2 == code
    assert said.startswith("mpbench: cannot write to /proc/mpbench: ")
    assert [] == list(controller.temporary.iterdir())
