"""Limits of the process's control groups: CPU time, memory, processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from mpbench.environment.files import SYSTEM, Files, fact

__all__ = ("ControlGroup", "describe_cgroup", "groups", "quota")

# Version 1 writes a number near 2**63 where there is no limit.
_UNLIMITED = 1 << 60


class ControlGroup(NamedTuple):
    """One folder of a control group, and which version its files follow."""

    version: int
    folder: str


def _mounts(files: Files) -> Iterator[tuple[str, str, str, set[str]]]:
    """Return (root, mount point, type, super options) of each mounted control group."""
    for line in files.lines("/proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(fields) > 4 and rest and rest[0] in {"cgroup", "cgroup2"}:  # noqa: PLR2004 - man 5 proc
            yield fields[3], fields[4], rest[0], set(rest[-1].split(","))


def _own(files: Files, controller: str) -> dict[int, str]:
    """Return the path of this process by version; version 2 has an empty controller list."""
    own: dict[int, str] = {}
    for line in files.lines("/proc/self/cgroup"):
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            own[2] = path
        elif controller in names.split(","):
            own[1] = path
    return own


def _up(mount: str, root: str, path: str, files: Files) -> Iterator[str]:
    """Return the folders from the process's own group up to the mount point."""
    inside = PurePosixPath(path)
    if root != "/" and inside.is_relative_to(root):
        inside = PurePosixPath("/") / inside.relative_to(root)
    folder = PurePosixPath(mount) / str(inside).lstrip("/")
    # In a container the path may name a group that its own mount does not show.
    if ".." in folder.parts or not files.exists(str(folder)):
        folder = PurePosixPath(mount)
    yield str(folder)
    for parent in folder.parents:
        if not parent.is_relative_to(mount):
            return
        yield str(parent)


def groups(controller: str, files: Files = SYSTEM) -> tuple[ControlGroup, ...]:
    """
    Return the groups that limit this process, its own first.

    Args:
        controller: `cpu`, `memory` or `pids`.
        files: Where to read.
    """
    own = _own(files, controller)
    found: list[ControlGroup] = []
    for root, mount, kind, options in _mounts(files):
        version = 2 if kind == "cgroup2" else 1
        if version in own and (version == 2 or controller in options):  # noqa: PLR2004 - cgroup 2
            found += [
                ControlGroup(version, folder) for folder in _up(mount, root, own[version], files)
            ]
    return tuple(found)


def _quota_of(group: ControlGroup, files: Files) -> float | None:
    if group.version == 2:  # noqa: PLR2004 - cgroup 2
        allowed, _, period = (files.text(f"{group.folder}/cpu.max") or "max").partition(" ")
    else:
        allowed = files.text(f"{group.folder}/cpu.cfs_quota_us") or "-1"
        period = files.text(f"{group.folder}/cpu.cfs_period_us") or ""
    if not allowed.isdigit() or not period.isdigit() or not int(period):
        return None
    return int(allowed) / int(period)


def quota(files: Files = SYSTEM) -> float | None:
    """Return how many CPUs' worth of time the process may use; None without a limit."""
    found = [_quota_of(group, files) for group in groups("cpu", files)]
    return min((entry for entry in found if entry is not None), default=None)


def _limit(controller: str, second: str, first: str, files: Files) -> int | None:
    """Return the smallest limit on the way up; *second* and *first* name the versions' files."""
    found = [
        files.integer(f"{group.folder}/{second if group.version == 2 else first}")  # noqa: PLR2004
        for group in groups(controller, files)
    ]
    return min((entry for entry in found if entry is not None and entry < _UNLIMITED), default=None)


def _throttling(files: Files) -> dict[str, int] | None:
    """Return how often and how long the process's own CPU group was held back."""
    for group in groups("cpu", files):
        lines = files.lines(f"{group.folder}/cpu.stat")
        facts = dict(line.split()[:2] for line in lines if len(line.split()) > 1)
        if "nr_throttled" in facts:
            micro = int(facts.get("throttled_usec", int(facts.get("throttled_time", 0)) // 1_000))
            return {
                "periods": int(facts["nr_periods"]),
                "throttled": int(facts["nr_throttled"]),
                "throttled_us": micro,
            }
    return None


def describe_cgroup(files: Files = SYSTEM) -> dict[str, Any]:
    """Return the limits that the process's control groups set."""
    found = groups("cpu", files)
    return {
        "version": found[0].version if found else None,
        "cpu_quota": quota(files),
        "cpu_throttling": fact(_throttling, files),
        "memory_limit_bytes": _limit("memory", "memory.max", "memory.limit_in_bytes", files),
        "process_limit": _limit("pids", "pids.max", "pids.max", files),
        "processes": next(
            (
                count
                for group in groups("pids", files)
                if (count := files.integer(f"{group.folder}/pids.current")) is not None
            ),
            None,
        ),
    }
