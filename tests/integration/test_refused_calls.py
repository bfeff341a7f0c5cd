"""Systems that refuse calls: every command works, and says what is less sure."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from refused_calls import CALLS

from mpbench.store import read

SMALL = ("--select", "floor/os-pipe-round-trip", "--param", "payload_bytes=64", "--reps", "1")
# After the filter: commands one after the other, and their exit codes.
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
from refused_calls import refuse
if not refuse(json.loads(sys.argv[2])):
    sys.exit("no filters here")
from mpbench.cli.main import main
codes = []
for words in json.loads(sys.argv[3]):
    try:
        main(words)
    except SystemExit as ended:
        codes.append(ended.code)
sys.stderr.write("\\ncodes: " + json.dumps(codes) + "\\n")
"""


def under_filter(
    folder: Path, names: list[str], commands: list[list[str]], *before: str
) -> tuple[list[int], str]:
    """Run commands under a filter; return their exit codes and what they printed."""
    done = subprocess.run(
        [*before, sys.executable, "-c", PROGRAM, str(Path(__file__).parent),
         json.dumps(names), json.dumps(commands)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        check=False,
    )  # fmt: skip
    if "no filters here" in done.stderr:
        pytest.skip("the kernel takes no filters of system calls here")
    assert "Traceback" not in done.stderr, done.stderr
    return list(json.loads(done.stderr.rpartition("codes: ")[2])), done.stdout


@pytest.fixture(autouse=True)
def _numbers() -> None:
    """Skip where system calls have other numbers."""
    if platform.machine() != "x86_64" or sys.platform != "linux":
        pytest.skip("the numbers of the system calls are those of x86-64")


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_each_call_may_be_refused(tmp_path: Path, name: str) -> None:
    """A run ends well without it."""
    codes, _ = under_filter(tmp_path, [name], [["run", *SMALL, "-o", "run"]])

    assert [0] == codes
    assert read(tmp_path / "run").repetitions


@pytest.mark.parametrize("proc", ["seen", pytest.param("hidden", marks=pytest.mark.slow)])
def test_all_calls_may_be_refused_together(tmp_path: Path, proc: str) -> None:
    """Every command works on what is left, and the page says what nobody counted."""
    hide: tuple[str, ...] = ()
    if proc == "hidden":
        script = 'mount -t tmpfs tmpfs /proc\nexec "$@"'
        hide = (shutil.which("unshare") or "", "-m", "sh", "-c", script, "sh")
        if not hide[0] or os.getuid() or subprocess.run([*hide, "true"], check=False).returncode:
            pytest.skip("mount namespaces are not allowed here")
    codes, output = under_filter(
        tmp_path,
        list(CALLS),
        [
            ["run", *SMALL, "-o", "run"],
            ["report", "run", "-o", "report"],
            ["advise", "run"],
            ["compare", "--arms", "spawn,fork", "--select", "process/start-to-join",
             "--budget", "30s", "-o", "compared"],
            ["doctor", "--json", "--watch", "0.1s"],
        ],
        *hide,
    )  # fmt: skip
    run = read(tmp_path / "run")
    (kept,) = [one for one in run.repetitions if one.is_ok]
    account = kept.account

    assert [0, 0, 0] == codes[:3]
    # A few seconds may decide nothing.
    assert codes[3] in {0, 3, 4}
    assert codes[4] in {0, 1}
    assert run.header.environment["cpu"]["affinity"] is None
    # Nobody adopts orphans here, so that what was counted may be a part.
    assert account is not None
    assert account.cpu_coverage is None
    assert "not known" in (tmp_path / "report" / "report.md").read_text()
    assert '"key": "facts"' in output
