"""Run of a user's program under a supervisor and a sampler, to its end."""

from __future__ import annotations

import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mpbench
from mpbench.errors import AgentError
from mpbench.profiling.program_tree import EVENT_FOLDER, end_program
from mpbench.profiling.supervisor import END_REQUESTS, PASSED_ON
from mpbench.sampling.sampler import Sampler, SamplerResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ("ProgramRun", "RunOptions", "run_program")

_SUPERVISE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from mpbench.profiling.supervisor import main; main()"
)
# How long the kill ladder may take before the supervisor itself is given up.
_LADDER_S = 20.0
# From the second request on a program has this long to end.
_FORCED_S = 1.0
# Two signals within this time are one request: `timeout` signals its child, then its group.
_ONE_REQUEST_S = 0.25
_LOOK_S = 0.25
_END_REQUESTS = {getattr(signal, name) for name in END_REQUESTS if hasattr(signal, name)}


class ProgramRun(NamedTuple):
    """
    A program that has ended, with everything it started.

    `cause` is `exited`, `deadline`, `killed`, or `lost` when the supervisor
    disappeared. `exit_code` is negative for a signal. `interrupted` says that a signal
    asked the program to end.
    """

    pid: int
    cause: str
    exit_code: int | None
    interrupted: bool
    started_ns: int
    ended_ns: int
    seen: SamplerResult
    report: Mapping[str, Any]


class RunOptions(NamedTuple):
    """
    When a program is ended, and what is reported meanwhile.

    Args:
        timeout_s: When it is ended by force; None waits for ever.
        grace_s: How long after a request to end it is ended by force; None waits for ever.
        end_orphans: Whether to end what outlives it.
        interval_s: How often its processes are sampled.
        on_start: Called with the program's pid.
        on_request: Called with a signal's name and how often the program was asked to end.
        on_end: Called when it has ended, before its events are read.
        stdin: The file that it reads; None leaves it what this process reads.
        quiet: Whether its stdout is discarded.
    """

    timeout_s: float | None = None
    grace_s: float | None = None
    end_orphans: bool = False
    interval_s: float = 0.05
    on_start: Callable[[int], None] | None = None
    on_request: Callable[[str, int], None] | None = None
    on_end: Callable[[], None] | None = None
    stdin: str | None = None
    quiet: bool = False


_DEFAULTS = RunOptions()


