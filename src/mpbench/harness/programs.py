"""Runs of whole programs: what is run, what came of it, and the runner's client."""

from __future__ import annotations

import hashlib
import os
import secrets
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import mpbench
from mpbench.agent.process_tree import kill_tagged
from mpbench.agent.protocol import Channel
from mpbench.errors import AgentError, CrashError, DeadlineError, WorkloadError

__all__ = ("OUTPUT_LIMIT", "ProgramRun", "ProgramRunner", "ProgramSpec", "program_runner")

# Bytes of stdout, and of stderr, after which a program is ended.
OUTPUT_LIMIT = 64 << 20
_TAIL_BYTES, _TAIL_LINES = 2_000, 6
# What ending a program may take before its runner itself is given up.
_LADDER_S = 30.0
_START_S = 30.0
# The size of the environment moves a program's stack; each run gets another one.
_PADDING = 4_096
_SERVE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from mpbench.harness.program_runner import main; main()"
)


class ProgramSpec(NamedTuple):
    """
    One arm: what is run, and how.

    Args:
        name: The arm's name, for messages.
        command: The executable's path and its arguments.
        environment: All of its environment variables.
        folder: Its working folder.
        stdin: The file that it reads.
        timeout_s: When a run is ended.
        cpus: Those that it may use; empty leaves them to the scheduler.
        prepare: A shell command that is run before each run.
        ignore_output: Whether its stdout is discarded and never compared.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    stdin: str = os.devnull
    timeout_s: float = 60.0
    cpus: tuple[int, ...] = ()
    prepare: str | None = None
    ignore_output: bool = False


class ProgramRun(NamedTuple):
    """One run that went well: its time, what its processes used, its output."""

    wall_ns: int
    cpu_user_ns: int
    cpu_system_ns: int
    voluntary_switches: int
    involuntary_switches: int
    peak_rss_bytes: int | None
    processes: int
    digest: str | None
    output_tail: str

    def sample(self) -> dict[str, Any]:
        """Return it as a sample in the form of the agent's protocol."""
        facts = {
            "cpu-time": self.cpu_user_ns + self.cpu_system_ns,
            "context-switches": self.voluntary_switches + self.involuntary_switches,
        }
        if self.peak_rss_bytes is not None:
            facts["peak-memory"] = self.peak_rss_bytes
        return {"elapsed_ns": self.wall_ns, "operations": 1, "facts": facts}


def _tail(path: Path) -> str:
    """Return the last lines of a file in one line, or that it is empty."""
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").split("\n")
        words = [line.rstrip() for line in lines if line.strip()][-_TAIL_LINES:]
        if words:
            return " | ".join(words)
        if any(lines):
            return "blanks"
        return "an empty line" if len(lines) > 1 else "nothing"
    return "nothing"


def _hint(spec: ProgramSpec) -> str:
    """Return what is wrong with an executable that the system cannot start, where that shows."""
    with suppress(OSError), Path(spec.command[0]).open("rb") as file:
        first = file.readline(200)
        if not first.startswith((b"#!", b"\x7fELF")):
            return "; it is no program and has no first line with #! and its interpreter"
        words = first[2:].decode(errors="replace").split()
        if first.startswith(b"#!") and words and not Path(words[0]).exists():
            return f"; its first line names the interpreter {words[0]}, which does not exist"
    return ""


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


