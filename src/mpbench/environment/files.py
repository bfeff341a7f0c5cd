"""Facts of the machine, read so that a missing source is None and no error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

__all__ = ("SYSTEM", "Files", "fact")

_P = ParamSpec("_P")
_T = TypeVar("_T")


def fact(read: Callable[_P, _T], *values: _P.args, **named: _P.kwargs) -> _T | None:
    """
    Return a fact that the system may refuse to tell, or None.

    In a sandbox any source may lack (/proc, /sys, a system call, a user's
    entry), and libraries then raise whatever comes first: psutil a KeyError
    without /proc/meminfo, a TypeError without /proc/stat. The record holds
    null, and the doctor names it.
    """
    try:
        return read(*values, **named)
    except Exception:  # noqa: BLE001 - None is the record of it, see above
        return None


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
