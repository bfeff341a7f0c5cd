"""The lock that lets one session measure at a time on one machine."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import EnvironmentUnfitError, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("machine_lock",)

_POLL_S = 0.2
_WAIT = "wait for it, or use --wait DURATION, such as --wait 10m"
_ADVICE = "name another file with MPBENCH_LOCK"
# Where every user of a machine can make a file, whatever TMPDIR says.
_PLACES = (Path("/tmp"), Path("/run/lock"))  # noqa: S108 - opened through no link


def _lock_file() -> Path:
    """
    Return the one lock of this machine.

    Not $TMPDIR: sessions that differ in it would measure each other.
    """
    given = os.environ.get("MPBENCH_LOCK")
    if given:
        return Path(given)
    fixed = next((one for one in _PLACES if one.is_dir() and os.access(one, os.W_OK)), None)
    return (fixed or Path(tempfile.gettempdir())) / "mpbench.lock"


def _open(path: Path) -> int:
    """Open the lock, or make it so that every user of the machine can hold it."""
    # A pipe that nobody reads is opened without waiting, to be refused below.
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        try:
            descriptor = os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            try:
                return os.open(path, flags | os.O_RDWR)
            except PermissionError:
                # Another user's: holding it needs no right to write.
                return os.open(path, flags | os.O_RDONLY)
        # The umask of who measures first must not shut out the others.
        os.fchmod(descriptor, 0o666)
    except OSError as error:
        reason = reason_of(error)
        raise EnvironmentUnfitError(
            f"the measuring lock {path} cannot be opened: {reason}; {_ADVICE}"
        ) from error
    return descriptor


def _check(descriptor: int, path: Path) -> None:
    """
    Refuse a file that mpbench did not make; it is neither locked nor overwritten.

    Raises:
        EnvironmentUnfitError: It is no regular file, or holds something else than a pid.
    """
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if is_file and re.fullmatch(rb"(pid \d+)?\s*", os.pread(descriptor, 100, 0)):
        return
    instead = "a file with other content" if is_file else "no regular file"
    raise EnvironmentUnfitError(
        f"the measuring lock {path} is {instead}; remove it if nobody needs it, or {_ADVICE}"
    )


def _sign(descriptor: int) -> None:
    """Write who holds the lock, where that is allowed."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()}".encode(), 0)


def _unheard(text: str) -> None:
    """Nobody listens."""
    del text


@contextmanager
def machine_lock(*, wait_s: float = 0.0, note: Callable[[str], None] = _unheard) -> Iterator[None]:
    """
    Hold the machine's measuring lock.

    Two sessions at once would measure each other. The lock is advisory and
    belongs to the open file, so it is gone when its holder dies.

    Args:
        wait_s: How long to wait for another session to end.
        note: Told once that it waits.

    Raises:
        EnvironmentUnfitError: Another session is measuring, or the lock cannot be opened.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        yield
        return
    path = _lock_file()
    descriptor = _open(path)
    limit = time.monotonic() + wait_s
    is_told = False
    try:
        _check(descriptor, path)
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= limit:
                    holder = os.pread(descriptor, 100, 0).decode(errors="replace").strip()
                    waited = f"after {wait_s:g} s of waiting " if wait_s else ""
                    advice = "--wait DURATION waits longer" if wait_s else _WAIT
                    raise EnvironmentUnfitError(
                        f"{waited}another mpbench session is measuring on this machine "
                        f"({holder or 'unknown'}); two at once would measure each other: {advice}"
                    ) from None
                if not is_told:
                    is_told = True
                    note(f"waiting up to {wait_s:g} s for another session on this machine")
                time.sleep(_POLL_S)
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)
