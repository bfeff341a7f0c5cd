"""`mpbench run --anonymise`: no file of the result names the machine, its user, or a path."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from mpbench.store.writer import read

# A workload whose failure tells what it knows.
_TELLTALE = '''
import getpass
import os
from mpbench.model import Metric
from mpbench.workload import NoFloor, workload


@workload("own/telltale", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def telltale(context, case):
    """
    Tell.

    Timed: nothing. Reads as: a failure.
    """

    def body(iterations):
        raise RuntimeError(f"{__file__} by alice on wonderland in HOUSE")

    yield body


@workload("own/honest", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def honest(context, case):
    """
    Count.

    Timed: counting. Reads as: a success.
    """
    yield lambda iterations: sum(1 for _ in range(iterations))
'''


def measure(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run as alice, on a machine called wonderland, in her house."""
    return subprocess.run(
        [sys.executable, "-m", "mpbench", "run", *words],
        capture_output=True,
        text=True,
        cwd=place,
        env={
            **{name: value for name, value in os.environ.items() if name != "LOGNAME"},
            "USER": "alice",
            "HOME": str(place),
            "MPBENCH_MACHINE": "wonderland",
        },
        timeout=120,
        check=False,
    )


def test_no_file_tells_who_measured_where(tmp_path: Path) -> None:
    """Neither the records, the logs of failures, nor the pages do; resuming keeps it so."""
    house = tmp_path / "rabbit hole" / "house"
    house.mkdir(parents=True)
    own = house / "cheshire.py"
    own.write_text(_TELLTALE.replace("HOUSE", str(house)))
    words = ("--workload-file", str(own), "-o", str(house / "teaparty"))
    plain = measure(house, "--reps", "2", "--workload-file", "cheshire.py", "-o", "open")
    done = measure(house, "--reps", "2", *words, "--anonymise")
    run = read(house / "teaparty")
    secrets = ["alice", "wonderland", "rabbit", "cheshire", "teaparty", str(tmp_path)]
    secrets += [re.escape(platform.node())] if len(platform.node()) > 4 else []
    word = re.compile("|".join(secrets))
    open_files = "".join(one.read_text() for one in (house / "open").iterdir())
    found = {
        (one.name, hit)
        for one in (house / "teaparty").iterdir()
        for hit in word.findall(one.read_text())
    }

    assert (1, 1) == (plain.returncode, done.returncode), done.stderr
    assert {"alice", "wonderland", "cheshire"} <= set(word.findall(open_files))
    assert {"results.jsonl", "report.html", "report.md", "report.csv"} <= {
        one.name for one in (house / "teaparty").iterdir()
    }
    assert set() == found
    assert {"own/telltale", "own/honest"} == {one.case.workload for one in run.cases}


def test_a_resumed_run_stays_anonymous(tmp_path: Path) -> None:
    """Whoever goes on need not say it again, and the default folder has no name either."""
    small = ("--select", "floor/os-pipe-round-trip", "--param", "payload_bytes=64")
    done = measure(tmp_path, "--reps", "2", *small, "--anonymise")
    (folder,) = (tmp_path / "reports").iterdir()
    again = measure(tmp_path, "--resume", str(folder))
    content = "".join(one.read_text() for one in folder.iterdir())

    assert (0, 0) == (done.returncode, again.returncode), done.stderr + again.stderr
    assert "wonderland" not in folder.name
    assert ["resumed"] == [one.kind for one in read(folder).events]
    assert [] == re.findall(f"wonderland|alice|{re.escape(str(tmp_path))}", content)
