"""The process between the profiler and a user's program: signals, orphans, the end."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from mpbench.agent.process_tree import (
    GRACE_S,
    TRACKER_GRACE_S,
    Process,
    descendants,
    is_tracker,
)
from mpbench.agent.supervisor import Supervisor, SupervisorConfig

__all__ = ("END_REQUESTS", "PASSED_ON", "ProgramSupervisor", "main")

# Signals that ask a program to end.
END_REQUESTS = ("SIGINT", "SIGTERM", "SIGQUIT")
# All that the profiler passes on. Not those of job control: they stop the profiler as well.
PASSED_ON = tuple(
    getattr(signal, name)
    for name in (*END_REQUESTS, "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGWINCH")
    if hasattr(signal, name)
)
# A signal that was sent to the process group reaches this process within this time as well.
_GROUP_S = 0.02
_GROUP_MEMORY_S = 0.2


class ProgramSupervisor(Supervisor):
    """
    The supervisor of a user's program.

    It understands two more lines: `signal NUMBER` passes a signal of the profiler on
    to the program, unless the whole process group was sent it and the program has it
    already; `end-orphans` ends what outlives the program.
    """

    def __init__(self, order: SupervisorConfig) -> None:
        super().__init__(order)
        self._end_orphans = False
        self._received: dict[int, float] = {}
        self._wake = -1

    def _handle_signals(self) -> None:
        """Note what comes; what was ignored stays ignored, here and in the program."""
        self._reset_signals = [signal.SIGCHLD, signal.SIGPIPE]
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
                self._reset_signals.append(number)

    def _watch(self, wake: int) -> str:
        self._wake = wake
        return super()._watch(wake)

    def _woken(self, wake: int) -> str | None:
        now = time.monotonic()
        try:
            self._received.update(dict.fromkeys(os.read(wake, 4_096), now))
        except BlockingIOError:
            # Read already, when the profiler asked.
            return None
        return None

    def _obey(self, word: str, value: str) -> str | None:
        if word == "signal":
            self._pass_on(int(value))
        elif word == "end-orphans":
            self._end_orphans = True
        else:
            return super()._obey(word, value)
        return None

    def _pass_on(self, number: int) -> None:
        time.sleep(_GROUP_S)
        self._woken(self._wake)
        if time.monotonic() - self._received.pop(number, -_GROUP_MEMORY_S) < _GROUP_MEMORY_S:
            return
        self._collect()
        if self._status is None:
            os.kill(self._pid, number)

    def _end_tree(self, cause: str) -> list[Process]:
        """Leave alone what outlives a program that has ended by itself; return what was ended."""
        if cause != "exited" or self._end_orphans:
            return super()._end_tree(cause)
        # Trackers and fork servers leave by themselves, and have something to write.
        began = time.monotonic()
        while left := descendants(os.getpid()):
            limit = TRACKER_GRACE_S if all(is_tracker(process.pid) for process in left) else GRACE_S
            if time.monotonic() - began > limit:
                break
            time.sleep(0.005)
            self._collect()
        self._tell({"outlives": [f"{process.command} ({process.pid})" for process in left]})
        return []


def main() -> None:
    """Supervise one program; the order is the last argument."""
    ProgramSupervisor(SupervisorConfig(**json.loads(sys.argv[-1]))).run()
