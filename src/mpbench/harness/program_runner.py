"""
Runner process of whole programs: start, deadline, resource usage, clean-up.

The controller starts one for a session. It reads requests, one JSON object a
line (see `RunRequest`), runs each program to its end and answers with one
line. It is the subreaper of everything that a program starts, so that it can
account the CPU time of the whole tree and end what the program left running.
When the controller disappears it ends the program and itself.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mpbench.agent.process_tree import (
    descendants,
    kill_tree,
    mapped_segments,
    peak_memory,
    segments,
    unlink_segments,
)
from mpbench.agent.protocol import Channel
from mpbench.agent.supervisor import become_subreaper

__all__ = ("RunRequest", "main", "serve")

# Helper processes of multiprocessing end a moment after the program that they belong to.
_HELPERS_S = 2.0
# How often the size of the output is looked at.
_LOOK_S = 0.25
_STEPS = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 3.0))


class RunRequest(NamedTuple):
    """
    One program to run.

    `streams` are the paths of stdin, stdout and stderr; the last two are emptied
    first. `cpus` are those that it may use, all of the runner's where it is
    empty. `output_limit` is in bytes, for stdout and stderr each.
    """

    command: list[str]
    environment: dict[str, str]
    folder: str
    streams: list[str]
    timeout_s: float
    output_limit: int
    cpus: list[int]


class _Usage:
    """What the processes that were waited for used."""

    def __init__(self) -> None:
        self.cpu_user_ns = 0
        self.cpu_system_ns = 0
        self.voluntary_switches = 0
        self.involuntary_switches = 0
        self.peak_rss_bytes = 0
        self.processes = 0

    def add(self, used: resource.struct_rusage) -> None:
        """Add a process, with the children that it waited for itself."""
        self.cpu_user_ns += round(used.ru_utime * 1e9)
        self.cpu_system_ns += round(used.ru_stime * 1e9)
        self.voluntary_switches += used.ru_nvcsw
        self.involuntary_switches += used.ru_nivcsw
        unit = 1 if sys.platform == "darwin" else 1024
        self.peak_rss_bytes = max(self.peak_rss_bytes, used.ru_maxrss * unit)
        self.processes += 1


class _ProgramProcess:
    """One run of a program."""

    def __init__(self, request: RunRequest, orders: int, wake: int) -> None:
        self._request = request
        self._orders = orders
        self._wake = wake
        self._usage = _Usage()
        self._pid = 0
        self._started = 0
        self._status: int | None = None
        self._ended = 0
        self._is_empty = False
        self._controller_gone = False

    def run(self) -> dict[str, Any]:
        """
        Run it to its end and return what it used.

        Raises:
            OSError: It cannot be started.
        """
        names = segments(user=os.getuid())
        self._start()
        cause = self._watch()
        held = set() if cause == "exited" else mapped_segments(descendants(os.getpid()))
        left = self._end_all()
        if not self._ended:
            self._ended = time.perf_counter_ns()
        removed = unlink_segments((segments(user=os.getuid()) - names) & held)
        return {
            "cause": cause,
            "status": self._status,
            "wall_ns": self._ended - self._started,
            "left": left,
            "removed": removed,
            **vars(self._usage),
        }

    def _start(self) -> None:
        request = self._request
        os.chdir(request.folder)
        flags = (os.O_RDONLY, *(os.O_WRONLY | os.O_CREAT | os.O_TRUNC,) * 2)
        streams: list[int] = []
        allowed = None
        try:
            for path, flag in zip(request.streams, flags):
                streams.append(os.open(path, flag | os.O_CLOEXEC | os.O_NOCTTY, 0o600))
            if request.cpus:
                allowed = os.sched_getaffinity(0)
                os.sched_setaffinity(0, request.cpus)
            self._started = time.perf_counter_ns()
            self._pid = os.posix_spawn(
                request.command[0],
                request.command,
                request.environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, stream, at) for at, stream in enumerate(streams)
                ],
                setsigdef=[signal.SIGINT, signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE],
                setsid=True,
            )
        finally:
            for descriptor in streams:
                os.close(descriptor)
            if allowed is not None:
                os.sched_setaffinity(0, allowed)

    def _collect(self) -> None:
        """Wait for every child that has ended."""
        now = time.perf_counter_ns()
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self._is_empty = True
                return
            if pid == 0:
                return
            self._usage.add(used)
            if pid == self._pid:
                self._status = status
                self._ended = now

    def _wait(self, seconds: float) -> None:
        """Wait until a child ends, the controller disappears, or for so long."""
        poller = select.poll()
        poller.register(self._wake, select.POLLIN)
        poller.register(self._orders, select.POLLHUP)
        for descriptor, _ in poller.poll(max(0.0, seconds) * 1_000):
            if descriptor == self._wake:
                os.read(self._wake, 4_096)
            else:
                self._controller_gone = True
        self._collect()

    def _watch(self) -> str:
        """Return why watching ended: exited, deadline, flood or controller."""
        deadline = time.monotonic() + self._request.timeout_s
        while True:
            self._wait(min(_LOOK_S, deadline - time.monotonic()))
            if self._status is not None:
                return "exited"
            if self._controller_gone:
                return "controller"
            if self._is_flooding():
                return "flood"
            if time.monotonic() >= deadline:
                return "deadline"

    def _is_flooding(self) -> bool:
        for path in self._request.streams[1:]:
            with suppress(OSError):
                if Path(path).stat().st_size > self._request.output_limit:
                    return True
        return False

    def _end_all(self) -> list[str]:
        """End what is still there; return the names of the program's own processes among it."""
        limit = time.monotonic() + _HELPERS_S
        while self._status is not None and not self._is_empty:
            self._wait(limit - time.monotonic())
            if self._controller_gone or time.monotonic() >= limit:
                break
        if self._is_empty:
            return []
        found = kill_tree(os.getpid(), steps=_STEPS, collect=self._collect)
        # Where there is no subreaper, orphans are reached by their session alone.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        self._collect()
        return [f"{entry.command} ({entry.pid})" for entry in found if entry.pid != self._pid]


def serve(orders: int, replies: int) -> None:
    """
    Answer requests until the controller closes its end.

    Args:
        orders: The descriptor of the requests.
        replies: The descriptor of the answers.
    """
    subreaper = become_subreaper()
    wake, writer = os.pipe()
    for descriptor in (wake, writer):
        os.set_blocking(descriptor, False)
    for descriptor in (orders, replies):
        os.set_inheritable(descriptor, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    channel = Channel(orders, replies)
    # exec carries the peak of the process that starts a program over to it.
    channel.send({"ready": subreaper, "own_rss_bytes": peak_memory(os.getpid())})
    while True:
        try:
            request = channel.receive()
        except EOFError:
            return
        try:
            channel.send(_answer(request, orders, wake))
        except BrokenPipeError:
            return


def _answer(request: Mapping[str, Any], orders: int, wake: int) -> dict[str, Any]:
    try:
        return _ProgramProcess(RunRequest(**request), orders, wake).run()
    except OSError as error:
        return {"cause": "unstarted", "reason": error.strerror or str(error)}


def main() -> None:
    """Run one runner; its two descriptors are the last arguments."""
    serve(int(sys.argv[-2]), int(sys.argv[-1]))
