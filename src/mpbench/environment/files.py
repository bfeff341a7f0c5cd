"""Small files of the kernel, read so that a missing one is an answer and not an error."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ("SYSTEM", "Files")


class Files(NamedTuple):
    """
    A file system to read facts from; tests give a folder of their own.

    Every method takes a path with or without the leading slash and answers
    None (or nothing) where the file does not exist or may not be read.
    """

    root: Path

    def path(self, name: str) -> Path:
        """Return where a file of this system really is."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str | None:
        """Return the content without surrounding white space."""
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace").strip()
        except (OSError, ValueError):
            return None

    def integer(self, name: str) -> int | None:
        """Return the content as a number; None for `max`, too."""
        try:
            return int(self.text(name) or "")
        except ValueError:
            return None

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the content's lines."""
        return tuple((self.text(name) or "").splitlines())

    def names(self, name: str) -> tuple[str, ...]:
        """Return what a folder holds, sorted."""
        try:
            return tuple(sorted(entry.name for entry in self.path(name).iterdir()))
        except OSError:
            return ()

    def exists(self, name: str) -> bool:
        """Return whether there is such a file or folder."""
        try:
            return self.path(name).exists()
        except OSError:
            return False

    def chosen(self, name: str) -> str | None:
        """Return the word in brackets, as in `always [madvise] never`."""
        text = self.text(name)
        if text is None or "[" not in text:
            return text
        return text.partition("[")[2].partition("]")[0]


SYSTEM = Files(Path("/"))
