"""Words of errors: what failed, and what to do."""

from __future__ import annotations

import errno
import os

import pytest

from mpbench import errors


def failure(number: int) -> str:
    """Return the words for a system error of that number."""
    return str(errors.copy_failure("the agent", "/tmp/x", OSError(number, os.strerror(number))))


def test_only_a_full_folder_is_called_full() -> None:
    """A disk without space is told from other reasons."""
    assert "is the temporary folder full?" in failure(errno.ENOSPC)
    assert "full" not in failure(errno.EACCES)


def test_an_archive_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a zipapp the package's files are no files."""
    monkeypatch.setattr(errors, "__file__", "/tmp/app.pyz/mpbench/errors.py")

    assert "inside an archive" in failure(errno.ENOTDIR)
