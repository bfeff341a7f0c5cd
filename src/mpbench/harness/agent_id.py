"""Agent tag and number, parsed from the name of its log."""

from __future__ import annotations

from pathlib import Path

__all__ = ("agent_id", "agent_tag")


def agent_tag(log: Path) -> str:
    """Return the tag of the agent that a log belongs to."""
    return log.stem.rpartition("-")[2]


def agent_id(log: Path) -> int:
    """Return the number in records of the agent that a log belongs to."""
    return int(agent_tag(log), 16)
