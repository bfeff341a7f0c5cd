"""
Writes a result file: one JSON object a line, each on its way to the disk before the next.

What was measured is never lost again: a run that is killed loses at most the
line that it was writing, and a disk that fills up leaves a file that ends
with its last complete line.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from mpbench.errors import OutputError, reason_of
from mpbench.model import CaseRecord, Repetition, Run, RunEnd, RunEvent, RunHeader
from mpbench.store import conversion, schema
from mpbench.store.anonymise import Anonymiser
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
        veil: Hides names in each line before it is written.

    Raises:
        OutputError: The file exists or cannot be made.
    """

    def __init__(
        self, path: Path | str, *, sync: bool = False, veil: Anonymiser | None = None
    ) -> None:
        path = Path(path)
        self.path = path if path.suffix == ".jsonl" else path / RESULTS
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise _refusal(self.path, error) from error
        self._begin(descriptor, sync=sync, veil=veil)

    def _begin(self, descriptor: int, *, sync: bool, veil: Anonymiser | None) -> None:
        _lock(descriptor, self.path)
        self._veil = veil
        self._descriptor = descriptor
        self._sync = sync
        self._end = 0
        self._digest = hashlib.sha256()
        self._mutex = threading.Lock()

    @classmethod
    def resume(
        cls, path: Path | str, *, sync: bool = False, veil: Anonymiser | None = None
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
        writer._reopen(results_file(Path(path)), sync, veil)  # noqa: SLF001 - its own class
        return writer

    def _reopen(self, path: Path, sync: bool, veil: Anonymiser | None) -> None:
        self.path = path
        done = len(read(path).repetitions)
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            raise _refusal(path, error) from error
        self._begin(descriptor, sync=sync, veil=veil)
        for line in lines_of(path):
            self._digest.update(line.text)
            self._end = line.end
        lost = os.fstat(descriptor).st_size - self._end
        os.ftruncate(descriptor, self._end)
        text = f"resumed after {done:,} repetitions"
        text += f"; {lost:,} bytes of a record that was cut off were removed" if lost else ""
        self.event(RunEvent(0, "resumed", text))

    def _write(self, line: schema.AnyLine) -> None:
        """
        Append one line, whole or not at all.

        Raises:
            OutputError: The disk is full, or gone.
        """
        text = schema.encode(line if self._veil is None else self._veil.line(line))
        if len(text) > schema.MAX_LINE:
            raise OutputError(
                f"cannot write {self.path}: a record has {len(text):,} bytes, "
                f"at most {schema.MAX_LINE:,} are allowed"
            )
        try:
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            if self._sync:
                os.fsync(self._descriptor)
        except BaseException as error:
            if not rest:
                self._advance(text)
            else:
                os.ftruncate(self._descriptor, self._end)
            if isinstance(error, OSError):
                reason = reason_of(error)
                raise OutputError(
                    f"cannot write {self.path}: {reason}; what was measured before is kept"
                ) from error
            raise
        self._advance(text)

    def _advance(self, text: bytes) -> None:
        self._end += len(text)
        self._digest.update(text)

    def header(self, header: RunHeader) -> None:
        """Write the first line."""
        with self._mutex:
            self._write(conversion.header_to_line(header))

    def case(self, record: CaseRecord) -> None:
        """Write a planned case; it comes before its repetitions."""
        with self._mutex:
            self._write(conversion.case_to_line(record))

    def repetition(self, repetition: Repetition) -> None:
        """Write what one agent measured of one case."""
        with self._mutex:
            self._write(conversion.repetition_to_line(repetition))

    def event(self, event: RunEvent) -> None:
        """Write something that a reader should know."""
        with self._mutex:
            self._write(conversion.event_to_line(event))

    def end(self, end: RunEnd) -> None:
        """Write how the run ended, with the digest of everything before."""
        with self._mutex:
            self._write(conversion.end_to_line(end, self._digest.hexdigest()))

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
