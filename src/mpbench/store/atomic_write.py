"""A file that is there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mpbench.errors import OutputError, reason_of

__all__ = ("write_atomic",)


def write_atomic(path: Path, text: str) -> None:
    """
    Write a private file so that a reader sees the old one or the new one, never a part.

    Raises:
        OutputError: The folder cannot be written to.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
