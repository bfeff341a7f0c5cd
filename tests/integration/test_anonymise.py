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


_SECRET = """
import multiprocessing
import sys

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(abs, range(50))
"""
_TELLING = ("hunter2", "wonderland", "alice", "job_of_alice.py")


def command(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run any command as alice, on a machine called wonderland, in her house."""
    (place / "job_of_alice.py").write_text(_SECRET)
    return subprocess.run(
        [sys.executable, "-m", "mpbench", *words],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, "USER": "alice", "HOME": str(place), "MPBENCH_MACHINE": "wonderland"},
        timeout=240,
        check=False,
    )


def told(folder: Path) -> set[str]:
    """Return the names that files in a folder still tell."""
    text = "".join(file.read_text(errors="replace") for file in folder.rglob("*.*"))
    return {name for name in (*_TELLING, str(folder.parent)) if name in text}


def test_a_profile_hides_the_arguments_of_its_program(tmp_path: Path) -> None:
    """Page, record and trace; and a copy of a record that was written without the option."""
    words = ("job_of_alice.py", "--token=hunter2", "--user", "alice")
    hidden = command(tmp_path, "profile", "--anonymise", "-o", "hidden", *words)
    plain = command(tmp_path, "profile", "-o", "plain", *words)
    copied = command(tmp_path, "anonymise", "plain", "-o", "copied")

    assert [0, 0, 0] == [hidden.returncode, plain.returncode, copied.returncode], hidden.stderr
    assert {"hunter2", "job_of_alice.py"} <= told(tmp_path / "plain")
    assert set() == told(tmp_path / "hidden")
    assert set() == told(tmp_path / "copied")
    assert "--token<hidden>" in (tmp_path / "copied" / "profile.json").read_text()


def test_a_comparison_hides_the_arguments_of_its_programs(tmp_path: Path) -> None:
    """Its arms keep names that fit together, and it can be judged again."""
    arms = [f"--arm=program=job_of_alice.py --token hunter2 {number}" for number in (1, 2)]
    done = command(tmp_path, "compare", *arms, "--budget", "20s", "--no-control", "--anonymise",
                   "-o", "hidden")  # fmt: skip
    again = command(tmp_path, "compare", "hidden")

    assert done.returncode in {0, 1, 3}, done.stderr
    assert set() == told(tmp_path / "hidden")
    assert again.returncode == done.returncode


def test_a_result_is_copied_without_names(tmp_path: Path) -> None:
    """Also from another machine; what was measured stays as it is, and a copy is refused."""
    made = command(tmp_path, "run", "--select", "floor/os-pipe-round-trip", "--param",
                   "payload_bytes=64", "--reps", "2", "-o", "plain_of_alice")  # fmt: skip
    copied = command(tmp_path, "anonymise", "plain_of_alice", "-o", "copied")
    again = command(tmp_path, "anonymise", "copied", "-o", "copied2")
    first, second = read(tmp_path / "plain_of_alice"), read(tmp_path / "copied")

    assert [0, 0, 2] == [made.returncode, copied.returncode, again.returncode]
    assert set() == told(tmp_path / "copied")
    assert first.repetitions == second.repetitions
    assert first.cases == second.cases
    assert "machine-" in second.header.machine
