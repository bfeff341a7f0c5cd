"""Names of runs where a report has several of one machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mpbench.model import Run

__all__ = ("names_in", "run_names")


def run_names(runs: Sequence[Run]) -> dict[str, str]:
    """
    Return a name for each run: that of its folder, or its place among the files.

    A user who measures several environments of one machine names them with
    their folders. Folders that do not tell the runs apart are no names.

    Args:
        runs: Of a report, in the order of the files.
    """
    folders = [Path(run.path).parent.name for run in runs]
    named = all(folders) and len(set(folders)) == len(runs)
    return {
        run.header.run: folder if named else f"run {number}"
        for number, (run, folder) in enumerate(zip(runs, folders, strict=True), 1)
    }


def names_in(summaries: pd.DataFrame) -> dict[str, str]:
    """
    Return the name of each run in a table: its `run_name`, or its place where there are none.

    Args:
        summaries: With `run`, in the order of the files.
    """
    if "run_name" in summaries:
        return dict(zip(summaries["run"], summaries["run_name"], strict=True))
    runs = dict.fromkeys(summaries["run"])
    return {run: f"run {number}" for number, run in enumerate(runs, 1)}
