"""Readings for other tools' files: one value for each fresh agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.errors import UsageError
from mpbench.integrations.fresh_agents import median_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.model import Case, CaseRecord, Repetition, Run, RunHeader

__all__ = ("Readings", "facts_of", "readings_of")


class Readings(NamedTuple):
    """One case, and each agent's median in seconds per operation."""

    record: CaseRecord
    name: str
    seconds: tuple[float, ...]
    repetitions: tuple[Repetition, ...]


def facts_of(header: RunHeader, name: str) -> dict[str, Any]:
    """Return a part of a run's environment, nothing where it could not be found out."""
    found = header.environment.get(name)
    return found if isinstance(found, dict) else {}


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
        measured: dict[tuple[str, Case], list[Repetition]] = {}
        for repetition in run.repetitions:
            # A reading that is none, of a sample without operations, is in no other tool's file.
            if repetition.is_ok and any(sample.seconds > 0 for sample in repetition.samples):
                measured.setdefault((repetition.subject, repetition.case), []).append(repetition)
        for record in run.cases:
            ours = tuple(measured.get((record.subject, record.case), ()))
            # Tools that time things know seconds only; the rest stays in CSV and Parquet.
            if ours and record.metric.is_timed:
                name = f"{record.case.id} ({record.subject})" if several else record.case.id
                if name in found:
                    raise UsageError(
                        f"{name} is in two of these results, and a file of another tool has it "
                        "once; export each result on its own"
                    )
                found[name] = Readings(
                    record, name, tuple(median_seconds(our) for our in ours), ours
                )
    if not found:
        raise UsageError("these results hold no timed case; export them as CSV or Parquet")
    return tuple(found.values())
