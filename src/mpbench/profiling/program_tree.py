"""Processes of a profiled program, found by the event folder in their environment."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.agent.process_tree import (
    Process,
    kill_processes,
    mapped_segments,
    processes,
    unlink_segments,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("EVENT_FOLDER", "end_program", "event_folder")

# The variable that tells the hook where events belong; children inherit it.
EVENT_FOLDER = "MPBENCH_PROFILE_DIR"
_STEPS = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 3.0))


def event_folder(pid: int) -> Path | None:
    """Return the event folder that a process was started with; None for any other process."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    mark = f"{EVENT_FOLDER}=".encode()
    return next(
        (
            Path(variable[len(mark) :].decode(errors="surrogateescape"))
            for variable in variables
            if variable.startswith(mark)
        ),
        None,
    )


def _members(table: Mapping[int, Process], folder: Path) -> set[int]:
    """Return who has the folder in its environment, and who is below one of those."""
    found = {pid for pid in table if event_folder(pid) == folder}
    grown = True
    while grown:
        more = {pid for pid, row in table.items() if row.parent in found} - found
        found |= more
        grown = bool(more)
    return found


def end_program(folder: str) -> tuple[str, ...]:
    """
    End every process of a program whose supervisor is gone, and free what they had mapped.

    Args:
        folder: Its event folder.

    Returns:
        What was ended, as `NAME (PID)`; nothing where there is no /proc.
    """

    def living() -> list[Process]:
        table = {process.pid: process for process in processes() if process.state != "Z"}
        return [table[pid] for pid in _members(table, Path(folder))]

    try:
        held = mapped_segments(living())
    except OSError:
        return ()
    ended = kill_processes(living, steps=_STEPS, collect=lambda: None)
    unlink_segments(held)
    return tuple(f"{one.command} ({one.pid})" for one in ended)
