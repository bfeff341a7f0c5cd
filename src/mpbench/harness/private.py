"""The private folder of one session, with the lock that shows that the session lives."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import EnvironmentUnfitError, reason_of
from mpbench.harness.agent_id import agent_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = (
    "LONGEST_PREFIX",
    "PREFIX",
    "SessionTags",
    "abandoned_folders",
    "private_folder",
    "session_tags",
)

PREFIX = "mpb-"

# Its lock belongs to the open file: it is gone when the session is, however it ended.
_HELD = ".held"
# A socket's path in bytes, without the closing zero: sun_path has 108, on macOS 104.
_LONGEST = 103 if sys.platform == "darwin" else 107
# The name of an agent's folder begins with up to so many letters: paths differ in length.
LONGEST_PREFIX = 8
# What comes below the private folder: an agent's own folder, a manager's, its socket.
_BELOW = LONGEST_PREFIX + len("/xxxxxxxx/pymp-xxxxxxxx/listener-xxxxxxxx")
# Where files are memory, on Linux.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - as below
_SHORT = Path("/tmp")  # noqa: S108 - mkdtemp makes a folder that only this user can enter


def _hold(path: Path) -> int | None:
    """Lock the marker of a folder; None where locks or the marker lack, or another has it."""
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    try:
        descriptor = os.open(path / _HELD, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _new(prefix: str, base: Path | None) -> Path:
    """Return a name that nobody has yet, in a folder for temporary files that can be used."""
    # Python leaves TMPDIR=. as it is, and agents have a working folder of their own.
    place = Path(tempfile.gettempdir()).absolute() if base is None else base
    while True:
        path = place / f"{prefix}{secrets.token_hex(4)}"
        if not os.path.lexists(path):
            return path


@contextmanager
def _made(prefix: str, base: Path | None = None) -> Iterator[Path]:
    """
    Make a folder and hold it; leaving removes it.

    Its name is known before it is made, and its removal is tried twice: Ctrl-C may
    come in between.
    """
    descriptor = path = None
    try:
        try:
            path = _new(prefix, base)
            path.mkdir(mode=0o700)
        except OSError as error:
            path = None
            raise EnvironmentUnfitError(
                f"no folder for temporary files can be made: {reason_of(error)}; set TMPDIR to one "
                "that exists and has space"
            ) from error
        (path / _HELD).touch(mode=0o600)
        descriptor = _hold(path)
        yield path
    finally:
        try:
            _remove(path)
        finally:
            _remove(path)
            if descriptor is not None:
                os.close(descriptor)


def _remove(path: Path | None) -> None:
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)


def _is_too_long(path: Path) -> bool:
    return len(os.fsencode(path)) + _BELOW > _LONGEST


@contextmanager
def private_folder(prefix: str = PREFIX, base: Path | None = None) -> Iterator[Path]:
    """
    Make a folder that only this user can enter; leaving removes it.

    Its path is short, because the sockets of managers lie in it, and the
    path of a socket has at most 107 bytes. Below a long TMPDIR they would not
    fit: then the path goes through a link in a private folder in /tmp.

    Args:
        prefix: How its name begins; it must begin with `PREFIX`.
        base: Where to make it: `SHARED_MEMORY`, or the usual place. No sockets lie in it then.

    Raises:
        EnvironmentUnfitError: There is no place for temporary files, or only one too deep.
    """
    with ExitStack() as stack:
        path = stack.enter_context(_made(prefix, base))
        if base is None and _is_too_long(path):
            try:
                link = stack.enter_context(_made(PREFIX, _SHORT)) / "t"
                link.symlink_to(path, target_is_directory=True)
            except (OSError, EnvironmentUnfitError) as error:
                raise EnvironmentUnfitError(
                    f"{path.parent} is too long for sockets below it, which have at most "
                    f"{_LONGEST} bytes, and {_SHORT} cannot be written to; set TMPDIR to a "
                    "folder with a shorter path"
                ) from error
            path = link
        yield path


def _is_ours(path: Path) -> bool:
    try:
        state = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid()


class SessionTags(NamedTuple):
    """The tags of the agents that private folders hold logs of, by their session's lock."""

    living: frozenset[str]
    dead: frozenset[str]


def _folders(base: Path | None) -> Iterator[tuple[Path, bool]]:
    """
    Yield this user's private folders, and whether their session lives.

    A folder without a marker is left out: it may have been made this moment,
    or by another program.
    """
    usual = Path(tempfile.gettempdir()).absolute()
    is_linked = base is None and _is_too_long(usual / f"{PREFIX}xxxxxxxx")
    others = () if base is not None else (SHARED_MEMORY, *([_SHORT] if is_linked else ()))
    bases = dict.fromkeys((base or usual, *others))
    for path in (path for place in bases for path in sorted(place.glob(f"{PREFIX}*"))):
        if _is_ours(path) and _is_file(path / _HELD):
            descriptor = _hold(path)
            if descriptor is not None:
                os.close(descriptor)
            yield path, descriptor is None


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def abandoned_folders(base: Path | None = None) -> tuple[Path, ...]:
    """
    Return the private folders of this user whose session is gone.

    Args:
        base: Where to look; without, where `private_folder` makes them.
    """
    return tuple(path for path, is_live in _folders(base) if not is_live)


def _logs(folder: Path) -> Iterator[str]:
    """Yield the names of agents' logs in a folder, which its session may remove meanwhile."""
    # `os.walk` passes over what is gone; agents' own folders lie one level down.
    for place, below, names in os.walk(folder):
        if Path(place) != folder:
            below.clear()
        yield from (name for name in names if fnmatch(name, "agent-*.log"))


def session_tags(base: Path | None = None) -> SessionTags:
    """
    Return which agents belong to a live session and which to one that is gone.

    The lock says so in every namespace that sees the folder; the process
    table does not.
    """
    tags: dict[bool, set[str]] = {True: set(), False: set()}
    for path, is_live in _folders(base):
        tags[is_live] |= {agent_tag(Path(name)) for name in _logs(path)}
    return SessionTags(frozenset(tags[True]), frozenset(tags[False] - tags[True]))
