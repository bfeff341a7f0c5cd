"""Records of a result file: run, cases, events, end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mpbench.model.kinds import Metric, Status, Timing
from mpbench.model.measured import Case, Repetition

__all__ = (
    "CaseRecord",
    "Run",
    "RunEnd",
    "RunEvent",
    "RunHeader",
)


class CaseRecord(NamedTuple):
    """
    What a run set out to measure: one case on one subject.

    `status` is OK when it was to be measured; what became of it then stands in
    its repetitions. A case that preflight refused is SKIPPED or UNSUPPORTED
    and has none. `floor` is the case id of the floor measured in the same run.
    """

    subject: str
    case: Case
    metric: Metric
    facts: Mapping[str, Metric]
    timing: Timing
    floor: str | None
    no_floor: str | None
    revision: int
    doc: str
    status: Status
    reason: str | None


class RunEvent(NamedTuple):
    """Something that a reader of the results should know: a kill, a warning, a budget cut."""

    elapsed_ns: int
    kind: str
    text: str
    case: str | None = None


class RunHeader(NamedTuple):
    """
    Where, when and how a run was made.

    `environment` holds the machine (docs/FORMAT.md lists its keys), `subjects`
    one description for each measured interpreter by its key, `plan` what was
    asked for, with the seed of every random choice.
    """

    run: str
    started_utc: str
    mpbench: str
    machine: str
    command: tuple[str, ...]
    plan: Mapping[str, Any]
    subjects: Mapping[str, Mapping[str, Any]]
    environment: Mapping[str, Any]


class RunEnd(NamedTuple):
    """How a run ended; a file without one was cut off."""

    elapsed_ns: int
    status: Status
    reason: str | None


class Run(NamedTuple):
    """One result file, read and checked."""

    path: str
    header: RunHeader
    cases: tuple[CaseRecord, ...]
    repetitions: tuple[Repetition, ...]
    events: tuple[RunEvent, ...]
    end: RunEnd | None

    def __repr__(self) -> str:
        return (
            f"<Run {self.header.run} on {self.header.machine}, {self.header.started_utc}: "
            f"{len(self.cases)} cases, {len(self.repetitions)} repetitions>"
        )
