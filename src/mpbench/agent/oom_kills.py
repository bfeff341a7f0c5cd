"""Count of processes that the kernel ended for lack of memory."""

from __future__ import annotations

import os

__all__ = ("oom_kills",)

_MOUNTS = "/proc/self/mountinfo"
_OWN = "/proc/self/cgroup"


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _counts(root: str) -> list[str]:
    """Return the files that may have the count: of version 2, and of version 1."""
    own = {}
    for line in _lines(root + _OWN):
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        own.update(dict.fromkeys(names.split(","), path))
    files = []
    for line in _lines(root + _MOUNTS):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or not kind:  # noqa: PLR2004 - man 5 proc
            continue
        options = kind[-1].split(",")
        if kind[0] == "cgroup2" and "" in own:
            found, name = own[""], "memory.events"
        elif kind[0] == "cgroup" and "memory" in options and "memory" in own:
            found, name = own["memory"], "memory.oom_control"
        else:
            continue
        # In a container the mount shows a part of the tree only.
        below = (
            found[len(fields[3]) :] if fields[3] != "/" and found.startswith(fields[3]) else found
        )
        folder = root + os.path.join(fields[4], below.lstrip("/"))
        files.append(os.path.join(folder if os.path.isdir(folder) else root + fields[4], name))
    return files


def oom_kills(root: str = "") -> int | None:
    """
    Return how many processes of this one's control group were ended for lack of memory.

    Args:
        root: A folder to read from in place of the system's own; for tests.

    Returns:
        None where no control group counts them.
    """
    for path in _counts(root):
        for line in _lines(path):
            word, _, count = line.partition(" ")
            if word == "oom_kill" and count.isdigit():
                return int(count)
    return None
