"""
The processes of one agent: who they are, what they hold, and how they are ended.

The supervisor is a child subreaper, so every descendant of the agent stays
below it in the process tree, also when its own parent is gone.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Callable, NamedTuple

from mpbench.agent.mappings import mapped_names

__all__ = (
    "Process",
    "descendants",
    "is_tracker",
    "kill_processes",
    "kill_tagged",
    "kill_tree",
    "mapped_segments",
    "peak_memory",
    "processes",
    "reap",
    "segments",
    "snapshot",
    "tag_of",
    "tag_prefix",
    "unlink_segments",
)

_SHM = "/dev/shm"  # noqa: S108 - it is looked at, nothing is written there

# multiprocessing's own prefixes: named semaphores (an agent's have its tag as
# well, see `tag_prefix`), shared memory, heap arenas.
_PREFIXES = ("sem.mp", "psm_", "pym-")

# After the name in /proc/PID/stat: state, parent, group.
_STAT_FIELDS = 3

_TAG = b"MPBENCH_TAG="
_TAG_LENGTH = 8

# A tracker needs its pipe's end of file and one unlink for each name; 1.5 s
# was enough in every case seen (OBSERVING 0.8).
TRACKER_GRACE_S = 2.0

# For what ends by itself once its agent is gone.
GRACE_S = 0.5


class Process(NamedTuple):
    """One line of the process table."""

    pid: int
    parent: int
    state: str
    command: str
    group: int = 0


def _read(path: str) -> bytes:
    """Return a file of /proc, or nothing when its process is gone."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def processes() -> list[Process]:
    """Return every process of the machine that can be seen; Linux only."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _read(f"/proc/{name}/stat").decode(errors="replace")
            head, _, tail = stat.rpartition(")")
            fields = tail.split()
            if len(fields) >= _STAT_FIELDS:
                command = head.partition("(")[2]
                found.append(Process(int(name), int(fields[1]), fields[0], command, int(fields[2])))
    return found


def descendants(root: int) -> list[Process]:
    """Return every live process below *root*; zombies are left out. Linux only, else empty."""
    try:
        table = processes()
    except OSError:
        return []
    below = {root}
    grown = True
    while grown:
        more = {row.pid for row in table if row.parent in below} - below
        below |= more
        grown = bool(more)
    return [row for row in table if row.pid in below and row.pid != root and row.state != "Z"]


def is_tracker(pid: int) -> bool:
    """Tell whether a process is a resource tracker, which must outlive all others."""
    return b"resource_tracker" in _read(f"/proc/{pid}/cmdline")


def tag_of(pid: int) -> str | None:
    """Return the tag of the agent that a process belongs to; None for any other process."""
    for variable in _read(f"/proc/{pid}/environ").split(b"\0"):
        if variable.startswith(_TAG):
            tag = variable[len(_TAG) :].decode(errors="replace")
            is_one = len(tag) == _TAG_LENGTH and not set(tag) - set("0123456789abcdef")
            return tag if is_one else None
    return None


def tag_prefix(tag: str) -> str:
    """
    Return how the names of an agent's semaphores begin in /dev/shm.

    multiprocessing puts `sem.` and its own prefix before random letters; the
    agent sets that prefix, so nobody else's semaphore has such a name.
    """
    return f"sem.mpb-{tag}-"


def segments(*, user: int) -> set[str]:
    """Return the names in /dev/shm that multiprocessing made and this user owns."""
    found = set()
    try:
        with os.scandir(_SHM) as entries:
            for entry in entries:
                if entry.name.startswith(_PREFIXES):
                    try:
                        if entry.stat(follow_symlinks=False).st_uid == user:
                            found.add(entry.name)
                    except OSError:
                        continue
    except OSError:
        pass
    return found


def mapped_segments(processes: list[Process]) -> set[str]:
    """Return the names in /dev/shm that these processes have mapped."""
    names = mapped_names([process.pid for process in processes], _SHM)
    return {name for name in names if name.startswith(_PREFIXES)}


def unlink_segments(names: set[str]) -> list[str]:
    """Remove names from /dev/shm and return those that were there."""
    removed = []
    for name in sorted(names):
        try:
            os.unlink(f"{_SHM}/{name}")
        except OSError:
            continue
        removed.append(name)
    return removed


def reap() -> list[tuple[int, int]]:
    """Collect every child that has ended: pairs of pid and wait status."""
    reaped: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return reaped
        if pid == 0:
            return reaped
        reaped.append((pid, status))


def _signal(processes: list[Process], number: int) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _wait_until_gone(
    living: Callable[[], list[Process]], seconds: float, collect: Callable[[], None]
) -> list[Process]:
    """Wait for processes to end; return those that did not."""
    deadline = time.monotonic() + seconds
    pause = 0.001
    while True:
        collect()
        left = living()
        if not left or time.monotonic() >= deadline:
            return left
        time.sleep(pause)
        pause = min(0.05, pause * 2)


def _kill_the_stubborn(living: Callable[[], list[Process]], collect: Callable[[], None]) -> None:
    """
    Something forks as fast as it is killed: kill until nothing is left.

    A chain of processes, each of which forks and exits, is never where the
    process table showed it. A signal to its group reaches it, because no fork
    can pass while the kernel sends that; it takes the trackers too, whose
    names the supervisor removes.
    """
    for _ in range(200):
        left = living()
        _signal(left, signal.SIGKILL)
        for group in {process.group for process in left} - {os.getpgrp()}:
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        if not _wait_until_gone(living, 0.05, collect):
            return


def kill_processes(
    living: Callable[[], list[Process]],
    *,
    steps: tuple[tuple[int, float], ...],
    collect: Callable[[], None],
) -> list[Process]:
    """
    End processes, the resource trackers last.

    A tracker that is killed with the others leaves named semaphores and
    segments behind for ever; one that is spared removes them as soon as the
    last process that holds its pipe is gone.

    Args:
        living: Returns those that are still there.
        steps: Signals and how many seconds each is given, weakest first.
        collect: Called between looks; reaps what has ended.

    Returns:
        The processes that were still there at the beginning, without trackers.
    """

    def others() -> list[Process]:
        return [one for one in living() if not is_tracker(one.pid)]

    # A fork server leaves by itself when the last end of its pipe is closed.
    found = _wait_until_gone(others, GRACE_S, collect)
    left = found
    for number, seconds in steps:
        if not left:
            break
        _signal(left, number)
        if number != signal.SIGKILL:
            _signal(left, signal.SIGCONT)
        left = _wait_until_gone(others, seconds, collect)
    if left:
        _kill_the_stubborn(others, collect)
    trackers = _wait_until_gone(living, TRACKER_GRACE_S, collect)
    if trackers:
        _signal(trackers, signal.SIGKILL)
        _wait_until_gone(living, 1.0, collect)
    return found


def kill_tree(
    root: int,
    *,
    steps: tuple[tuple[int, float], ...],
    collect: Callable[[], None],
) -> list[Process]:
    """End every process below *root*, as `kill_processes` does."""
    return kill_processes(lambda: descendants(root), steps=steps, collect=collect)


def _tagged(tag: str) -> list[Process]:
    return [
        process for process in processes() if process.state != "Z" and tag_of(process.pid) == tag
    ]


def kill_tagged(tag: str) -> list[Process]:
    """
    End every process of an agent whose supervisor is gone, and remove its segments.

    Returns:
        The processes that were found; none where there is no /proc.
    """
    try:
        held = mapped_segments(_tagged(tag))
    except OSError:
        return []
    steps = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 3.0))
    found = kill_processes(lambda: _tagged(tag), steps=steps, collect=_leave)
    names = segments(user=os.getuid())
    unlink_segments({name for name in names if name in held or name.startswith(tag_prefix(tag))})
    return found


def _leave() -> None:
    """Collect nothing: these are somebody else's children."""


def _status_bytes(text: bytes, field: bytes) -> int:
    for line in text.splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0


def peak_memory(pid: int) -> int:
    """Return the most memory that one process ever had, in bytes; 0 where it is not known."""
    return _status_bytes(_read(f"/proc/{pid}/status"), b"VmHWM:")


def snapshot(root: int) -> dict[str, int | None]:
    """
    Return what the tree below *root* holds now.

    `peak_rss_bytes` is the sum of each process's own peak and therefore an
    upper bound; `run_delay_ns` sums all threads' waits for a CPU (the field
    of /proc/PID/schedstat knows the main thread only). None stands for what
    the kernel does not tell.
    """
    peak = threads = 0
    delays = []
    living = descendants(root)
    for process in living:
        peak += peak_memory(process.pid)
        try:
            tasks = os.listdir(f"/proc/{process.pid}/task")
        except OSError:
            continue
        threads += len(tasks)
        for task in tasks:
            fields = _read(f"/proc/{process.pid}/task/{task}/schedstat").split()
            delays += [int(fields[1])] if len(fields) > 1 else []
    return {
        "processes": len(living),
        "threads": threads,
        "peak_rss_bytes": peak or None,
        "run_delay_ns": sum(delays) if delays else None,
    }
