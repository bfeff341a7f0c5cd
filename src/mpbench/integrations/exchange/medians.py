"""The readings that go into other tools' files: one value for each fresh agent."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.model import CaseRecord, Repetition, Run

__all__ = ("Readings", "readings_of")

# Tools that time things know seconds only; what has another unit stays in CSV and Parquet.
_TIMED = {"s", "op/s", "B/s"}


class Readings(NamedTuple):
    """One case, and each agent's median in seconds per operation."""

    record: CaseRecord
    name: str
    seconds: tuple[float, ...]
    repetitions: tuple[Repetition, ...]


def _seconds(repetition: Repetition) -> float:
    return statistics.median(
        sample.elapsed_ns / sample.operations / 1e9 for sample in repetition.samples
    )


def readings_of(runs: Sequence[Run]) -> tuple[Readings, ...]:
    """
    Return the timed cases of some runs, with one reading for each agent.

    A case of several interpreters gets the interpreter's key in its name.

    Raises:
        UsageError: Nothing in them is timed, or two runs hold the same case.
    """
    found: dict[str, Readings] = {}
    for run in runs:
        several = len(run.header.subjects) > 1
        for record in run.cases:
            ours = tuple(
                one
                for one in run.repetitions
                if one.is_ok and (one.subject, one.case) == (record.subject, record.case)
            )
            if ours and record.metric.unit in _TIMED:
                name = f"{record.case.id} ({record.subject})" if several else record.case.id
                if name in found:
                    raise UsageError(
                        f"{name} is in two of these results, and a file of another tool has it "
                        "once; export each result on its own"
                    )
                found[name] = Readings(record, name, tuple(_seconds(one) for one in ours), ours)
    if not found:
        raise UsageError("these results hold no timed case; export them as CSV or Parquet")
    return tuple(found.values())
