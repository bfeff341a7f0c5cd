"""Machines that tell little: each source of facts hidden, alone and all together."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mpbench.store import read

# How each source is hidden in a mount namespace.
MASKS = {
    "power supply": "mount --bind {empty} /sys/class",
    "sys": "mount -t tmpfs tmpfs /sys",
    "no sys": "umount -l /sys",
    "cpuinfo": "mount --bind /dev/null /proc/cpuinfo",
    "meminfo": "mount --bind /dev/null /proc/meminfo",
    "stat": "mount --bind /dev/null /proc/stat",
    "loadavg": "mount --bind /dev/null /proc/loadavg",
    "processes only": "mount -t proc -o subset=pid proc /proc",
    "control groups": "mount --bind /dev/null /proc/self/mountinfo",
    "user": "mount --bind /dev/null /etc/passwd; unset HOME USER LOGNAME USERNAME",
    "release": "mount --bind /dev/null /etc/os-release",
    "proc": "mount -t tmpfs tmpfs /proc",
}
ALL = ("user", "release", "sys", "proc")

PROGRAM = """
import multiprocessing

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(sum(pool.map(abs, range(100))))
"""

# Runs commands one after the other and prints their exit codes.
COMMANDS = """
import contextlib, io, json, sys
from mpbench.cli.main import main

codes = []
for words in json.loads(sys.argv[1]):
    try:
        main(words)
    except SystemExit as ended:
        codes.append(ended.code)
sys.stderr.write("\\ncodes: " + json.dumps(codes) + "\\n")
"""
SMALL = ("--select", "floor/os-pipe-round-trip", "--param", "payload_bytes=64", "--reps", "1")
RUN = ["run", *SMALL, "-o", "run"]
DOCTOR = ["doctor", "--json", "--watch", "0.1s"]
REST = [
    ["report", "run", "-o", "report"],
    ["compare", "--arms", "spawn,fork", "--select", "process/start-to-join", "--budget", "30s",
     "-o", "compared"],
    ["profile", "-o", "profile", "program.py"],
    ["run", *SMALL, "--anonymise", "-o", "hidden"],
    ["advise", "run"],
]  # fmt: skip


def masked(folder: Path, mask: str, commands: list[list[str]]) -> tuple[list[int], str]:
    """Run commands in a mount namespace; return their exit codes and what they wrote."""
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "program.py").write_text(PROGRAM)
    mask = mask.replace("{empty}", str(folder / "empty"))
    done = subprocess.run(
        [shutil.which("unshare") or "", "-m", "sh", "-c", f'{mask}\nexec "$@"', "sh",
         sys.executable, "-c", COMMANDS, json.dumps(commands)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    codes = done.stderr.rpartition("codes: ")[2]
    return list(json.loads(codes)), done.stdout


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    """Skip where the system refuses mounts."""
    tried = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/sys"]
    allowed = shutil.which("unshare") and os.getuid() == 0
    if not allowed or subprocess.run(tried, capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not allowed here")


@pytest.mark.parametrize("name", MASKS)
def test_each_source_may_lack(tmp_path: Path, name: str) -> None:
    """A run ends well, and the doctor judges what it can see."""
    codes, output = masked(tmp_path, MASKS[name], [RUN, DOCTOR])

    assert codes[0] == 0
    assert codes[1] in {0, 1}
    assert '"key": "facts"' in output
    assert read(tmp_path / "run").repetitions


def test_all_sources_may_lack_together(tmp_path: Path) -> None:
    """Every command that measures, profiles or reads ends well; what is hidden is null."""
    codes, output = masked(tmp_path, "\n".join(MASKS[name] for name in ALL), [RUN, DOCTOR, *REST])
    facts = read(tmp_path / "run").header.environment

    assert [0, 0, 0] == [codes[0], codes[2], codes[4]]
    assert codes[1] in {0, 1}
    # A few seconds may decide nothing.
    assert codes[3] in {0, 3, 4}
    assert [0, 0] == codes[5:]
    assert facts["memory"]["total_bytes"] is None
    assert facts["load"]["since_boot"] is None
    assert "cpu.model, memory.total_bytes" in output
