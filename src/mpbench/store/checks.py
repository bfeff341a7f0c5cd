"""
The rules that join the lines of a result file; writer and reader apply the same ones.

A line is checked against those before it and then accepted. The writer does
so before it writes, so that it never leaves a file that the reader refuses.
"""

from __future__ import annotations

from datetime import datetime

from mpbench.errors import RecordError
from mpbench.model import Case, CaseRecord, RunHeader, Status
from mpbench.store import conversion, schema

__all__ = ("LineChecks",)

_Key = tuple[str, Case, int, tuple[str, int] | None]


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class LineChecks:
    """
    What the lines of one file declare so far.

    Attributes:
        header: What the first line holds.
        cases: Every declared case.
    """

    header: RunHeader

    def __init__(self, path: str) -> None:
        self._path = path
        # Equal cases are one object: a file repeats each of them many times.
        self._equal_cases: dict[Case, Case] = {}
        self._statuses: dict[_Key, Status] = {}
        self._next: dict[tuple[str, Case], int] = {}
        self._is_resumed = False
        self.cases: dict[tuple[str, Case], CaseRecord] = {}

    def refusal(self, number: int, expected: str, instead: str) -> RecordError:
        """Return the error for a line that does not fit."""
        return RecordError(self._path, number, expected, instead)

    def case_of(self, line: schema.CaseLine | schema.RepetitionLine) -> Case:
        """Return the case of a line; equal cases are one object."""
        case = Case.make(line.workload, line.method, line.params)
        return self._equal_cases.setdefault(case, case)

    def next_number(self, subject: str, case: Case) -> int:
        """Return a number that no repetition of a case has."""
        return self._next.get((subject, case), 0)

    def is_taken(self, line: schema.RepetitionLine) -> bool:
        """Whether the file has a repetition of that number already."""
        return self._key(line) in self._statuses

    def _key(self, line: schema.RepetitionLine) -> _Key:
        part = line.slice
        place = None if part is None else (part.arm, part.episode)
        return line.subject, self.case_of(line), line.number, place

    def begin(self, record: schema.AnyLine) -> None:
        """
        Take the first line.

        Raises:
            RecordError: It is no environment record of this schema.
        """
        if not isinstance(record, schema.EnvironmentLine):
            kind = type(record).__struct_config__.tag
            raise self.refusal(1, "the environment record", f"a record {kind!r}")
        if record.schema != schema.SCHEMA:
            version = f"schema {record.schema} of mpbench {record.mpbench[:40]}"
            raise self.refusal(1, f"schema {schema.SCHEMA}", version)
        if not _is_time(record.started_utc):
            raise self.refusal(1, "an ISO 8601 time in started_utc", repr(record.started_utc)[:80])
        if not schema.is_shallow([record.plan, record.subjects, record.environment]):
            raise self.refusal(1, f"at most {schema.MAX_DEPTH} levels", "deeper nesting")
        self.header = conversion.header_from_line(record)

    def check(self, number: int, record: schema.AnyLine) -> None:
        """
        Check a line against those before it.

        Raises:
            RecordError: It does not fit.
        """
        if isinstance(record, schema.EnvironmentLine):
            raise self.refusal(number, "one environment record", "a second one")
        if isinstance(record, schema.EventLine):
            return
        if record.status is not Status.OK and not record.reason:
            raise self.refusal(number, f"a reason for the status {record.status.value!r}", "none")
        if isinstance(record, schema.CaseLine):
            self._check_case(number, record)
        elif isinstance(record, schema.RepetitionLine):
            self._check_repetition(number, record)

    def _check_case(self, number: int, record: schema.CaseLine) -> None:
        if record.subject not in self.header.subjects:
            subjects = ", ".join(sorted(self.header.subjects))
            raise self.refusal(number, f"a subject of line 1 ({subjects})", repr(record.subject))
        case = self.case_of(record)
        try:
            made = conversion.case_from_line(record, case)
        except ValueError as error:
            raise self.refusal(number, "a known metric", str(error)) from error
        if self.cases.get((record.subject, case), made) != made:
            raise self.refusal(number, f"one record of the case {case.id}", "two that differ")

    def _check_repetition(self, number: int, record: schema.RepetitionLine) -> None:
        case = self.case_of(record)
        if (record.subject, case) not in self.cases:
            raise self.refusal(number, "a case that was declared before", f"{case.id}")
        if not schema.is_shallow(record.extra):
            raise self.refusal(number, f"at most {schema.MAX_DEPTH} levels", "deeper nesting")
        sampled = record.sampled
        if sampled and any(len(track.cpu_ns) != len(sampled.at_ns) for track in sampled.tracks):
            expected = f"one CPU time of each process for each of {len(sampled.at_ns)} looks"
            raise self.refusal(number, expected, "another number")
        earlier = self._statuses.get(self._key(record))
        # mpbench 0.1 measured a failed repetition again when a run was resumed, under its number.
        if earlier is not None and (earlier is Status.OK or not self._is_resumed):
            raise self.refusal(
                number, "each repetition once", f"number {record.number} of {case.id} twice"
            )

    def accept(self, record: schema.AnyLine) -> None:
        """Remember a line that fits."""
        if isinstance(record, schema.CaseLine):
            case = self.case_of(record)
            self.cases.setdefault((record.subject, case), conversion.case_from_line(record, case))
        elif isinstance(record, schema.RepetitionLine):
            key = self._key(record)
            self._statuses[key] = record.status
            used = max(self.next_number(*key[:2]), record.number + 1)
            self._next[key[:2]] = used
        elif isinstance(record, schema.EventLine):
            self._is_resumed |= record.kind == "resumed"
