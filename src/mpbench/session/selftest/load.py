"""Misleading background load: periodic, from half-way, or on one CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from mpbench.harness.pair_calibration import SLICE_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mpbench.session.progress import Progress

__all__ = ("LOADS", "LoadFromHalf", "background_load")

# Ends with its starter: its stdin is a pipe that nobody writes to.
_BACKGROUND = """
import os, select, sys, time
on, off, cpu = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
if cpu >= 0:
    os.sched_setaffinity(0, {cpu})
while not select.select([0], [], [], off)[0]:
    until = time.perf_counter() + on
    while time.perf_counter() < until:
        pass
"""

# Name: seconds busy, seconds idle, whether pinned to one CPU.
_SLICE_S = SLICE_NS / 1e9
LOADS: dict[str, tuple[float, float, bool]] = {
    "second-half": (0.2, 0.0, False),
    "periodic": (_SLICE_S, _SLICE_S, False),
    "pinned": (0.2, 0.0, True),
}


def _start(kind: str) -> subprocess.Popen[bytes]:
    busy, idle, pinned = LOADS[kind]
    cpu = -1
    if pinned and hasattr(os, "sched_getaffinity"):
        cpu = min(os.sched_getaffinity(0))
    command = [sys.executable, "-I", "-S", "-c", _BACKGROUND, str(busy), str(idle), str(cpu)]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


@contextmanager
def background_load(kind: str) -> Iterator[None]:
    """Keep a load of this kind on while the body runs."""
    process = _start(kind)
    try:
        yield
    finally:
        _end(process)


class LoadFromHalf:
    """
    A progress that turns a load on when half of the first look's episodes are done.

    Args:
        inner: Who really watches.
        kind: The load.
    """

    def __init__(self, inner: Progress, kind: str) -> None:
        self._inner = inner
        self._kind = kind
        self._total = 0
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, what: str, total: int) -> None:
        """Start a stage."""
        if not self._total:
            self._total = total
        self._inner.begin(what, total)

    def step(self, name: str, *, left_s: float | None) -> None:
        """Say what comes next."""
        self._inner.step(name, left_s=left_s)

    def done(self) -> None:
        """Count a step; half-way, turn the load on."""
        self._count += 1
        if self._process is None and 2 * self._count >= self._total:
            self._process = _start(self._kind)
        self._inner.done()

    def note(self, text: str) -> None:
        """Pass a note on."""
        self._inner.note(text)

    def end(self) -> None:
        """Close a stage."""
        self._inner.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None
