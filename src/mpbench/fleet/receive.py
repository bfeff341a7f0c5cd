"""The result file of one host, put together from pieces that may be lost or come twice."""

from __future__ import annotations

import hashlib
import os
import zlib
from typing import TYPE_CHECKING

from mpbench.errors import MpbenchError, RecordError
from mpbench.model import RunEnd, Status
from mpbench.store.reader import RESULTS
from mpbench.store.writer import Writer, read

if TYPE_CHECKING:
    from pathlib import Path

    from mpbench.fleet.task import Answer, Chunk

__all__ = ("Receiver",)

# No honest result file is larger (store/reader.py has the same ceiling).
_MAX_FILE = 4 << 30


class Receiver:
    """
    The result file of one host while it arrives.

    Args:
        folder: Where it is written; it is made with the first piece.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / RESULTS

    @property
    def size(self) -> int:
        """How many bytes are here."""
        try:
            return self.file.stat().st_size
        except OSError:
            return 0

    @property
    def lines(self) -> int:
        """How many repetitions are here; 0 when the file is not whole."""
        try:
            return len(read(self.file).repetitions)
        except RecordError:
            return 0

    def _open(self) -> int:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
        return os.open(self.file, flags, 0o600)

    def take(self, chunk: Chunk) -> bool:
        """
        Add whole lines.

        Returns:
            False when they were refused: damaged, or a piece before them is
            missing. The answer of the task has them all.
        """
        if hashlib.sha256(chunk.data).hexdigest() != chunk.digest or chunk.offset > self.size:
            return False
        descriptor = self._open()
        try:
            here = os.pread(descriptor, len(chunk.data), chunk.offset)
            if here != chunk.data:
                # Another file than before (its host lost the first), or its end is new.
                if not chunk.data.startswith(here):
                    os.ftruncate(descriptor, chunk.offset)
                os.pwrite(descriptor, chunk.data, chunk.offset)
        finally:
            os.close(descriptor)
        return True

    def complete(self, answer: Answer) -> str | None:
        """
        Replace what is here by the whole file.

        Returns:
            What is wrong with it, or None.
        """
        unpacker = zlib.decompressobj()
        try:
            content = unpacker.decompress(answer.packed, _MAX_FILE)
        except zlib.error as error:
            return f"its result file arrived damaged: {error}"
        if hashlib.sha256(content).hexdigest() != answer.digest:
            return "its result file arrived damaged: the digest differs"
        if not content:
            return None
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = self.folder / f".{RESULTS}.whole"
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        try:
            # A name that `read` takes for a file, not for a folder.
            read(whole)
        except RecordError as error:
            whole.unlink()
            return f"its result file is none: {error}"
        whole.replace(self.file)
        return None

    def lose(self, reason: str) -> None:
        """Write into what is here that its host was lost."""
        try:
            with Writer.resume(self.file) as writer:
                writer.end(RunEnd(0, Status.LOST, reason))
        except MpbenchError:
            # Not one whole record arrived; the table of hosts says what happened.
            self.file.unlink(missing_ok=True)
