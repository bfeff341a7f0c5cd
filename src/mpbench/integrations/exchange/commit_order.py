"""Order of the commits in the repository around a folder."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ("commit_positions",)


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
