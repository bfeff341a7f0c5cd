"""One session measures at a time on one machine."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import EnvironmentUnfitError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("exclusive",)

_POLL_S = 0.2


def _lock_file() -> Path:
    return Path(os.environ.get("MPBENCH_LOCK") or Path(tempfile.gettempdir()) / "mpbench.lock")


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        reason = reason_of(error)
        raise EnvironmentUnfitError(
            f"the measuring lock {path} cannot be opened: {reason}; name another file with "
            "MPBENCH_LOCK"
        ) from error


@contextmanager
def exclusive(*, wait_s: float = 0.0) -> Iterator[None]:
    """
    Hold the machine's measuring lock.

    Two sessions at once would measure each other. The lock is advisory and
    belongs to the open file, so it is gone when its holder dies.

    Args:
        wait_s: How long to wait for another session to end.

    Raises:
        EnvironmentUnfitError: Another session is measuring, or the lock cannot be opened.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        yield
        return
    descriptor = _open(_lock_file())
    limit = time.monotonic() + wait_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= limit:
                    holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
                    raise EnvironmentUnfitError(
                        "another mpbench session is measuring on this machine "
                        f"({holder or 'unknown'}); two at once would measure each other: "
                        "wait for it, or use --wait SECONDS"
                    ) from None
                time.sleep(_POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
