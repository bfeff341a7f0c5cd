"""The command line as a stranger meets it: exit codes, one clear line, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ("--select", "pipe/round-trip", "--param", "payload_bytes=64", "--start-method", "fork")


def mpbench(*words: str, cwd: Path, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run the command and return what it said."""
    return subprocess.run(
        [sys.executable, "-m", "mpbench", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        check=False,
    )


def test_help_names_the_commands(tmp_path: Path) -> None:
    """The main commands are there, and help exits with 0."""
    done = mpbench("--help", cwd=tmp_path)

    assert 0 == done.returncode
    for name in ("run", "list", "compare", "report", "advise", "profile", "doctor"):
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rum",), "did you mean 'run'"),
        (("run", "--teir", "quick"), "--teir"),
        (("run", "--select", "pipe/rond-trip"), "did you mean pipe/round-trip"),
        (("run", "--param", "workers"), "NAME=VALUE"),
        (("run", "--start-method", "thread"), "forkserver"),
        (("run", "--budget", "soon"), "60s"),
        (("run", "--python", "9.9"), "no interpreter '9.9'"),
        (("run", "--resume", "missing"), "missing"),
        (("list", "nothing/*"), "nothing/*"),
        (("report", "missing.jsonl"), "missing.jsonl"),
        (("report", "foreign.jsonl"), "foreign.jsonl"),
        (("report", "binary.jsonl"), "binary.jsonl"),
        (("compare", "missing.jsonl", "foreign.jsonl"), "missing.jsonl"),
        (("import", "missing"), "missing"),
        (("export", "foreign.jsonl", "--format", "csv", "-o", "x.csv"), "foreign.jsonl"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    """The line names what is wrong, and there is no trace."""
    (tmp_path / "foreign.jsonl").write_text('{"version": 1}\n')
    (tmp_path / "binary.jsonl").write_bytes(bytes(range(256)))
    done = mpbench(*words, cwd=tmp_path)

    assert 2 == done.returncode
    assert 1 == len(done.stderr.strip().splitlines())
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_prints_a_table_and_its_paths(tmp_path: Path) -> None:
    """A small run ends with 0 and says where its files are."""
    done = mpbench("run", *SMALL, "--reps", "2", "-o", "out", cwd=tmp_path)

    assert 0 == done.returncode, done.stderr
    assert "pipe/round-trip" in done.stdout
    assert " s measuring, " in done.stdout
    # The lines are wrapped at the width of a plain terminal.
    says, _, rest = done.stdout.rpartition("Result: ")[2].partition("Trust: ")
    trust, _, more = " ".join(rest.split()).partition("More: ")
    assert says
    assert trust.startswith("Read with care: agents per case 2")
    assert more.startswith("out/report.html (also ")
    for name in ("results.jsonl", "report.html", "report.md", "report.csv"):
        assert name in done.stdout
        assert (tmp_path / "out" / name).stat().st_size > 0
    assert 0o600 == (tmp_path / "out" / "results.jsonl").stat().st_mode & 0o777


def test_a_failed_case_exits_with_1(tmp_path: Path) -> None:
    """A body that lies about its count fails the run, and the reason is shown."""
    (tmp_path / "own_liar.py").write_text(
        '''
from mpbench.model import Metric
from mpbench.workload import NoFloor, workload


@workload("own/liar", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def liar(context, case):
    """
    Lie.

    Timed: nothing. Reads as: a failure.
    """
    yield lambda iterations: iterations - 1


@workload("own/honest", metric=Metric.TIME, floor=NoFloor("a test"), by_method=False)
def honest(context, case):
    """
    Count.

    Timed: counting. Reads as: a success.
    """
    yield lambda iterations: sum(1 for _ in range(iterations))
'''
    )
    done = mpbench(
        "run", "--workload-file", "own_liar.py", "--reps", "2", "-o", "out", cwd=tmp_path
    )

    assert 1 == done.returncode
    assert "expected 1 operations, found 0" in done.stdout + done.stderr


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    """A file where a folder should be: exit 2, before anything is measured."""
    (tmp_path / "file").write_text("here first")
    done = mpbench("run", *SMALL, "-o", "file/out", cwd=tmp_path)

    assert 2 == done.returncode
    assert "file/out" in done.stderr
    assert "here first" == (tmp_path / "file").read_text()


def test_a_full_disk_loses_nothing_that_was_measured(tmp_path: Path) -> None:
    """When no more can be written the run says so, and the file can still be read."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    words = ("run", *SMALL, "--reps", "60", "-o", "out")
    done = subprocess.run(
        [sys.executable, "-m", "mpbench", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        preexec_fn=limit,
        timeout=120,
        check=False,
    )
    from mpbench.store.writer import read

    assert 2 == done.returncode
    assert "what was measured before is kept" in done.stderr
    assert read(tmp_path / "out").repetitions


def test_ctrl_c_writes_the_report_of_what_there_is(tmp_path: Path) -> None:
    """SIGINT finishes the current record; exit code 130."""
    running = subprocess.Popen(
        [sys.executable, "-m", "mpbench", "run", *SMALL, "--reps", "500", "-o", "out"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    results = tmp_path / "out" / "results.jsonl"
    while running.poll() is None:
        if results.exists() and '"record":"repetition"' in results.read_text():
            break
        os.sched_yield()
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)

    assert 130 == running.returncode, said
    assert "report.html" in said
    assert '"status":"interrupted"' in results.read_text()


def test_list_as_json_has_every_field(tmp_path: Path) -> None:
    """What is timed, how to read it, parameters and covered API, for every workload."""
    done = mpbench("list", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)

    assert 0 == done.returncode
    assert all(one["timed"] and one["reads_as"] and one["summary"] for one in found)
    assert all((one["floor"] is None) != (one["no_floor"] is None) for one in found)


def test_a_pipe_that_closes_early_is_no_error(tmp_path: Path) -> None:
    """`mpbench list | head -1` ends quietly."""
    listing = subprocess.Popen(
        [sys.executable, "-m", "mpbench", "list", "--markdown"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.readline()
    listing.stdout.close()
    said = listing.stderr.read()
    listing.stderr.close()
    listing.wait(timeout=60)

    assert b"" == said
