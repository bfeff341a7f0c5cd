"""Detection of resources that a set-up leaves open."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from mpbench.agent.process_tree import tag_prefix

__all__ = ("OpenResources", "leaked_since", "open_resources")

_SHM = "/dev/shm"  # noqa: S108 - it is looked at, nothing is written there

# How the files of the heap's arenas begin. Freed blocks stay in their arena,
# which waits for the next `Value()`.
_ARENA = "/pym-"

# What libffi keeps open for good once `ctypes` is imported: the file that holds its
# code for callbacks (a memfd or a nameless file), from version 3.5 on its own library.
_LIBFFI = re.compile(r"/(memfd:libffi|libffi(-[0-9a-f]+)?\.so[.0-9]*|ffi\w{6})( \(deleted\))?$")

# Modules whose helpers start with the first use and stay as long as the interpreter,
# the name of the helper there, and the attribute that holds its descriptor.
_STANDING = (
    ("multiprocessing.resource_tracker", "_resource_tracker", "_fd"),
    ("multiprocessing.forkserver", "_forkserver", "_forkserver_alive_fd"),
    # Other libraries have helpers of their own, made after these.
    ("billiard.semaphore_tracker", "_semaphore_tracker", "_fd"),
    ("billiard.forkserver", "_forkserver", "_forkserver_alive_fd"),
    ("loky.backend.resource_tracker", "_resource_tracker", "_fd"),
    ("joblib.externals.loky.backend.resource_tracker", "_resource_tracker", "_fd"),
)
# Whose sockets lie in the agent's folder.
_SERVERS = ("multiprocessing.forkserver", "billiard.forkserver")


class OpenResources(NamedTuple):
    """
    What one process holds, each thing as words.

    `memory` are shared mappings (segments, and the pages of semaphores whose
    name is gone), `names` are the agent's own names in /dev/shm, `files` what
    lies in its private folder, sockets included.
    """

    children: frozenset[str] = frozenset()
    threads: frozenset[str] = frozenset()
    descriptors: frozenset[str] = frozenset()
    memory: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def _helper(module: str, name: str) -> Any:
    """Return a helper of multiprocessing, or None where it was never imported."""
    return getattr(sys.modules.get(module), name, None)


def _standing_descriptors() -> set[int]:
    """Return the descriptors that multiprocessing keeps for later: no workload opened them."""
    descriptors = (
        getattr(_helper(module, name), attribute, None) for module, name, attribute in _STANDING
    )
    return {number for number in descriptors if isinstance(number, int)}


def _descriptors() -> Iterator[str]:
    standing = _standing_descriptors()
    try:
        numbers = os.listdir("/proc/self/fd")
    except OSError:
        return
    for number in numbers:
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            # The descriptor of the listing itself.
            continue
        if int(number) not in standing and _ARENA not in target and not _LIBFFI.search(target):
            yield f"{number} ({target})"


def _memory() -> Iterator[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            for line in maps:
                fields = line.split(maxsplit=5)
                path = fields[5].strip() if len(fields) > 5 else ""  # noqa: PLR2004 - a path is the sixth
                if path.startswith(_SHM) and not (_ARENA in path or _LIBFFI.search(path)):
                    yield path
    except OSError:
        return


def _names() -> Iterator[str]:
    tag = os.environ.get("MPBENCH_TAG")
    if tag:
        try:
            yield from (name for name in os.listdir(_SHM) if name.startswith(tag_prefix(tag)))
        except OSError:
            return


def _files() -> Iterator[str]:
    # Of the agent's own folder only; elsewhere others come and go.
    own = os.environ.get("TMPDIR")
    if own is None or "MPBENCH_TAG" not in os.environ:
        return
    standing = {
        getattr(_helper(module, "_forkserver"), "_forkserver_address", None) for module in _SERVERS
    }
    for folder, _, names in os.walk(own):
        for name in names:
            path = f"{folder}/{name}"
            if path not in standing and _ARENA not in path and not name.endswith(".log"):
                yield path


def open_resources() -> OpenResources:
    """Return what this process holds now, after what nobody can reach was collected."""
    gc.collect()
    return OpenResources(
        frozenset(child.name for child in multiprocessing.active_children()),
        frozenset(
            {thread.name for thread in threading.enumerate()} - {threading.main_thread().name}
        ),
        frozenset(_descriptors()),
        frozenset(_memory()),
        frozenset(_names()),
        frozenset(_files()),
    )


# What is said of each kind.
_KINDS = {
    "children": "child",
    "threads": "thread",
    "descriptors": "descriptor",
    "memory": "shared memory",
    "names": "name in /dev/shm",
    "files": "file",
}


def leaked_since(before: OpenResources) -> list[str]:
    """Return what is held now and was not before: `thread 'feeder'`, `file '/tmp/x'`."""
    now = open_resources()
    return [
        f"{words} {name!r}"
        for kind, words in _KINDS.items()
        for name in sorted(getattr(now, kind) - getattr(before, kind))
    ]
