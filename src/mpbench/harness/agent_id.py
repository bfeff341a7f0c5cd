"""What the name of an agent's log says: its tag, and its number in records."""

from __future__ import annotations

from pathlib import Path

__all__ = ("serial_of", "tag_of_log")


def tag_of_log(log: Path) -> str:
    """Return the tag of the agent that a log belongs to."""
    return log.stem.rpartition("-")[2]


def serial_of(log: Path) -> int:
    """Return the number in records of the agent that a log belongs to."""
    return int(tag_of_log(log), 16)