class _SupervisorPipes:
    """The pipes to and from a supervisor, and one for signals that this process receives."""

    def __init__(self) -> None:
        self.orders, self.control = os.pipe()
        self.report, self.tell = os.pipe()
        self._signals, self._wake = os.pipe()
        self._rest = b""

    def theirs(self) -> tuple[int, int]:
        """Return the supervisor's ends."""
        return self.orders, self.tell

    def order(self, line: str) -> None:
        """Send one line."""
        try:
            os.write(self.control, line.encode() + b"\n")
        except BrokenPipeError:
            # It is gone, and its last message says why.
            return

    def received(self, number: int, frame: Any) -> None:
        """Note a signal; installed as its handler."""
        del frame
        os.write(self._wake, bytes([number]))

    def message(self, wait_s: float) -> dict[str, Any] | None:
        """Return the next message, an empty one after *wait_s*, or None at the end."""
        poller = select.poll()
        poller.register(self.report, select.POLLIN | select.POLLHUP)
        poller.register(self._signals, select.POLLIN)
        while b"\n" not in self._rest:
            ready = {descriptor for descriptor, _ in poller.poll(wait_s * 1_000)}
            if self._signals in ready:
                return {"signals": list(os.read(self._signals, 64))}
            if not ready:
                return {}
            piece = os.read(self.report, 1 << 16)
            if not piece:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Give our ends back."""
        for descriptor in (self.control, self.report, self._signals, self._wake):
            os.close(descriptor)


def _start(
    command: Sequence[str],
    environment: Mapping[str, str],
    wires: _SupervisorPipes,
    options: RunOptions,
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
        with ExitStack() as stack:
            stdin = stack.enter_context(Path(options.stdin).open("rb")) if options.stdin else None
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SUPERVISE, home, json.dumps(order)],
                pass_fds=wires.theirs(),
                env=dict(environment),
                stdin=stdin,
                stdout=subprocess.DEVNULL if options.quiet else None,
            )
    except OSError as error:
        raise AgentError(f"no process could be started for the supervisor: {error}") from error
    finally:
        for descriptor in wires.theirs():
            os.close(descriptor)


class _Watch:
    """Waits for the end of a program, and passes signals on to it."""

    def __init__(self, wires: _SupervisorPipes, options: RunOptions) -> None:
        self._wires = wires
        self._options = options
        self.pid = 0
        self.requests = 0
        self._asked_s = 0.0
        self._limit: float | None = None
        self._waiting: list[int] = []

    def until_end(self) -> dict[str, Any] | None:
        """Return the supervisor's last message, or None when it was lost."""
        outlives: list[str] = []
        while True:
            message = self._wires.message(_LOOK_S)
            if message is None:
                return None
            if "end" in message:
                return {**message, "outlives": outlives}
            outlives = message.get("outlives", outlives)
            if "started" in message:
                self._started(message["started"])
            for number in message.get("signals", ()):
                self._signal(number)
            if self._limit is not None and time.monotonic() > self._limit:
                self._wires.order("kill")
                self._limit = time.monotonic() + _LADDER_S

    def _started(self, pid: int) -> None:
        self.pid = pid
        if self._options.on_start is not None:
            self._options.on_start(pid)
        for number in self._waiting:
            self._wires.order(f"signal {number}")

    def _signal(self, number: int) -> None:
        """Pass a signal on; what asks the program to end a second time ends it."""
        if self.pid:
            self._wires.order(f"signal {number}")
        else:
            self._waiting.append(number)
        now = time.monotonic()
        if number not in _END_REQUESTS or now - self._asked_s < _ONE_REQUEST_S:
            return
        self._asked_s = now
        self.requests += 1
        wait = self._options.grace_s if self.requests == 1 else _FORCED_S
        if wait is not None:
            self._limit = min(now + wait, self._limit or math.inf)
        if self._options.on_request is not None:
            self._options.on_request(signal.Signals(number).name, self.requests)


def run_program(
    command: Sequence[str], environment: Mapping[str, str], options: RunOptions = _DEFAULTS
) -> ProgramRun:
    """
    Run a program to its end and sample its processes.

    It keeps this process's streams, folder and terminal. Signals reach it as if this
    process were not there: those of the terminal by themselves, the others are passed on.

    Args:
        command: An executable's path and its arguments.
        environment: All of its environment variables.
        options: When it is ended.

    Raises:
        AgentError: The supervisor could not be started.
    """
    wires = _SupervisorPipes()
    began = time.perf_counter_ns()
    before = _handle_signals(wires)
    try:
        process = _start(command, environment, wires, options)
        if options.timeout_s is not None:
            wires.order(f"deadline {options.timeout_s}")
        if options.end_orphans:
            wires.order("end-orphans")
        watch = _Watch(wires, options)
        with Sampler(process.pid, interval_s=options.interval_s) as sampler:
            last = watch.until_end()
            ended = time.perf_counter_ns()
        if last is None:
            last = _lost(environment.get(EVENT_FOLDER))
        _reap(process)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        wires.close()
    status = last.get("status")
    exit_code = None if status is None else os.waitstatus_to_exitcode(status)
    return ProgramRun(
        pid=watch.pid,
        cause=last["end"],
        exit_code=exit_code,
        interrupted=watch.requests > 0 or exit_code == -signal.SIGINT,
        started_ns=began,
        ended_ns=ended,
        seen=sampler.seen(),
        report=last,
    )


def _lost(folder: str | None) -> dict[str, Any]:
    """End a program whose supervisor is gone, and what it started: nobody else does now."""
    return {"end": "lost", "ended": [] if folder is None else list(end_program(folder))}


def _handle_signals(wires: _SupervisorPipes) -> dict[int, Any]:
    """Note the signals that are passed on; what is ignored stays so. Return what was."""
    before: dict[int, Any] = {}
    for number in PASSED_ON:
        if signal.getsignal(number) is signal.SIG_IGN:
            continue
        try:
            before[number] = signal.signal(number, wires.received)
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
