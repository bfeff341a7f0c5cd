"""Running a user's program under a supervisor and a sampler, to whatever end it comes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mpbench
from mpbench.errors import AgentError
from mpbench.sampling.sampler import Sampler, SamplerResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ("ProgramRun", "run_program")

_SUPERVISE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from mpbench.agent.supervisor import main; main()"
)
# How long the kill ladder may take before the supervisor itself is given up.
_LADDER_S = 20.0
# Ctrl-C reaches the program as well; this is its time to end by itself.
_GRACE_S = 5.0
_LOOK_S = 0.25


class ProgramRun(NamedTuple):
    """
    A program that has ended, with everything it started.

    `cause` is `exited`, `deadline`, `killed`, or `lost` when the supervisor
    disappeared. `exit_code` is negative for a signal.
    """

    pid: int
    cause: str
    exit_code: int | None
    interrupted: bool
    started_ns: int
    ended_ns: int
    seen: SamplerResult
    report: Mapping[str, Any]


class _Terminated(KeyboardInterrupt):
    """Somebody wants mpbench to end, and the program does not know."""


class _SupervisorPipes:
    """The pipes to and from a supervisor."""

    def __init__(self) -> None:
        self.orders, self.control = os.pipe()
        self.report, self.tell = os.pipe()
        self._rest = b""

    def theirs(self) -> tuple[int, int]:
        """Return the supervisor's ends."""
        return self.orders, self.tell

    def order(self, line: str) -> None:
        """Send one line."""
        try:
            os.write(self.control, line.encode() + b"\n")
        except BrokenPipeError:
            # It is gone, and its last words say why.
            return

    def message(self, wait_s: float) -> dict[str, Any] | None:
        """Return the next message, an empty one after *wait_s*, or None at the end."""
        poller = select.poll()
        poller.register(self.report, select.POLLIN | select.POLLHUP)
        while b"\n" not in self._rest:
            if not poller.poll(wait_s * 1_000):
                return {}
            piece = os.read(self.report, 1 << 16)
            if not piece:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Give our ends back."""
        os.close(self.control)
        os.close(self.report)


def _start(
    command: Sequence[str], environment: Mapping[str, str], wires: _SupervisorPipes
) -> subprocess.Popen[bytes]:
    order = {
        "command": list(command),
        # Not in the order: anybody can read the arguments of a process.
        "environment": None,
        "descriptors": [],
        "control": wires.orders,
        "report": wires.tell,
        "log": None,
        "folder": "",
        "own_session": False,
    }
    home = str(Path(mpbench.__file__).resolve().parent.parent)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SUPERVISE, home, json.dumps(order)],
            pass_fds=wires.theirs(),
            env=dict(environment),
        )
    except OSError as error:
        raise AgentError(f"no process could be started for the supervisor: {error}") from error
    finally:
        for descriptor in wires.theirs():
            os.close(descriptor)


class _Watch:
    """Waits for the end of a program, and for the user's wish to end it."""

    def __init__(self, wires: _SupervisorPipes, on_start: Callable[[int], None] | None) -> None:
        self._wires = wires
        self._on_start = on_start
        self.pid = 0
        self.interrupted = False
        self._limit: float | None = None

    def until_end(self) -> dict[str, Any] | None:
        """Return the supervisor's last words, or None when it was lost."""
        while True:
            try:
                message = self._wires.message(_LOOK_S)
                if message is None:
                    return None
                if "end" in message:
                    return message
                if "started" in message:
                    self.pid = message["started"]
                    if self._on_start is not None:
                        self._on_start(self.pid)
                if self._limit is not None and time.monotonic() > self._limit:
                    # It has had its time; the ladder must end or be given up.
                    self._wires.order("kill")
                    self._limit = time.monotonic() + _LADDER_S
            except KeyboardInterrupt as request:
                # The second time it is an order.
                known = not isinstance(request, _Terminated) and not self.interrupted
                wait = _GRACE_S if known else 0.0
                self.interrupted = True
                self._limit = time.monotonic() + wait


def run_program(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    timeout_s: float | None = None,
    interval_s: float = 0.05,
    on_start: Callable[[int], None] | None = None,
) -> ProgramRun:
    """
    Run a program to its end, sample its processes, and leave nothing of it behind.

    It keeps this process's streams, folder and terminal. Ctrl-C reaches it
    through the terminal; if it does not end then, it is ended.

    Args:
        command: An executable's path and its arguments.
        environment: All of its environment variables.
        timeout_s: When it is ended by force; None waits for ever.
        interval_s: How often its processes are looked at.
        on_start: Called with the program's pid.

    Raises:
        AgentError: The supervisor could not be started.
    """
    wires = _SupervisorPipes()
    began = time.perf_counter_ns()
    before = _handle_ends()
    try:
        process = _start(command, environment, wires)
        if timeout_s is not None:
            wires.order(f"deadline {timeout_s}")
        watch = _Watch(wires, on_start)
        with Sampler(process.pid, interval_s=interval_s) as sampler:
            words = watch.until_end()
            ended = time.perf_counter_ns()
        _reap(process)
    finally:
        wires.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    report = words or {"end": "lost"}
    status = report.get("status")
    exit_code = None if status is None else os.waitstatus_to_exitcode(status)
    return ProgramRun(
        pid=watch.pid,
        cause=report["end"],
        exit_code=exit_code,
        # Python loses a Ctrl-C that comes while an object is being freed; the program had it too.
        interrupted=watch.interrupted or exit_code == -signal.SIGINT,
        started_ns=began,
        ended_ns=ended,
        seen=sampler.seen(),
        report=report,
    )


def _terminated(number: int, frame: Any) -> None:
    del number, frame
    raise _Terminated


def _handle_ends() -> dict[int, Any]:
    """Let SIGTERM, and a terminal that closes, end the program in good order; return what was."""
    before: dict[int, Any] = {}
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # Who ignores SIGHUP, as nohup does, wants to outlive the terminal.
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        try:
            before.setdefault(number, signal.signal(number, _terminated))
        except ValueError:
            # Signals are not ours outside of the main thread.
            return {}
    return before


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_LADDER_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
