"""Full, read-only and tiny file systems: a record or one clear line; what was measured stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.model import Run, Status
from mpbench.store.writer import read

SMALL = ("--select", "floor/os-pipe-round-trip", "--param", "payload_bytes=64")

# Takes more of /dev/shm or of its temporary folder than there is, and says nothing of it.
_GREEDY = '''
import os
import tempfile
from multiprocessing import shared_memory
from mpbench.model import Metric
from mpbench.workload import NoFloor, workload


@workload("own/touch", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def touch(context, case):
    """
    Touch 4 MiB of shared memory.

    Timed: nothing. Reads as: a failure.
    """

    def body(iterations):
        segment = shared_memory.SharedMemory(create=True, size=4 << 20)
        segment.buf[:] = bytes(4 << 20)
        segment.unlink()
        return iterations

    yield body


@workload("own/spill", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def spill(context, case):
    """
    Write without end into a temporary file.

    Timed: nothing. Reads as: a failure.
    """

    def body(iterations):
        with tempfile.TemporaryFile(buffering=0) as file:
            for _ in range(1_000):
                file.write(bytes(1 << 20))
        return iterations

    yield body


@workload("own/honest", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def honest(context, case):
    """
    Count.

    Timed: counting. Reads as: a success.
    """
    yield lambda iterations: sum(1 for _ in range(iterations))
'''


def apart(
    folder: Path, set_up: str, *words: str, command: str = "run"
) -> subprocess.CompletedProcess[str]:
    """
    Run in a mount namespace of its own, after a shell has prepared it.

    Args:
        folder: Working folder; `out` in it is copied to `kept` at the end.
        set_up: Shell commands; `$T` is a folder for temporary files.
        words: Of the command.
        command: Of mpbench.
    """
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("`unshare` makes the mounts")
    probe = subprocess.run(
        [unshare, "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode != 0:
        pytest.skip(f"mounting in a namespace is refused: {probe.stderr.strip()}")
    (folder / "own.py").write_text(_GREEDY)
    temporary = folder / "t"
    temporary.mkdir()
    end = "code=$?; [ -d out ] && cp -r out kept; ls -A /dev/shm | grep -c . >left; exit $code"
    return subprocess.run(
        [
            *(unshare, "--mount", "sh", "-c", f'T={temporary}; {set_up}; "$@"; {end}', "sh"),
            *(sys.executable, "-m", "mpbench", command, *words),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        timeout=300,
        check=False,
    )


def statuses(run: Run) -> dict[str, Status]:
    """Return how each workload's repetitions ended."""
    return {one.case.workload: one.status for one in run.repetitions}


def one_line(done: subprocess.CompletedProcess[str], *parts: str, code: int = 2) -> None:
    """Check that stderr is one line with these parts, and the exit code."""
    # Beside the estimate, which stands before anything is written.
    said = [line for line in done.stderr.strip().splitlines() if ", about " not in line]

    assert code == done.returncode, done.stderr
    assert 1 == len(said), done.stderr
    assert said[0].startswith("mpbench: ")
    for part in parts:
        assert part in said[0]


def test_cases_that_do_not_fit_into_shared_memory_are_skipped(tmp_path: Path) -> None:
    """With 1 MiB of /dev/shm the small sizes are measured and the large ones say why not."""
    words = ("--select", "shared/memory-create", "--start-method", "fork", "--reps", "1")
    set_up = "mount -t tmpfs -o size=1m tmpfs /dev/shm"
    done = apart(tmp_path, set_up, *words, "--tier", "full", "-o", "out")
    run = read(tmp_path / "kept")
    skipped = [one.reason or "" for one in run.cases if one.status is Status.SKIPPED]
    reasons = [one for one in skipped if "track=False" not in one]

    assert 0 == done.returncode, done.stderr
    assert {Status.OK} == {one.status for one in run.repetitions}
    assert reasons
    assert run.repetitions
    assert [] == [one for one in reasons if "half of what is free is" not in one]
    assert "0" == (tmp_path / "left").read_text().strip()


def test_a_workload_that_fills_shared_memory_is_a_record(tmp_path: Path) -> None:
    """SIGBUS ends the case and not the run, and its segment is removed."""
    set_up = "mount -t tmpfs -o size=1m tmpfs /dev/shm"
    words = ("--workload-file", "own.py", "--select", "own/touch", "--select", "own/honest")
    done = apart(tmp_path, set_up, *words, "--reps", "2", "-o", "out")
    run = read(tmp_path / "kept")
    reasons = {one.reason for one in run.repetitions if one.case.workload == "own/touch"}

    assert 1 == done.returncode, done.stderr
    assert {"own/touch": Status.CRASHED, "own/honest": Status.OK} == statuses(run)
    assert [] == [one for one in reasons if "SIGBUS" not in (one or "")]
    assert "0" == (tmp_path / "left").read_text().strip()


