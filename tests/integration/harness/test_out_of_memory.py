"""A control group that is too small: the reason is the lack of memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpbench.agent.oom_kills import oom_kills
from mpbench.model import Status
from mpbench.store import read

_LIMIT = 200 << 20

WORKLOAD = '''
from mpbench.model import Metric
from mpbench.workload import workload


@workload("example/hungry", metric=Metric.TIME, floor="floor/empty-call")
def hungry(context, case):
    """
    Take more memory than there is.

    Timed: taking memory.

    Reads as: nothing.
    """
    def body(iterations):
        bytearray(1 << 30)
        return iterations
    yield body
'''


@pytest.fixture
def small_group() -> Iterator[Path]:
    """Return a control group with little memory, of either version."""
    name = f"mpbench-test-{os.getpid()}"
    for base, limit, swap in (
        ("/sys/fs/cgroup", "memory.max", "memory.swap.max"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    ):
        group = Path(base) / name
        # An empty folder elsewhere is none of the kernel's.
        if not (Path(base) / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(_LIMIT))
            if (group / swap).exists():
                (group / swap).write_text("0" if swap == "memory.swap.max" else str(_LIMIT))
        except OSError:
            group.rmdir()
            continue
        yield group
        group.rmdir()
        return
    pytest.skip("no control group of memory can be made here")


def inside(group: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run mpbench in a control group."""
    join = f"import os, sys; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid())); "
    return subprocess.run(
        [sys.executable, "-c", f"{join}from mpbench.cli.main import main; main()", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_workload_that_the_kernel_ends(small_group: Path, tmp_path: Path) -> None:
    """The record says "out of memory", and the command ends in good order."""
    (tmp_path / "hungry.py").write_text(WORKLOAD)
    done = inside(
        small_group,
        tmp_path,
        *("run", "--workload-file", "hungry.py", "--select", "example/hungry"),
        *("--reps", "1", "--start-method", "fork", "-o", "out"),
    )
    (kept,) = [one for one in read(tmp_path / "out").repetitions if "hungry" in one.case.workload]

    assert 1 == done.returncode, done.stderr
    assert Status.CRASHED is kept.status
    assert "out of memory: the kernel ended" in (kept.reason or "")


def test_a_program_that_the_kernel_ends(small_group: Path, tmp_path: Path) -> None:
    """Its profile says so, with the exit code of the signal."""
    (tmp_path / "hungry.py").write_text("bytearray(1 << 30)\n")
    done = inside(small_group, tmp_path, "profile", "-o", "out", "hungry.py")

    assert 137 == done.returncode, done.stderr
    assert "was ended by SIGKILL: out of memory" in done.stderr


def test_the_machine_here_is_read() -> None:
    """A number or nothing; never an error."""
    assert oom_kills() is None or oom_kills() >= 0
