"""Order of the commits in the repository around a folder."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ("commit_positions", "ordered_dates")


def commit_positions(folder: Path) -> dict[str, int]:
    """Return each commit's position, parents first; nothing where git knows no repository."""
    try:
        done = subprocess.run(
            ("git", "-C", str(folder), "rev-list", "--topo-order", "--reverse", "--all"),  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {commit: position for position, commit in enumerate(done.stdout.split())}


def ordered_dates(pairs: Iterable[tuple[str, str]], folder: Path) -> dict[tuple[str, str], str]:
    """
    Return new dates of commits of one second: microseconds apart, in the repository's order.

    Dates of commits are whole seconds; where there is no repository, they stay as they are.

    Args:
        pairs: Date (ISO 8601) and hash of each commit.
        folder: In the repository.
    """
    by_date: dict[str, set[str]] = defaultdict(set)
    for date, commit in pairs:
        by_date[date].add(commit)
    shared = {date: commits for date, commits in by_date.items() if len(commits) > 1}
    positions = commit_positions(folder) if shared else {}
    made = {}
    for date, commits in shared.items():
        ordered = sorted(commits & positions.keys(), key=positions.__getitem__)
        for place, commit in enumerate(ordered):
            moved = datetime.fromisoformat(date) + timedelta(microseconds=place)
            made[date, commit] = moved.isoformat()
    return made
