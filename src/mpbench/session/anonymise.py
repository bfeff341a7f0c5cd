"""The names on this machine that nobody else needs to know."""

from __future__ import annotations

import getpass
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.environment import fact, machine_name
from mpbench.store.anonymise import Anonymiser

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ("anonymiser_of",)


def _users() -> set[str]:
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")}
    # A container's user may have a number and no name.
    return names | {fact(getpass.getuser) or ""}


def anonymiser_of(paths: Iterable[Path | str] = ()) -> Anonymiser:
    """
    Return what hides this machine, its user, and the paths that a command named.

    Args:
        paths: As the user typed them.
    """
    host = platform.node()
    typed = [str(path) for path in paths]
    places = [Path(one).absolute() for one in typed]
    own = (str(fact(read) or "") for read in (Path.home, Path.cwd))
    names = dict.fromkeys([*own, *map(str, places)], "path")
    names |= dict.fromkeys(_users(), "user")
    names |= dict.fromkeys([host, host.partition(".")[0], machine_name()], "machine")
    # Only the last part of a workload file's path is in its plan.
    return Anonymiser(names, [*typed, *(path.name for path in places)])
