"""A run that had a failure is gone on with, and every command reads what that gives."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mpbench.cli.main import main
from mpbench.model import Status
from mpbench.store import read

WORKLOADS = '''
"""One workload that ends its agent as long as a file is there."""

import os
from pathlib import Path

from mpbench.model import Metric
from mpbench.workload import NoFloor, workload


@workload("own/fragile", metric=Metric.TIME, floor=NoFloor("a test needs none"))
def fragile(context, case):
    """
    Do nothing, or die.

    Timed: nothing.

    Not timed: nothing.

    Reads as: the price of nothing.
    """
    def body(iterations):
        if Path({switch!r}).exists():
            os.kill(os.getpid(), 9)
        for _ in range(iterations):
            os.getpid()
        return iterations
    yield body
'''


def mpbench(*words: Any) -> int:
    """Run a command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("nothing_left")
def test_every_command_reads_a_run_that_was_resumed_after_failures(tmp_path: Path) -> None:
    """Failed repetitions are measured anew under numbers of their own, however often."""
    switch, file, folder = tmp_path / "die", tmp_path / "own.py", tmp_path / "run"
    file.write_text(WORKLOADS.replace("{switch!r}", repr(str(switch))))
    switch.touch()
    own = ("--workload-file", file)
    first = mpbench("run", *own, "--start-method", "fork", "--reps", 3, "-o", folder)
    broken = Counter(one.status for one in read(folder).repetitions)
    switch.unlink()

    codes = [mpbench("run", "--resume", folder, *own) for _ in range(2)]
    after = read(folder)

    assert first == 4
    assert broken == {Status.CRASHED: 2}
    assert [1, 1] == codes
    assert Counter(one.status for one in after.repetitions) == broken | {Status.OK: 3}
    assert [0, 1, 2, 3, 4] == sorted(one.number for one in after.repetitions)
    assert 2 == mpbench("run", "--resume", folder)
    assert 0 == mpbench("report", folder, "-o", tmp_path / "report")
    assert 0 == mpbench("export", folder, "--format", "csv", "-o", tmp_path / "x.csv")
    assert mpbench("compare", folder, folder) in {0, 3, 4}
