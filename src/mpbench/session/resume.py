"""The part of a resumed run that is in its file already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import mpbench
from mpbench.errors import EnvironmentUnfitError
from mpbench.model import Case, RunHeader
from mpbench.store import read

__all__ = ("ResumeState", "resume_state")


class ResumeState(NamedTuple):
    """
    What the first part of a run left.

    `repetitions` counts those that are ok by (subject, case); `declared` are
    the cases (subject, case) that the file holds. A run that was ended early
    lacks some.
    """

    repetitions: Mapping[tuple[str, Case], int] = MappingProxyType({})
    declared: frozenset[tuple[str, Case]] = frozenset()

    def has(self, subject: str, case: Case, number: int) -> bool:
        """
        Whether a case needs no agent in a round, counted from 0.

        Repetitions are counted: one that failed is measured again in the last
        rounds, and gets a number of its own.
        """
        return number < self.repetitions.get((subject, case), 0)


def _changes(
    header: RunHeader, facts: Mapping[str, Any], subjects: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is not as it was: two halves of one run must be comparable."""
    cpu = header.environment.get("cpu")
    then = {
        "hardware": header.environment.get("fingerprint"),
        "usable CPUs": cpu.get("usable") if isinstance(cpu, Mapping) else None,
        "interpreters": ", ".join(sorted(header.subjects)),
        "mpbench": header.mpbench,
    }
    now = {
        "hardware": facts["fingerprint"],
        "usable CPUs": facts["cpu"]["usable"],
        "interpreters": ", ".join(sorted(subjects)),
        "mpbench": mpbench.__version__,
    }
    for name, before in then.items():
        if before != now[name]:
            yield f"{name} {before} then and {now[name]} now"


def resume_state(
    folder: Path, facts: Mapping[str, Any], subjects: Mapping[str, Any]
) -> ResumeState:
    """
    Return what the first part of a run has declared and measured.

    Args:
        folder: Where its result file lies.
        facts: The present environment.
        subjects: The present interpreters, by their keys.

    Raises:
        EnvironmentUnfitError: It was measured somewhere else, or by something else.
        RecordError: The file cannot be read.
    """
    run = read(folder)
    changes = list(_changes(run.header, facts, subjects))
    if changes:
        raise EnvironmentUnfitError(
            f"{folder} cannot be gone on with here: {'; '.join(changes)}. Measure anew and "
            "give both folders to `mpbench report`"
        )
    measured = (repetition for repetition in run.repetitions if repetition.is_ok)
    return ResumeState(
        Counter((repetition.subject, repetition.case) for repetition in measured),
        frozenset((record.subject, record.case) for record in run.cases),
    )
