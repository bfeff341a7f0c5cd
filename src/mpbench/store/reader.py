"""
Reads a result file, and refuses whatever is not one.

A file of results may come from another machine or another person. Nothing in
it is executed or looked up; every line must be a record of this schema and
fit those before it. One kind of damage is expected: a run that was killed
while it wrote leaves its last line cut off. That line is lost and said to be.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from mpbench.errors import RecordError, reason_of
from mpbench.model import Case, CaseRecord, Repetition, Run, RunEnd, RunEvent, RunHeader, Status
from mpbench.store import conversion, schema

__all__ = ("RESULTS", "Line", "lines_of", "read", "results_file")

# The name of the result file in the folder of a run.
RESULTS = "results.jsonl"

# A run of tier full writes about 100 MB; a larger file than this is a mistake
# that would otherwise be found when the memory is full.
_MAX_FILE = 4 << 30


class Line(msgspec.Struct, frozen=True):
    """One complete line of a file: its number from 1, its bytes, where it ends, what it holds."""

    number: int
    text: bytes
    end: int
    record: schema.AnyLine


def results_file(path: Path) -> Path:
    """Return the result file that a user means: itself, or the one in the folder of a run."""
    return path / RESULTS if path.is_dir() else path


def _open(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device could be read for ever."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise RecordError(str(path), 0, "a result file", "no file of that name") from None
    except OSError as error:
        reason = reason_of(error)
        raise RecordError(str(path), 0, "a readable result file", reason) from error
    state = os.fstat(descriptor)
    is_file = stat.S_ISREG(state.st_mode)
    if not is_file or state.st_size > _MAX_FILE:
        os.close(descriptor)
        found = f"{state.st_size:,} bytes" if is_file else "no regular file"
        raise RecordError(str(path), 0, f"a file of at most {_MAX_FILE >> 30} GiB", found)
    return os.fdopen(descriptor, "rb")


def _explain(error: Exception) -> tuple[str, str]:
    """Split what msgspec says into what was expected and what was found."""
    text = str(error)
    if isinstance(error, RecursionError):
        return "a record of at most a few levels", "lists or objects nested without end"
    if not isinstance(error, msgspec.ValidationError):
        return "one JSON object", f"a line that is none ({text})"
    if text.startswith("Expected "):
        wanted, _, place = text.removeprefix("Expected ").partition(" - at ")
        wanted, _, found = wanted.partition(", got ")
        return f"{wanted} at {place or 'the top'}", found or "something else"
    return f"a record of schema {schema.SCHEMA}", text[:1].lower() + text[1:]


def _decode(path: Path, number: int, text: bytes) -> schema.AnyLine:
    """
    Decode one line.

    Raises:
        RecordError: It is no record.
    """
    try:
        return schema.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if number == 1:
            _refuse_foreign(path, text)
        expected, found = _explain(error)
        raise RecordError(str(path), number, expected, found) from error


def _refuse_foreign(path: Path, text: bytes) -> None:
    """Say so when a file is not ours, or of another schema, rather than name a field."""
    expected = f"the environment record of schema {schema.SCHEMA}"
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise RecordError(str(path), 1, expected, "no JSON object") from None
    if not isinstance(found, dict) or found.get("record") != "environment":
        raise RecordError(str(path), 1, expected, "JSON of another program")
    number = found.get("schema")
    if number != schema.SCHEMA:
        version = str(found.get("mpbench", "an unknown version"))[:40]
        raise RecordError(str(path), 1, expected, f"schema {number!r} of mpbench {version}")


def lines_of(path: Path) -> Iterator[Line]:
    """
    Yield the complete lines of a result file.

    Returns:
        An iterator; it ends before a last line that was cut off. What it
        yielded last says where the intact part of the file ends.

    Raises:
        RecordError: A line is too long, or no record.
    """
    with _open(path) as file:
        number, end = 0, 0
        while text := file.readline(schema.MAX_LINE + 1):
            number += 1
            if len(text) > schema.MAX_LINE:
                expected = f"a line of at most {schema.MAX_LINE >> 20} MiB"
                raise RecordError(str(path), number, expected, "a longer one")
            if not text.endswith(b"\n"):
                if number == 1:
                    _decode(path, number, text)
                return
            end += len(text)
            yield Line(number, text, end, _decode(path, number, text))


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class _Collector:
    """The records of one file so far, and the checks of a record against them."""

    def __init__(self, path: Path, first: Line) -> None:
        self.path = path
        self.header = self._header(first)
        self.cases: dict[tuple[str, Case], CaseRecord] = {}
        self.repetitions: list[Repetition] = []
        self.events: list[RunEvent] = []
        self.end: RunEnd | None = None
        self._digest = hashlib.sha256(first.text)
        # Equal cases are one object: a file repeats each of them many times.
        self._known: dict[Case, Case] = {}
        self._numbers: set[tuple[object, ...]] = set()

    def _refuse(self, number: int, expected: str, found: str) -> RecordError:
        return RecordError(str(self.path), number, expected, found)

    def _header(self, line: Line) -> RunHeader:
        record = line.record
        if not isinstance(record, schema.EnvironmentLine):
            kind = type(record).__struct_config__.tag
            raise self._refuse(1, "the environment record", f"a record {kind!r}")
        if record.schema != schema.SCHEMA:
            found = f"schema {record.schema} of mpbench {record.mpbench[:40]}"
            raise self._refuse(1, f"schema {schema.SCHEMA}", found)
        if not _is_time(record.started_utc):
            raise self._refuse(1, "an ISO 8601 time in started_utc", repr(record.started_utc)[:80])
        if not schema.is_shallow([record.plan, record.subjects, record.environment]):
            raise self._refuse(1, f"at most {schema.MAX_DEPTH} levels", "deeper nesting")
        return conversion.header_from_line(record)

    def _case(self, line: schema.CaseLine | schema.RepetitionLine) -> Case:
        case = Case.make(line.workload, line.method, line.params)
        return self._known.setdefault(case, case)

    def add(self, line: Line) -> None:
        """
        Take the next record.

        Raises:
            RecordError: It does not fit those before it.
        """
        record = line.record
        # Only what is the last record of a file is the end of its run: a
        # resumed run goes on after the end of the first part.
        self.end = None
        if isinstance(record, schema.RepetitionLine):
            self._add_repetition(line.number, record)
        elif isinstance(record, schema.CaseLine):
            self._add_case(line.number, record)
        elif isinstance(record, schema.EventLine):
            self.events.append(RunEvent(record.elapsed_ns, record.kind, record.text, record.case))
        elif isinstance(record, schema.EndLine):
            self._add_end(line.number, record)
        else:
            raise self._refuse(line.number, "one environment record", "a second one")
        self._digest.update(line.text)

    def _check_outcome(self, number: int, status: Status, reason: str | None) -> None:
        if status is not Status.OK and not reason:
            raise self._refuse(number, f"a reason for the status {status.value!r}", "none")

    def _check_subject(self, number: int, subject: str) -> None:
        if subject not in self.header.subjects:
            known = ", ".join(sorted(self.header.subjects))
            raise self._refuse(number, f"a subject of line 1 ({known})", repr(subject))

    def _add_case(self, number: int, record: schema.CaseLine) -> None:
        self._check_subject(number, record.subject)
        self._check_outcome(number, record.status, record.reason)
        case = self._case(record)
        try:
            made = conversion.case_from_line(record, case)
        except ValueError as error:
            raise self._refuse(number, "a known metric", str(error)) from error
        if self.cases.setdefault((record.subject, case), made) != made:
            raise self._refuse(number, f"one record of the case {case.id}", "two that differ")

    def _add_repetition(self, number: int, record: schema.RepetitionLine) -> None:
        case = self._case(record)
        if (record.subject, case) not in self.cases:
            raise self._refuse(number, "a case that was declared before", f"{case.id}")
        self._check_outcome(number, record.status, record.reason)
        if not schema.is_shallow(record.extra):
            raise self._refuse(number, f"at most {schema.MAX_DEPTH} levels", "deeper nesting")
        seen = record.sampled
        if seen and any(len(one.cpu_ns) != len(seen.at_ns) for one in seen.tracks):
            expected = f"one CPU time of each process for each of {len(seen.at_ns)} looks"
            raise self._refuse(number, expected, "another number")
        part = record.slice
        key = (record.subject, case, record.number, part and (part.arm, part.episode))
        if key in self._numbers:
            found = f"number {record.number} of {case.id} twice"
            raise self._refuse(number, "each repetition once", found)
        self._numbers.add(key)
        self.repetitions.append(conversion.repetition_from_line(record, case))

    def _add_end(self, number: int, record: schema.EndLine) -> None:
        self._check_outcome(number, record.status, record.reason)
        if record.digest != self._digest.hexdigest():
            found = f"{self._digest.hexdigest()[:12]}...; the file was changed after it was written"
            raise self._refuse(number, f"the digest {record.digest[:12]}...", found)
        self.end = RunEnd(record.elapsed_ns, record.status, record.reason)

    def run(self) -> Run:
        """Return what the file holds."""
        return Run(
            path=str(self.path),
            header=self.header,
            cases=tuple(self.cases.values()),
            repetitions=tuple(self.repetitions),
            events=tuple(self.events),
            end=self.end,
        )


def read(path: Path | str) -> Run:
    """
    Read and check the results of one run.

    Args:
        path: A result file, or the folder of a run.

    Returns:
        The run. `end` is None when the run was cut off; a last line that was
        cut off is left out and becomes an event of the kind `truncated`.

    Raises:
        RecordError: The file cannot be read or is damaged anywhere else.
    """
    file = results_file(Path(path))
    collector: _Collector | None = None
    end = 0
    for line in lines_of(file):
        if collector is None:
            collector = _Collector(file, line)
        else:
            collector.add(line)
        end = line.end
    if collector is None:
        raise RecordError(str(file), 1, "an environment record", "no complete line")
    lost = file.stat().st_size - end
    if lost:
        collector.end = None
        text = f"the last line was cut off; {lost:,} bytes of one record are lost"
        collector.events.append(RunEvent(0, "truncated", text))
    return collector.run()
