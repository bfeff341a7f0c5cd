"""
The small process between the controller and one agent.

It is the subreaper of everything that the agent starts, holds the deadline
and the kill ladder, accounts the CPU time of the whole tree, and ends it all
when the controller dies. So nothing of this happens inside a pytest, asv or
Dask process, and no watcher thread lives in the agent, where it would change
what fork costs.

It is started with one JSON argument (see `SupervisorConfig`) and understands four lines
on its control descriptor: `deadline SECONDS`, `disarm`, `snapshot`, `kill`.
It answers on its report descriptor with one JSON object a line; the last one
has the key `end`.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Any, NamedTuple

from mpbench.agent.oom_kills import oom_kills
from mpbench.agent.process_tree import (
    Process,
    descendants,
    kill_tree,
    mapped_segments,
    processes,
    reap,
    segments,
    snapshot,
    tag_prefix,
    unlink_segments,
)

__all__ = ("Supervisor", "SupervisorConfig", "become_subreaper", "main")

_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PDEATHSIG = 1

# An agent that prints more than this floods the disk, not the log.
_LOG_LIMIT = 32 << 20
_LOG_LOOK_S = 1.0

# For what other programs remove after their last process.
_TRACKER_S = 0.1

# SIGABRT makes faulthandler print every stack before the process ends.
_WITH_STACKS = ((signal.SIGABRT, 2.0), (signal.SIGKILL, 3.0))
_POLITE = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 3.0))


class SupervisorConfig(NamedTuple):
    """
    What a supervisor is told to start.

    Without a log the program is a user's own: it keeps this process's streams,
    environment, folder and limits, and its pid is reported under `started`.
    """

    command: list[str]
    environment: dict[str, str] | None
    descriptors: list[int]
    control: int
    report: int
    log: str | None
    folder: str
    own_session: bool


def become_subreaper() -> bool:
    """Adopt orphaned descendants; False where the platform cannot (not Linux)."""
    try:
        import ctypes  # noqa: PLC0415 - only where it works

        library = ctypes.CDLL(None, use_errno=True)
        adopted: int = library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return False
    return adopted == 0


class Supervisor:
    """One agent's life, from its start to the end of its last descendant."""

    def __init__(self, order: SupervisorConfig) -> None:
        self._order = order
        self._deadline: float | None = None
        self._status: int | None = None
        self._reaped = 0
        self._pid = 0
        self._before: set[str] = set()
        self._rest = b""
        self._started = 0
        self._oom_kills: int | None = None
        # What the agent starts with as if nobody had handled or ignored it.
        self._reset_signals = [signal.SIGINT, signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE]

    def run(self) -> None:
        """Start the agent, watch it, end everything, and report."""
        subreaper = become_subreaper()
        wake_reader, wake_writer = os.pipe()
        for descriptor in (wake_reader, wake_writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._handle_signals()
        self._before = segments(user=os.getuid())
        self._oom_kills = oom_kills()
        self._started = time.perf_counter_ns()
        self._start()
        cause = self._watch(wake_reader)
        self._finish(cause, subreaper)

    def _handle_signals(self) -> None:
        """Note SIGTERM, and leave Ctrl-C to the controller."""
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _start(self) -> None:
        order = self._order
        streams = [] if order.log is None else self._set_apart(order.log)
        for descriptor in (order.control, order.report):
            # A workload that writes to every descriptor must not reach the controller.
            os.set_inheritable(descriptor, False)
        for descriptor in order.descriptors:
            os.set_inheritable(descriptor, True)
        try:
            self._spawn(streams, **({"setsid": True} if order.own_session else {}))
        except NotImplementedError:
            # Then it stays in the supervisor's own session, which is the agent's alone.
            self._spawn(streams)
        for descriptor in {*order.descriptors, *streams}:
            os.close(descriptor)
        if order.log is None:
            self._tell({"started": self._pid})

    def _spawn(self, streams: list[int], **options: Any) -> None:
        order = self._order
        self._pid = os.posix_spawn(
            order.command[0],
            order.command,
            os.environ if order.environment is None else order.environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stream, number) for number, stream in enumerate(streams)
            ],
            setsigdef=self._reset_signals,
            **options,
        )

    def _set_apart(self, path: str) -> list[int]:
        """Keep an agent away from the user's folder and streams; return its own streams."""
        with suppress(OSError, ValueError):
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
        os.chdir(self._order.folder)
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        silent = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        return [silent, log, log]

    def _collect(self) -> None:
        for pid, status in reap():
            self._reaped += 1
            if pid == self._pid:
                self._status = status

    def _watch(self, wake: int) -> str:
        """Return why watching ended: exited, deadline, controller, killed, or flood."""
        poller = select.poll()
        poller.register(self._order.control, select.POLLIN | select.POLLHUP)
        poller.register(wake, select.POLLIN)
        cause = None
        while cause is None:
            self._collect()
            if self._status is not None:
                return "exited"
            left = _LOG_LOOK_S
            if self._deadline is not None:
                left = min(left, self._deadline - time.monotonic())
            for descriptor, _ in poller.poll(max(0.0, left) * 1_000):
                cause = cause or (self._woken(wake) if descriptor == wake else self._listen())
            cause = cause or self._overdue()
        return cause

    def _woken(self, wake: int) -> str | None:
        return "killed" if signal.SIGTERM in os.read(wake, 4_096) else None

    def _overdue(self) -> str | None:
        # A flood that also took too long is a flood.
        if self._log_size() > _LOG_LIMIT:
            return "flood"
        is_late = self._deadline is not None and time.monotonic() >= self._deadline
        return "deadline" if is_late else None

    def _log_size(self) -> int:
        if self._order.log is None:
            return 0
        try:
            return os.stat(self._order.log).st_size
        except OSError:
            return 0

    def _listen(self) -> str | None:
        """Obey the controller; return a cause to stop, or None."""
        piece = os.read(self._order.control, 4_096)
        if not piece:
            return "controller"
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            cause = self._obey(*line.decode().partition(" ")[::2])
            if cause is not None:
                return cause
        return None

    def _obey(self, word: str, value: str) -> str | None:
        """Do what one line of the controller says; return a cause to stop, or None."""
        if word == "deadline":
            self._deadline = time.monotonic() + float(value)
        elif word == "disarm":
            self._deadline = None
        elif word == "snapshot":
            self._tell({"snapshot": snapshot(os.getpid())})
        elif word == "kill":
            return "killed"
        return None

    def _tell(self, message: dict[str, Any]) -> None:
        try:
            os.write(self._order.report, json.dumps(message).encode() + b"\n")
        except OSError:
            # Nobody listens any more; ending the tree matters more than saying so.
            self._rest = b""

    def _mark(self) -> str:
        """Return how the names of the agent's semaphores begin."""
        tag = (self._order.environment or {}).get("MPBENCH_TAG")
        # No name has a line end, so without a tag none is certainly ours.
        return tag_prefix(tag) if tag else "\n"

    def _end_tree(self, cause: str) -> list[Process]:
        """End every descendant; return those that were still there."""
        steps = _WITH_STACKS if cause == "deadline" else _POLITE
        return kill_tree(os.getpid(), steps=steps, collect=self._collect)

    def _remaining(self, names: set[str]) -> set[str]:
        """Return the names that nobody else has, now and a moment later."""
        for _ in range(2):
            if not names:
                break
            names -= self._of_others(names)
            # A tracker of another program may be about to remove them.
            time.sleep(_TRACKER_S)
            names &= segments(user=os.getuid())
        return names

    def _of_others(self, names: set[str]) -> set[str]:
        """Return the names that a process outside of the tree has mapped, or another session's."""
        tagged = {name for name in names if name.startswith("sem.mpb-")}
        here = {os.getpid(), *(descendant.pid for descendant in descendants(os.getpid()))}
        try:
            outside = [process for process in processes() if process.pid not in here]
        except OSError:
            outside = []
        theirs = mapped_segments(outside)
        return {one for one in tagged if not one.startswith(self._mark())} | names & theirs

    def _killed_for_memory(self) -> int | None:
        """Return how many processes of the control group the kernel ended meanwhile."""
        now = oom_kills()
        return None if now is None or self._oom_kills is None else now - self._oom_kills

    def _finish(self, cause: str, subreaper: bool) -> None:
        here = os.getpid()
        held: set[str] = set()
        if cause != "exited":
            held = mapped_segments(descendants(here))
        found = self._end_tree(cause)
        if self._order.own_session:
            # Whom no look at the process table met: orphans where there is no
            # subreaper, or a chain of processes that fork and exit.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
        self._collect()
        made = segments(user=os.getuid()) - self._before
        # A new name that nobody mapped may belong to another program of this
        # user, unless it has the agent's tag.
        ours = made & held | {name for name in made if name.startswith(self._mark())}
        remaining = self._remaining(made - ours)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._tell(
            {
                "end": cause,
                "status": self._status,
                "wall_ns": time.perf_counter_ns() - self._started,
                "cpu_user_ns": round(used.ru_utime * 1e9),
                "cpu_system_ns": round(used.ru_stime * 1e9),
                "voluntary_switches": used.ru_nvcsw,
                "involuntary_switches": used.ru_nivcsw,
                "reaped": self._reaped,
                "subreaper": subreaper,
                "oom_kills": self._killed_for_memory(),
                "ended": [
                    f"{entry.command} ({entry.pid})" for entry in found if entry.pid != self._pid
                ],
                "removed": unlink_segments(ours),
                "remaining": sorted(remaining),
            }
        )


def main() -> None:
    """Run one supervisor; the order is the last argument."""
    order = SupervisorConfig(**json.loads(sys.argv[-1]))
    Supervisor(order).run()
