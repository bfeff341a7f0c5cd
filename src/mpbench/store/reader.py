"""
The reader of a result file, which refuses whatever is not one.

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
from pathlib import Path
from typing import BinaryIO

import msgspec

from mpbench.errors import RecordError, reason_of
from mpbench.model import Case, Repetition, Run, RunEnd, RunEvent
from mpbench.store import conversion, schema
from mpbench.store.checks import LineChecks

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


class _Collector:
    """The records of one file so far."""

    def __init__(self, path: Path, first: Line) -> None:
        self.path = path
        self.checks = LineChecks(str(path))
        self.checks.begin(first.record)
        self.repetitions: list[Repetition] = []
        self.events: list[RunEvent] = []
        self.end: RunEnd | None = None
        self._digest = hashlib.sha256(first.text)
        # Where in `repetitions` those stand that repeat a number.
        self._retries: list[int] = []

    def add(self, line: Line) -> None:
        """
        Take the next record.

        Raises:
            RecordError: It does not fit those before it.
        """
        record = line.record
        self.checks.check(line.number, record)
        # Only what is the last record of a file is the end of its run: a
        # resumed run goes on after the end of the first part.
        self.end = None
        if isinstance(record, schema.RepetitionLine):
            if self.checks.is_taken(record):
                self._retries.append(len(self.repetitions))
            case = self.checks.case_of(record)
            self.repetitions.append(conversion.repetition_from_line(record, case))
        elif isinstance(record, schema.EventLine):
            self.events.append(RunEvent(record.elapsed_ns, record.kind, record.text, record.case))
        elif isinstance(record, schema.EndLine):
            self._check_digest(line.number, record)
            self.end = RunEnd(record.elapsed_ns, record.status, record.reason)
        self.checks.accept(record)
        self._digest.update(line.text)

    def _check_digest(self, number: int, record: schema.EndLine) -> None:
        digest = self._digest.hexdigest()
        if record.digest != digest:
            instead = f"{digest[:12]}...; the file was changed after it was written"
            raise self.checks.refusal(number, f"the digest {record.digest[:12]}...", instead)

    def _renumber(self) -> None:
        """Give repetitions that repeat the number of a failed one numbers of their own."""
        added: dict[tuple[str, Case], int] = {}
        for index in self._retries:
            repetition = self.repetitions[index]
            key = (repetition.subject, repetition.case)
            number = self.checks.next_number(*key) + added.get(key, 0)
            added[key] = added.get(key, 0) + 1
            self.repetitions[index] = repetition._replace(number=number)
        if self._retries:
            text = (
                f"{len(self._retries):,} repetitions had the number of a failed one that they "
                "repeat, as mpbench 0.1 resumed runs; they have numbers of their own here"
            )
            self.events.append(RunEvent(0, "repaired", text))

    def run(self) -> Run:
        """Return what the file holds."""
        self._renumber()
        return Run(
            path=str(self.path),
            header=self.checks.header,
            cases=tuple(self.checks.cases.values()),
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
