"""Stacks of a profiled program, taken from outside by py-spy where it is installed."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

__all__ = ("StackTaker", "busiest")

# More often would cost the program more than the rest of the profile.
_RATE_HZ = 50
_STOP_S = 10.0
_MOST = 25
_PROCESS = re.compile(r'process (\d+):"')


def _spy() -> str | None:
    """Return py-spy's path: beside this interpreter, or on PATH."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.is_file() else shutil.which("py-spy")


def busiest(text: str, names: dict[int, str] | None = None) -> list[dict[str, Any]]:
    """
    Return the functions in which most samples were, for each process.

    Args:
        text: Collapsed stacks as py-spy writes them: frames, a space, a count.
        names: Names of processes by pid.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for line in text.splitlines():
        stack, _, number = line.rpartition(" ")
        if not number.isdigit():
            continue
        pids = _PROCESS.findall(stack)
        pid = int(pids[-1]) if pids else 0
        process = (names or {}).get(pid, f"pid {pid}" if pid else "")
        counts[(stack.rpartition(";")[2], process)] += int(number)
    whole = sum(counts.values())
    return [
        {"function": function, "process": process, "samples": count, "share": count / whole}
        for (function, process), count in counts.most_common(_MOST)
    ]


class StackTaker:
    """
    Runs py-spy beside a program.

    Args:
        path: The file that gets the stacks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[str] | None = None
        self.problem = ""

    def start(self, pid: int) -> None:
        """Begin with the program of this pid and all its children."""
        spy = _spy()
        if spy is None:
            self.problem = "py-spy is not installed; pip install py-spy"
            return
        command = [spy, "record", "--pid", str(pid), "--subprocesses", "--nonblocking"]
        command += ["--format", "raw", "--rate", str(_RATE_HZ), "--output", str(self._path)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                # Ctrl-C is for the program; py-spy ends when that has ended.
                start_new_session=True,
            )
        except OSError as error:
            self.problem = f"py-spy does not start: {error.strerror}"

    def stop(self) -> str:
        """Wait for py-spy to write its file, and return what it wrote."""
        if self._process is None:
            return ""
        try:
            # It stops by itself when the program is gone.
            _, said = self._process.communicate(timeout=_STOP_S / 2)
        except subprocess.TimeoutExpired:
            said = self._force(self._process)
        try:
            return self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            last = (said.strip().splitlines() or ["no reason given"])[-1]
            self.problem = f"py-spy took no stacks: {last}"
            return ""

    @staticmethod
    def _force(process: subprocess.Popen[str]) -> str:
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=_STOP_S / 2)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[1]
