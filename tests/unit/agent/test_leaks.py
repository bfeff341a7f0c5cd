"""What stays open for good is no leak of a workload; what a workload left is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mpbench.agent.leaks import leaked_since, open_resources

# What libffi keeps open after `import ctypes`, as Debian and others build it.
OF_LIBFFI = ("libffi.so.8", "libffi.so.8.2.0", "libffi-3ba4dd0c.so.7.1.0", "ffiAb3dE_")
OTHERS = ("libffi-notes.txt", "libfoo.so.8", "ffi", "traffic.so")


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """Open a file of a name and return what is held to be left."""
    before = open_resources()
    with (tmp_path / request.param).open("w"):
        yield [line for line in leaked_since(before) if line.startswith("descriptor")]


@pytest.mark.parametrize("opened", OF_LIBFFI, indirect=True)
def test_what_libffi_keeps_is_no_leak(opened: list[str]) -> None:
    """The library itself, and the nameless file of its callbacks."""
    assert [] == opened


@pytest.mark.parametrize("opened", OTHERS, indirect=True)
def test_other_files_are_leaks(opened: list[str]) -> None:
    """A name that only resembles them."""
    assert 1 == len(opened)


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the platform has no memfd_create")
def test_the_memory_of_callbacks_is_no_leak() -> None:
    """A memory file of that name, and of no other."""
    before = open_resources()
    with closing(os.fdopen(os.memfd_create("libffi"))):
        assert [] == leaked_since(before)
    with closing(os.fdopen(os.memfd_create("other"))):
        assert 1 == len(leaked_since(before))
