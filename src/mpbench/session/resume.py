"""Whether a run can be gone on with here, and what it has measured already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import mpbench
from mpbench.errors import EnvironmentUnfitError
from mpbench.model import Case, RunHeader
from mpbench.store import read

__all__ = ("ResumeState", "resume_state")


class ResumeState(NamedTuple):
    """
    What the first part of a run left.

    `done` are its repetitions (subject, case, number); `declared` are the cases
    (subject, case) that its file holds. A run that was ended early lacks some.
    """

    done: frozenset[tuple[str, Case, int]] = frozenset()
    declared: frozenset[tuple[str, Case]] = frozenset()


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
    known = read(folder)
    changes = list(_changes(known.header, facts, subjects))
    if changes:
        raise EnvironmentUnfitError(
            f"{folder} cannot be gone on with here: {'; '.join(changes)}. Measure anew and "
            "give both folders to `mpbench report`"
        )
    return ResumeState(
        done=frozenset(
            (one.subject, one.case, one.number) for one in known.repetitions if one.is_ok
        ),
        declared=frozenset((one.subject, one.case) for one in known.cases),
    )
