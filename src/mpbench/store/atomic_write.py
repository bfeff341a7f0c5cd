"""Private files and folders of what mpbench writes, each file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mpbench.errors import OutputError, reason_of

__all__ = ("make_folder", "private_files", "write_atomic")


@contextmanager
def private_files() -> Iterator[None]:
    """Give every file and folder that is made here to this user alone, whoever makes it."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def make_folder(path: Path) -> None:
    """
    Make a folder, and those above it that lack, for this user alone.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        # `mkdir` gives its mode to the last one only.
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        reason = reason_of(error)
        raise OutputError(f"cannot write to {path}: {reason}; name another folder") from error


def write_atomic(path: Path, text: str) -> None:
    """
    Write a private file so that a reader sees the old one or the new one, never a part.

    Raises:
        OutputError: The folder cannot be written to.
    """
    make_folder(path.parent)
    try:
        # mkstemp makes a file of mode 0600 under a name that nobody can prepare.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = reason_of(error)
        raise OutputError(f"cannot write {path}: {reason}; name another folder with -o") from error
