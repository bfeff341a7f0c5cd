"""
Resources and activity of this process and its descendants, as the kernel counts them.

What the platform does not tell is None. It runs in the agent, without psutil.
"""

from __future__ import annotations

import os
import threading
from typing import NamedTuple

__all__ = (
    "Activity",
    "ResourceCounts",
    "activity_of",
    "count_resources",
    "descendants",
    "throttled_ns",
)


class ResourceCounts(NamedTuple):
    """What this process and its descendants hold; None where the platform does not tell."""

    processes: int | None
    threads: int | None
    descriptors: int | None
    semaphores: int | None
    memory: int | None


class Activity(NamedTuple):
    """What some processes did since they began."""

    cpu_ns: int
    voluntary: int
    involuntary: int


def _text(path: str) -> str:
    """Return a file of the kernel, or "" if there is none."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def descendants() -> tuple[int, ...] | None:
    """Return this process and all below it, or None without `/proc`."""
    children: dict[int, list[int]] = {}
    for name in _entries("/proc"):
        if name.isdigit():
            # The name in brackets may hold anything; the parent stands after it.
            fields = _text(f"/proc/{name}/stat").rpartition(")")[2].split()
            if len(fields) > 1 and fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(name))
    if not children:
        return None
    pids = [os.getpid()]
    for pid in pids:
        pids += children.get(pid, [])
    return tuple(pids)


def _pss_bytes(pid: int) -> int:
    for line in _text(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _own_descriptors() -> int | None:
    # One of them is the listing's own.
    return len(_entries("/dev/fd")) - 1 if os.path.isdir("/dev/fd") else None


def count_resources() -> ResourceCounts:
    """
    Count what this process and its descendants hold at this moment.

    Semaphores are mappings of this process alone. Memory is the proportional
    set size, in which a page shared by n processes counts 1/n.
    """
    pids = descendants()
    if pids is None:
        return ResourceCounts(None, threading.active_count(), _own_descriptors(), None, None)
    memory = sum(_pss_bytes(pid) for pid in pids)
    return ResourceCounts(
        processes=len(pids),
        threads=sum(len(_entries(f"/proc/{pid}/task")) for pid in pids),
        descriptors=sum(len(_entries(f"/proc/{pid}/fd")) for pid in pids),
        semaphores=_text("/proc/self/maps").count("/dev/shm/sem."),  # noqa: S108 - only read
        memory=memory or None,
    )


def activity_of(pids: tuple[int, ...]) -> Activity | None:
    """
    Return what processes did, thread by thread, or None where the kernel does not tell.

    The kernel's figures of a process are those of its main thread, so they are
    summed over the threads. The calling thread is left out: it does the reading.
    """
    cpu = voluntary = involuntary = 0
    seen = False
    own = str(threading.get_native_id())
    for pid in pids:
        for thread in _entries(f"/proc/{pid}/task"):
            running = _text(f"/proc/{pid}/task/{thread}/schedstat").split()
            seen = seen or bool(running)
            if thread == own or not running:
                continue
            cpu += int(running[0])
            for line in _text(f"/proc/{pid}/task/{thread}/status").splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    voluntary += int(line.split()[1])
                elif line.startswith("nonvoluntary_ctxt_switches:"):
                    involuntary += int(line.split()[1])
    return Activity(cpu, voluntary, involuntary) if seen else None


def throttled_ns() -> int | None:
    """Return how long the control group was held back by its quota so far, or None."""
    for line in _text("/sys/fs/cgroup/cpu.stat").splitlines():
        if line.startswith("throttled_usec"):
            return int(line.split()[1]) * 1_000
    for line in _text("/sys/fs/cgroup/cpu/cpu.stat").splitlines():
        if line.startswith("throttled_time"):
            return int(line.split()[1])
    return None