def test_without_shared_memory_the_rest_is_measured(tmp_path: Path) -> None:
    """Where no semaphore can be made, what needs one says so, and pipes are measured."""
    words = ("--select", "lock/uncontended", "--select", "pipe/round-trip", "--reps", "1")
    done = apart(
        tmp_path,
        "mount -t tmpfs -o ro tmpfs /dev/shm",
        *words,
        "--start-method",
        "fork",
        "-o",
        "out",
    )
    run = read(tmp_path / "kept")
    refused = [one for one in run.cases if one.case.workload.startswith("lock/")]

    assert 0 == done.returncode, done.stderr
    assert {"pipe/round-trip": Status.OK} == {
        name: status for name, status in statuses(run).items() if not name.startswith("floor/")
    }
    assert refused
    assert [] == [one for one in refused if "needs semaphores" not in (one.reason or "")]


def test_a_disk_that_fills_up_keeps_what_was_measured(tmp_path: Path) -> None:
    """One line says so; every whole record is there."""
    (tmp_path / "out").mkdir()
    set_up = "mount -t tmpfs -o size=64k tmpfs out"
    done = apart(tmp_path, set_up, *SMALL, "--reps", "500", "-o", "out/run")
    run = read(tmp_path / "kept" / "run")

    assert 2 == done.returncode, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "cannot write out/run/results.jsonl: No space left on device" in last
    assert "what was measured before is kept" in last
    assert len(run.repetitions) > 2


def test_a_read_only_disk_is_one_line(tmp_path: Path) -> None:
    """Nothing is measured when the results could not be written."""
    (tmp_path / "out").mkdir()
    done = apart(tmp_path, "mount -t tmpfs -o ro tmpfs out", *SMALL, "-o", "out/run")

    one_line(done, "cannot write to out/run", "Read-only file system")
    assert [] == list((tmp_path / "t").iterdir())


@pytest.mark.parametrize("options", ["size=64k", "nr_inodes=8"])
def test_no_space_for_temporary_files_is_one_line(tmp_path: Path, options: str) -> None:
    """A temporary folder that takes too little is named before anything is measured."""
    done = apart(tmp_path, f"mount -t tmpfs -o {options} tmpfs $T", *SMALL, "-o", "out")

    one_line(done, "cannot copy the agent to", "is the temporary folder full?")
    assert not (tmp_path / "out").exists()


_FILLS = """
import multiprocessing as mp, os
def count(queue):
    for number in range(20_000):
        queue.put(number)
    queue.put(None)
if __name__ == "__main__":
    queue = mp.SimpleQueue()
    queue.put(1)
    queue.get()
    with open(os.path.join(os.environ["TMPDIR"], "big"), "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            print("full", flush=True)
    child = mp.Process(target=count, args=(queue,))
    child.start()
    print(sum(1 for _ in iter(queue.get, None)))
    child.join()
    print(child.exitcode)
"""


def test_a_profiled_program_outlives_a_full_temporary_folder(tmp_path: Path) -> None:
    """Where no event can be kept any more the program goes on, and no page is touched."""
    (tmp_path / "fills.py").write_text(_FILLS)
    set_up = "mount -t tmpfs -o size=100m tmpfs $T"
    done = apart(tmp_path, set_up, "-o", "out", "fills.py", command="profile")

    assert (0, "full\n20000\n0\n") == (done.returncode, done.stdout), done.stderr


def test_no_space_for_the_profilers_hook_is_one_line(tmp_path: Path) -> None:
    """A temporary folder that takes too little is named before the program runs."""
    (tmp_path / "fills.py").write_text(_FILLS)
    set_up = "mount -t tmpfs -o size=64k tmpfs $T"
    done = apart(tmp_path, set_up, "-o", "out", "fills.py", command="profile")

    one_line(done, "cannot copy the hook to", "is the temporary folder full?", code=125)
    assert "" == done.stdout


def test_a_workload_that_fills_the_temporary_folder_is_a_record(tmp_path: Path) -> None:
    """The case fails with the system's reason; the next one is measured."""
    set_up = "mount -t tmpfs -o size=24m tmpfs $T"
    words = ("--workload-file", "own.py", "--select", "own/spill", "--select", "own/honest")
    done = apart(tmp_path, set_up, *words, "--reps", "2", "-o", "out")
    run = read(tmp_path / "kept")
    reasons = {one.reason for one in run.repetitions if one.case.workload == "own/spill"}

    assert 1 == done.returncode, done.stderr
    assert {"own/spill": Status.FAILED, "own/honest": Status.OK} == statuses(run)
    assert [] == [one for one in reasons if "No space left on device" not in (one or "")]
