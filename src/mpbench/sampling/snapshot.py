"""Resource snapshot of a process tree, and the protocol of its readers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

__all__ = ("Key", "ProcessSnapshot", "Reader")

# (pid, creation time in nanoseconds of the monotonic clock): pids are used again.
Key = tuple[int, int]


class ProcessSnapshot(NamedTuple):
    """
    One process at one moment.

    `own_ns` is the CPU time of its threads, `waited_ns` that of all its
    descendants whose end has been waited for: without it, everything that
    lived between two looks would be missing. `delay_ns` is how long its main
    thread was ready to run and had no CPU; 0 where nobody tells.
    """

    key: Key
    parent: int
    name: str
    own_ns: int
    waited_ns: int
    rss_bytes: int
    threads: int
    delay_ns: int = 0


class Reader(Protocol):
    """Something that can look at a process tree again and again."""

    def read(self, *, discover: bool) -> list[ProcessSnapshot]:
        """
        Return the live processes of the tree, parents before their children.

        Args:
            discover: Whether to look for new processes; costs more than
                reading the known ones.
        """

    def close(self) -> None:
        """Give descriptors back."""
