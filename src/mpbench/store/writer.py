"""
The writer of a result file: one JSON object a line, flushed before the next.

Each line is checked before it is written, as the reader will check it. A run
that is killed loses at most the line that it was writing, and a disk that
fills up leaves a file that ends with its last complete line.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from mpbench.errors import OutputError, RecordError, reason_of
from mpbench.model import CaseRecord, Repetition, Run, RunEnd, RunEvent, RunHeader, Status
from mpbench.store import conversion, schema
from mpbench.store.anonymise import Anonymiser
from mpbench.store.atomic_write import make_folder
from mpbench.store.checks import LineChecks
from mpbench.store.reader import RESULTS, lines_of, read, results_file

__all__ = ("Writer", "read")

# Not every platform has them; where they lack, there is nothing to add.
_FLAGS = os.O_CLOEXEC | os.O_APPEND | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)


def _refusal(path: Path, error: OSError) -> OutputError:
    """Say what cannot be written, why, and what to do."""
    advice = {
        "FileExistsError": "it is there already; name another folder, or use --resume",
        "PermissionError": "no permission; name a folder of your own with -o",
        "NotADirectoryError": "a part of the path is a file; name another folder with -o",
    }.get(type(error).__name__, reason_of(error))
    return OutputError(f"cannot write {path}: {advice}")


def _lock(descriptor: int, path: Path) -> None:
    """Refuse a second writer where the platform has advisory locks."""
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OutputError(f"cannot write {path}: another run is writing it") from None
    except OSError:
        # A file system without locks (some network ones) is no reason to refuse.
        return


class _Position(NamedTuple):
    """How far a file is written: lines, bytes, the digest of these bytes."""

    lines: int
    end: int
    digest: hashlib._Hash


def _unwritable(line: schema.RepetitionLine, reason: str) -> schema.RepetitionLine:
    """Return what is kept of a repetition whose record is invalid."""
    return schema.RepetitionLine(
        subject=line.subject,
        workload=line.workload,
        method=line.method,
        params=line.params,
        number=line.number,
        status=Status.FAILED,
        reason=f"its record was invalid and was not kept: {reason[-500:]}",
        iterations=0,
        samples=[],
        started_ns=0,
        elapsed_ns=0,
        hash_seed=None,
        agent=line.agent,
        account=None,
        slice=line.slice,
        extra={},
    )


class Writer:
    """
    Appends the records of one run to its result file.

    It may be called from several threads. Use it as a context manager or
    call `close`.

    Args:
        path: The folder of the run, made if need be, or the file itself
            (a name that ends in `.jsonl`). The file must not exist.
        sync: Whether to wait after each record until the disk has it; then a
            power cut loses no more than a kill does.
        anonymiser: Hides names in each line before it is written.

    Raises:
        OutputError: The file exists or cannot be made.
    """

    def __init__(
        self, path: Path | str, *, sync: bool = False, anonymiser: Anonymiser | None = None
    ) -> None:
        path = Path(path)
        self.path = path if path.suffix == ".jsonl" else path / RESULTS
        try:
            make_folder(self.path.parent)
            descriptor = os.open(self.path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _refusal(self.path, error) from error
        self._begin(descriptor, sync=sync, anonymiser=anonymiser)

    def _begin(self, descriptor: int, *, sync: bool, anonymiser: Anonymiser | None) -> None:
        _lock(descriptor, self.path)
        self._anonymiser = anonymiser
        self._descriptor = descriptor
        self._sync = sync
        self._position = _Position(0, 0, hashlib.sha256())
        self._checks = LineChecks(str(self.path))
        self._mutex = threading.Lock()

    @classmethod
    def resume(
        cls, path: Path | str, *, sync: bool = False, anonymiser: Anonymiser | None = None
    ) -> Self:
        """
        Open an existing result file to append to it.

        A last line that was cut off is removed, and an event says so. Read
        the file first: what it holds need not be measured again.

        Raises:
            OutputError: The file cannot be opened for writing.
            RecordError: It is no intact result file.
        """
        writer = cls.__new__(cls)
        writer._reopen(results_file(Path(path)), sync, anonymiser)  # noqa: SLF001 - its own class
        return writer

    def _reopen(self, path: Path, sync: bool, anonymiser: Anonymiser | None) -> None:
        self.path = path
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            raise _refusal(path, error) from error
        self._begin(descriptor, sync=sync, anonymiser=anonymiser)
        try:
            self._go_on()
        except BaseException:
            self.close()
            raise

    def _go_on(self) -> None:
        # Under the lock, so that no other session can write in between.
        done = len(read(self.path).repetitions)
        for line in lines_of(self.path):
            self._accept(line.record, line.text)
        lost = os.fstat(self._descriptor).st_size - self._position.end
        os.ftruncate(self._descriptor, self._position.end)
        text = f"resumed after {done:,} repetitions"
        text += f"; {lost:,} bytes of a record that was cut off were removed" if lost else ""
        self.event(RunEvent(0, "resumed", text))

    def _accept(self, record: schema.AnyLine, text: bytes) -> None:
        """Remember a line that the file holds now."""
        if self._position.lines == 0:
            self._checks.begin(record)
        else:
            self._checks.accept(record)
        lines, end, digest = self._position
        digest = digest.copy()
        digest.update(text)
        # In one step: Ctrl-C may come before or after it.
        self._position = _Position(lines + 1, end + len(text), digest)

    def _checked(self, line: schema.AnyLine) -> tuple[schema.AnyLine, bytes]:
        """
        Return a line as it will be read, and its bytes.

        Raises:
            OutputError: The reader would refuse it.
        """
        line = line if self._anonymiser is None else self._anonymiser.line(line)
        text = schema.encode(line)
        if len(text) > schema.MAX_LINE:
            raise OutputError(
                f"cannot write {self.path}: a record has {len(text):,} bytes, "
                f"at most {schema.MAX_LINE:,} are allowed"
            )
        try:
            record = schema.decode(text)
            if self._position.lines:
                self._checks.check(self._position.lines + 1, record)
            else:
                LineChecks(str(self.path)).begin(record)
        except (msgspec.MsgspecError, RecursionError, RecordError) as error:
            raise OutputError(f"cannot write {self.path}: no valid record: {error}") from error
        return record, text

    def _append(self, record: schema.AnyLine, text: bytes) -> None:
        """
        Append one line, whole or not at all.

        Raises:
            OutputError: The disk is full, or gone.
        """
        before, rest = self._position, memoryview(text)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            self._accept(record, text)
            if self._sync:
                os.fsync(self._descriptor)
        except BaseException as error:
            if rest:
                # Where this fails as well, the reader leaves the cut line out.
                with suppress(OSError):
                    os.ftruncate(self._descriptor, before.end)
            elif self._position is before:
                self._accept(record, text)
            if isinstance(error, OSError):
                raise OutputError(
                    f"cannot write {self.path}: {reason_of(error)}; what was measured before "
                    "is kept"
                ) from error
            raise

    def _write(self, line: schema.AnyLine) -> None:
        """
        Append one line.

        Raises:
            OutputError: It cannot be written, or is no valid record.
        """
        self._append(*self._checked(line))

    def header(self, header: RunHeader) -> None:
        """Write the first line."""
        with self._mutex:
            self._write(conversion.header_to_line(header))

    def case(self, record: CaseRecord) -> None:
        """Write a planned case; it comes before its repetitions."""
        with self._mutex:
            self._write(conversion.case_to_line(record))

    def repetition(self, repetition: Repetition) -> None:
        """
        Write what one agent measured of one case.

        It gets the next free number where the file has its number already: a
        resumed run measures anew what failed. One that no reader would take
        becomes a failed one that says why.
        """
        with self._mutex:
            line = conversion.repetition_to_line(repetition)
            if self._checks.is_taken(line):
                number = self._checks.next_number(repetition.subject, repetition.case)
                line = msgspec.structs.replace(line, number=number)
            try:
                checked = self._checked(line)
            except OutputError as error:
                checked = self._checked(_unwritable(line, str(error)))
            self._append(*checked)

    def event(self, event: RunEvent) -> None:
        """Write something that a reader should know."""
        with self._mutex:
            self._write(conversion.event_to_line(event))

    def end(self, end: RunEnd) -> None:
        """Write how the run ended, with the digest of everything before."""
        with self._mutex:
            self._write(conversion.end_to_line(end, self._position.digest.hexdigest()))

    def write_run(self, run: Run) -> None:
        """Write every record of a run that is complete already."""
        self.header(run.header)
        for record in run.cases:
            self.case(record)
        for repetition in run.repetitions:
            self.repetition(repetition)
        for event in run.events:
            self.event(event)
        if run.end is not None:
            self.end(run.end)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._mutex:
            if self._descriptor >= 0:
                descriptor, self._descriptor = self._descriptor, -1
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