class ProgramRunner:
    """
    The controller's end of a runner process.

    Args:
        folder: Private, for the programs' output.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tag = secrets.token_hex(4)
        orders, control = os.pipe()
        report, tell = os.pipe()
        home = str(Path(mpbench.__file__).resolve().parent.parent)
        words = [sys.executable, "-I", "-S", "-c", _SERVE, home, str(orders), str(tell)]
        try:
            self._process = subprocess.Popen(
                words, pass_fds=(orders, tell), stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            os.close(control)
            os.close(report)
            raise AgentError(f"no process could be started to run programs: {error}") from error
        finally:
            os.close(orders)
            os.close(tell)
        self._channel = Channel(report, control)
        ready = self._receive(_START_S)
        self.is_subreaper = bool(ready["ready"])
        self._own_rss: int = ready["own_rss_bytes"]

    @property
    def pid(self) -> int:
        """The runner's pid, the parent of what it runs."""
        return self._process.pid

    def _receive(self, seconds: float) -> dict[str, Any]:
        poller = select.poll()
        poller.register(self._channel.reader, select.POLLIN)
        try:
            if poller.poll(seconds * 1_000):
                return self._channel.receive()
        except EOFError:
            pass
        self._process.kill()
        kill_tagged(self.tag)
        raise AgentError("the process that runs the programs disappeared; nothing more is measured")

    def _run(self, spec: ProgramSpec, command: list[str], stdout: str) -> dict[str, Any]:
        padding = "x" * secrets.randbelow(_PADDING)
        self._channel.send(
            {
                "command": command,
                "environment": {
                    **spec.environment,
                    "MPBENCH_TAG": self.tag,
                    "MPBENCH_PADDING": padding,
                },
                "folder": spec.folder,
                "streams": [spec.stdin, stdout, str(self.folder / "stderr")],
                "timeout_s": spec.timeout_s,
                "output_limit": OUTPUT_LIMIT,
                "cpus": list(spec.cpus),
            }
        )
        return self._receive(spec.timeout_s + _LADDER_S)

    def shell(self, spec: ProgramSpec, line: str, what: str) -> None:
        """
        Run a command of the user's in a shell, not timed.

        Raises:
            WorkloadError: It failed.
        """
        reply = self._run(spec._replace(cpus=(), stdin=os.devnull), ["/bin/sh", "-c", line],
                          str(self.folder / "shell"))  # fmt: skip
        self._refuse(reply, f"{what} of arm {spec.name!r}", spec)

    def run(self, spec: ProgramSpec) -> ProgramRun:
        """
        Run a program once.

        Raises:
            WorkloadError: It failed, did not end, or left processes behind.
        """
        if spec.prepare is not None:
            self.shell(spec, spec.prepare, "--prepare")
        stdout = Path(os.devnull) if spec.ignore_output else self.folder / "stdout"
        reply = self._run(spec, list(spec.command), str(stdout))
        self._refuse(reply, f"arm {spec.name!r}", spec)
        peak = reply["peak_rss_bytes"]
        numbers = {name: reply[name] for name in ProgramRun._fields if name in reply}
        return ProgramRun(
            **{**numbers, "peak_rss_bytes": peak if peak > self._own_rss else None},
            digest=None if spec.ignore_output else _digest(stdout),
            output_tail=_tail(stdout),
        )

    def _refuse(self, reply: Mapping[str, Any], arm: str, spec: ProgramSpec) -> None:
        cause = reply["cause"]
        errors = _tail(self.folder / "stderr")
        if cause == "unstarted":
            raise WorkloadError(f"{arm} cannot be started: {reply['reason']}{_hint(spec)}")
        if cause == "deadline":
            raise DeadlineError(
                f"{arm} did not end within {spec.timeout_s:g} s (--timeout) and was ended; it has "
                f"no terminal and reads {spec.stdin} (--input); the end of its stderr: {errors}"
            )
        if cause == "flood":
            raise WorkloadError(
                f"{arm} wrote more than {OUTPUT_LIMIT >> 20} MiB and was ended; --ignore-output "
                "discards its stdout"
            )
        code = os.waitstatus_to_exitcode(reply["status"]) if reply["status"] is not None else None
        if code:
            kind, how = (WorkloadError, f"exit code {code}")
            if code < 0:
                kind, how = CrashError, f"signal {-code}"
            raise kind(f"{arm} failed with {how}; the end of its stderr: {errors}")
        if reply["left"]:
            raise WorkloadError(
                f"{arm} ended and left processes running, which were ended: "
                f"{', '.join(reply['left'])}; run it so that it stays in the foreground"
            )

    def close(self) -> None:
        """End the runner and whatever runs in it."""
        self._channel.close()
        try:
            self._process.wait(_LADDER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            kill_tagged(self.tag)


@contextmanager
def program_runner(folder: Path) -> Iterator[ProgramRunner]:
    """
    Start a runner; leaving ends it.

    Args:
        folder: Private.

    Raises:
        AgentError: It could not be started.
    """
    runner = ProgramRunner(folder)
    try:
        yield runner
    finally:
        runner.close()
