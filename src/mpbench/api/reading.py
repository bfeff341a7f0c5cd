"""Result files of every kind as runs: files, folders, glob patterns, other tools' files."""

from __future__ import annotations

import warnings
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import RecordError, UsageError
from mpbench.store import RESULTS
from mpbench.store import read as read_run

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from mpbench.model import Run

__all__ = ("runs_of",)

_GLOB = frozenset("*?[")


def _expanded(path: str | os.PathLike[str]) -> list[Path]:
    """Return the paths that a pattern matches, or the path itself."""
    place = Path(path)
    if _GLOB.isdisjoint(str(path)) or place.exists():
        return [place]
    matches = sorted(glob(str(path), recursive=True))  # noqa: PTH207 - absolute patterns too
    if not matches:
        raise UsageError(f"nothing matches {str(path)!r}; name files or folders of results")
    return [Path(match) for match in matches]


def _other_tool(path: Path) -> tuple[Run, ...]:
    """Read what another tool wrote; what is left out of it is a warning."""
    from mpbench.integrations.exchange.detect import read_other_tool

    if path.is_dir() and next(path.rglob("*.json*"), None) is None:
        raise UsageError(f"{path} holds no results; name a run's folder or its {RESULTS}")
    imported = read_other_tool(path)
    for note in imported.notes:
        warnings.warn(note, stacklevel=2)
    return imported.runs


def _runs_at(path: Path) -> Iterator[Run]:
    if path.is_dir():
        own = [path / RESULTS] if (path / RESULTS).is_file() else sorted(path.rglob(RESULTS))
        yield from map(read_run, own) if own else _other_tool(path)
    elif path.suffix == ".json" or path.name.endswith(".json.gz"):
        yield from _other_tool(path)
    else:
        yield read_run(path)


def runs_of(*paths: str | os.PathLike[str]) -> tuple[Run, ...]:
    """
    Return the runs that paths mean, the oldest of a folder first.

    Args:
        paths: Result files, folders of a run or of runs, glob patterns, results
            directories of asv, JSON files of pytest-benchmark or pyperf.

    Raises:
        UsageError: A folder or pattern holds no results.
        RecordError: A file cannot be read, or one is no result file.
    """
    runs: list[Run] = []
    for path in paths:
        for place in _expanded(path):
            try:
                part = list(_runs_at(place))
            except PermissionError as error:
                raise RecordError(str(place), 0, "a readable path", "no permission") from error
            runs += sorted(part, key=lambda run: run.header.started_utc)
    return tuple(runs)
