"""The names on this machine that nobody else needs to know."""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mpbench.environment import fact, machine_name
from mpbench.errors import RecordError, UsageError
from mpbench.model import StartMethod
from mpbench.store.anonymise import ANONYMISED, HIDDEN, Anonymiser, redacted
from mpbench.store.atomic_write import write_atomic
from mpbench.store.reader import read, results_file
from mpbench.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ("anonymise_profile", "anonymise_run", "anonymiser_of", "hide_arguments")

# Shorter words, and these, are part of too many others.
_SHORTEST = 3
_PLAIN = {"python", "python3", *(method.value for method in StartMethod)}


def _users() -> set[str]:
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")}
    # A container's user may have a number and no name.
    return names | {fact(getpass.getuser) or ""}


def anonymiser_of(paths: Iterable[Path | str] = (), *, words: Iterable[str] = ()) -> Anonymiser:
    """
    Return what hides this machine, its user, and the paths that a command named.

    Args:
        paths: As the user typed them.
        words: Arguments of the user's programs.
    """
    typed = [str(path) for path in paths]
    places = [Path(path).absolute() for path in typed]
    own = (str(fact(read) or "") for read in (Path.home, Path.cwd))
    names = dict.fromkeys(filter(_is_telling, words), "argument")
    names |= dict.fromkeys([*own, *map(str, places)], "path")
    names |= dict.fromkeys(_users(), "user")
    names |= _machines(platform.node(), machine_name())
    # Only the last part of a workload file's path is in its plan.
    return Anonymiser(names, [*typed, *(path.name for path in places)])


def _is_telling(word: str) -> bool:
    """Whether a word tells of its user: no number, option or word of mpbench's own."""
    return len(word) >= _SHORTEST and word not in _PLAIN and not re.fullmatch(r"-.*|[\d.]+", word)


def _machines(*names: str) -> dict[str, str]:
    return dict.fromkeys([*names, *(name.partition(".")[0] for name in names)], "machine")


def _names_in(text: str, *machines: str) -> Anonymiser:
    """Return what hides the names that a file of another machine tells."""
    users = set(re.findall(r"/(?:home|Users)/([^/\s\"\\]{2,})", text)) | _users()
    return Anonymiser(dict.fromkeys(users, "user") | _machines(platform.node(), *machines))


def anonymise_run(source: Path, target: Path) -> Path:
    """
    Write a copy of a result file without names of machine and users, and without paths.

    Returns:
        The new file.

    Raises:
        UsageError: It has none already.
        RecordError: It cannot be read.
        OutputError: The copy cannot be written, or is there already.
    """
    run = read(source)
    if run.header.environment.get(ANONYMISED):
        raise UsageError(f"{source} is anonymised already")
    text = results_file(source).read_text(encoding="utf-8", errors="replace")
    with Writer(target, anonymiser=_names_in(text, run.header.machine)) as writer:
        writer.write_run(run)
        return writer.path


def anonymise_profile(source: Path, target: Path) -> Path:
    """
    Write a copy of a `profile.json` without names, paths and arguments.

    Returns:
        The new file.

    Raises:
        RecordError: It is no profile.
        OutputError: The copy cannot be written.
    """
    try:
        text = source.read_text(encoding="utf-8")
        record = json.loads(text)
        words = [str(word) for word in record["command"]]
        folder = str(record["working_folder"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(str(source), 0, "a profile.json", str(error)) from error
    anonymiser = _names_in(text, folder)
    write_atomic(
        target / source.name, json.dumps(hide_arguments(record, words, anonymiser), indent=1)
    )
    return target / source.name


def hide_arguments(
    record: dict[str, Any], words: Sequence[str], anonymiser: Anonymiser
) -> dict[str, Any]:
    """Return the record of a profile without the arguments of its program."""
    arguments = Anonymiser(dict.fromkeys(filter(_is_telling, words[1:]), "argument"))
    hidden = arguments.value(anonymiser.value(record))
    return {**hidden, "command": redacted(words), "working_folder": HIDDEN}
