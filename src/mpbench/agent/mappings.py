"""Names of a folder that processes have mapped, by name and by inode."""

from __future__ import annotations

import os

__all__ = ("mapped_names",)


def _lines(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/maps", "rb", buffering=0) as file:
            return file.read().splitlines()
    except OSError:
        return []


def mapped_names(pids: list[int], folder: str) -> set[str]:
    """
    Return the names in a folder that these processes have mapped.

    A semaphore is made under another name and then linked: its maker's table has
    the first name, as a deleted one, so that the inode says which file it is.
    """
    marker = folder.encode() + b"/"
    found, inodes = set(), set()
    for pid in pids:
        for line in _lines(pid):
            head, is_there, name = line.partition(marker)
            if is_there:
                found.add(name.decode(errors="replace").replace(" (deleted)", ""))
                device, inode = head.split()[3:5]
                inodes.add((device, int(inode)))
    if not inodes:
        return found
    try:
        place = os.stat(folder).st_dev
        device = b"%02x:%02x" % (os.major(place), os.minor(place))
        with os.scandir(folder) as entries:
            found |= {entry.name for entry in entries if (device, entry.inode()) in inodes}
    except OSError:
        pass
    return found
