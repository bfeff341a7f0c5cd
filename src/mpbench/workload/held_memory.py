"""Memory that a process holds while something else is measured."""

from __future__ import annotations

import mmap
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mpbench.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("held_memory",)

_MIB = 1 << 20


@contextmanager
def held_memory(mebibytes: int, pages: str = "default") -> Iterator[None]:
    """
    Hold so much private, written memory while the block runs.

    Private, because fork does not copy the page tables of shared mappings
    (and `mmap.mmap(-1, n)` alone makes a shared one).

    Args:
        mebibytes: How much; 0 holds nothing.
        pages: `small` forbids transparent huge pages, `huge` asks for them,
            `default` leaves the kernel's setting.

    Raises:
        UnsupportedError: The platform cannot choose the page size.
    """
    if mebibytes == 0:
        yield
        return
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    with mmap.mmap(-1, mebibytes * _MIB, flags=flags) as memory:
        if pages != "default":
            advice = getattr(mmap, {"small": "MADV_NOHUGEPAGE", "huge": "MADV_HUGEPAGE"}[pages], 0)
            if not advice:
                raise UnsupportedError("this platform does not let a program choose huge pages")
            memory.madvise(advice)
        block = b"\x01" * _MIB
        for offset in range(0, mebibytes * _MIB, _MIB):
            memory[offset : offset + _MIB] = block
        yield
