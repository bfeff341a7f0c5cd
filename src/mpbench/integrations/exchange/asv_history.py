"""asv's results directory, read as medians over commits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.history import CommitRun, commit_run
from mpbench.integrations.exchange.asv_reader import AsvFolder, redated
from mpbench.integrations.exchange.commit_order import ordered_dates

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpbench.model import Run

__all__ = ("AsvHistory", "read_asv_history")


class AsvHistory(NamedTuple):
    """
    A history that was read.

    Args:
        commits: The medians of each commit on each machine and in each environment.
        latest: The newest run of each of them, with all its values.
        notes: What was left out, with reasons.
    """

    commits: tuple[CommitRun, ...]
    latest: tuple[Run, ...]
    notes: tuple[str, ...]


def read_asv_history(folder: Path, keep: Callable[[Run], Run | None]) -> AsvHistory:
    """
    Read what a results directory of asv has in seconds; only medians stay in memory.

    Args:
        folder: The directory.
        keep: Returns what is to be kept of a run, None for nothing.

    Raises:
        RecordError: It is no such directory, or nothing in it can be read.
    """
    results = AsvFolder(folder, timed=True)
    commits: list[CommitRun] = []
    for whole in results.runs(medians_only=True):
        run = keep(whole)
        if run is not None:
            commits.append(commit_run(run))
    dates = ordered_dates(((commit.commit.date, commit.commit.name) for commit in commits), folder)
    ordered = [commit.redated(dates) for commit in commits]
    ordered.sort(key=lambda entry: entry.commit.date)
    newest = {(entry.machine, entry.environment): entry for entry in ordered if entry.repetitions}
    latest = []
    for one in newest.values() or ordered[-1:]:
        run = keep(results.read(Path(one.path), Counter()))
        latest += [] if run is None else [redated(run, dates)]
    return AsvHistory(tuple(ordered), tuple(latest), results.notes)
