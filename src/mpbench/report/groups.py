"""Groups that a report compares: machines, interpreters, runs, arms."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from mpbench.report.run_names import names_in

__all__ = ("Groups", "ResultGroup")

_KEYS = ["run", "machine", "subject", "python", "arm"]
_METHODS = ("fork", "spawn", "forkserver")


class ResultGroup(NamedTuple):
    """One interpreter on one machine in one run (and one arm of a comparison)."""

    run: str
    machine: str
    subject: str
    python: str
    arm: str


class Groups:
    """
    The groups of a report, with labels that name only what differs between them.

    Args:
        summaries: What `summarize` returned, with `run_name` where runs have names.
    """

    def __init__(self, summaries: pd.DataFrame) -> None:
        rows = summaries[_KEYS].drop_duplicates().itertuples(index=False)
        self.all = tuple(ResultGroup(*(str(value) for value in row)) for row in rows)
        places = {(group.run, group.machine) for group in self.all}
        self._names = names_in(summaries)
        self.columns: tuple[str, ...] = tuple(
            name
            for name in ("machine", "python", "arm")
            if len({getattr(group, name) for group in self.all}) > 1
        )
        # Two runs of one machine differ in nothing but their names.
        if len({machine for _, machine in places}) < len(places):
            self.columns = ("run", *self.columns)

    def __len__(self) -> int:
        return len(self.all)

    def value(self, column: str, group: ResultGroup) -> str:
        """Return what a group has in one of `columns`."""
        return self._names[group.run] if column == "run" else str(getattr(group, column))

    def title(self, column: str) -> str:
        """Return the heading of one of `columns`."""
        return column.capitalize()

    def label(self, group: ResultGroup) -> str:
        """Return the words that tell a group from the others; empty when it is the only one."""
        values = [self.value(name, group) for name in self.columns]
        return ", ".join(value for value in values if value)

    def of(self, row: Any) -> ResultGroup:
        """Return the group of a row of the summaries."""
        return ResultGroup(row["run"], row["machine"], row["subject"], row["python"], row["arm"])

    @staticmethod
    def method_rank(method: str) -> int:
        """Return the place of a start method in tables."""
        return _METHODS.index(method) if method in _METHODS else -1
