"""Reading a process tree with psutil, where /proc does not tell."""

from __future__ import annotations

import os
import sys
import time

import psutil

from mpbench.environment import SYSTEM
from mpbench.sampling.procfs import ProcReader
from mpbench.sampling.snapshot import Key, ProcessSnapshot, Reader

__all__ = ("PsutilReader", "reader_for")


class PsutilReader:
    """
    Looks at a process and its descendants through psutil.

    Processes are kept by (pid, creation time): psutil's own methods do not
    notice that a pid is used again.

    Args:
        root: The process at the top.
    """

    def __init__(self, root: int) -> None:
        self._known: dict[Key, psutil.Process] = {}
        self._offset = time.perf_counter() - time.time()
        self._root: psutil.Process | None = None
        try:
            self._root = psutil.Process(root)
        except psutil.Error:
            return

    def read(self, *, discover: bool) -> list[ProcessSnapshot]:
        """Return the live processes of the tree, parents before their children."""
        if self._root is None:
            return []
        if discover or not self._known:
            self._find(self._root)
        found: list[ProcessSnapshot] = []
        for key, process in list(self._known.items()):
            try:
                found.append(self._read(key, process))
            except psutil.Error:
                del self._known[key]
        return found

    def close(self) -> None:
        """Forget the processes."""
        self._known.clear()

    def _find(self, root: psutil.Process) -> None:
        try:
            live = [root, *root.children(recursive=True)]
        except psutil.Error:
            return
        for process in live:
            try:
                key = (process.pid, round((process.create_time() + self._offset) * 1e9))
            except psutil.Error:
                continue
            same = next((known for known, one in self._known.items() if one == process), key)
            self._known.setdefault(same, process)

    @staticmethod
    def _read(key: Key, process: psutil.Process) -> ProcessSnapshot:
        with process.oneshot():
            times = process.cpu_times()
            # Absent on some platforms, and always 0 on Windows and macOS.
            waited = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
            return ProcessSnapshot(
                key=key,
                parent=process.ppid(),
                name=process.name(),
                own_ns=round((times.user + times.system) * 1e9),
                waited_ns=round(waited * 1e9),
                rss_bytes=process.memory_info().rss,
                threads=process.num_threads(),
            )


def reader_for(root: int) -> Reader:
    """Return the cheapest reader that this platform has for a process tree."""
    if sys.platform == "linux" and SYSTEM.exists(f"/proc/self/task/{os.getpid()}/children"):
        return ProcReader(root)
    return PsutilReader(root)
