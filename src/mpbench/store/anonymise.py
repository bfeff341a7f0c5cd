"""
The removal of names and paths from what is written, so that anybody may see it.

A name becomes a word and the beginning of its SHA-256: the same name gives
the same word in every file, so that two runs of one machine stay together.
Whoever can guess a name can therefore check the guess.
"""

from __future__ import annotations

import hashlib
import re
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import msgspec

from mpbench.store import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("ANONYMISED", "HIDDEN", "Anonymiser", "pseudonym", "redacted")

# The key in the environment of a file whose names are hashed.
ANONYMISED = "anonymised"
# What stands for an argument of a program.
HIDDEN = "<hidden>"

_PATH = re.compile(r"""(?<![\w./~-])~?/[^\s:'"<>|,;()\[\]{}`]+""")
# They are the same on every machine.
_PUBLIC = ("/dev/", "/proc/", "/sys/")
# What stands after these in a stack is the standard library, a package, or mpbench itself.
_KNOWN_TAIL = re.compile(r"/(lib/python\d[\w.]*|subject-\d+/mpbench)/")


def pseudonym(kind: str, name: str) -> str:
    """Return the word that stands for a name."""
    return f"{kind}-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:8]}"


def redacted(words: Iterable[str]) -> list[str]:
    """Return a command with its program's name and the names of its options, nothing else."""
    program, *arguments = [*words] or [""]
    return [PurePath(program).name, *(_redacted(word) for word in arguments)]


def _redacted(word: str) -> str:
    option = re.match(r"--?[A-Za-z][\w-]*", word)
    if option is None:
        return HIDDEN
    return word if option.group() == word else f"{option.group()}{HIDDEN}"


def _hide_path(found: re.Match[str]) -> str:
    path = found.group()
    if path.startswith(_PUBLIC):
        return path
    tail = _KNOWN_TAIL.search(path)
    if tail is None:
        return pseudonym("path", path)
    return f"{pseudonym('path', path[: tail.start()])}{path[tail.start() :]}"


class Anonymiser:
    """
    Hides names in the lines of a result file.

    Args:
        names: The kind of each name that is hidden wherever a text has it,
            such as `{"alice": "user"}`; a file's path is one of them.
        typed: Paths as the user typed them; they are hidden where the command
            and the plan have them.
    """

    def __init__(self, names: Mapping[str, str], typed: Iterable[str] = ()) -> None:
        self._kinds = {name: kind for name, kind in names.items() if name}
        self._typed = sorted({word for word in typed if word}, key=len, reverse=True)
        longest_first = sorted(self._kinds, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        self._names = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])") if words else None

    def name(self, name: str) -> str:
        """Return the word for a name of this anonymiser; any other name as it is."""
        return pseudonym(self._kinds[name], name) if name in self._kinds else name

    def text(self, text: str) -> str:
        """Return a text without names and paths."""
        hidden = text
        if self._names is not None:
            hidden = self._names.sub(lambda found: self.name(found.group()), text)
        return _PATH.sub(_hide_path, hidden)

    def value(self, value: Any) -> Any:
        """Return a record, a list or a mapping whose texts have neither names nor paths."""
        if isinstance(value, str) and not isinstance(value, Enum):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if hasattr(value, "_fields"):
            return type(value)(*map(self.value, value))
        if isinstance(value, tuple):
            return tuple(map(self.value, value))
        return list(map(self.value, value)) if isinstance(value, list) else value

    def _argument(self, word: str) -> str:
        """Hide a path that is a word of a command, or the end of one (`--output=DIR`)."""
        for path in self._typed:
            if word == path:
                return pseudonym("path", path)
            if word.startswith("-") and word.endswith(path):
                return word.removesuffix(path) + pseudonym("path", path)
        return self.text(word)

    def _header(self, line: schema.EnvironmentLine) -> schema.EnvironmentLine:
        plan = self.value(line.plan)
        for key in ("files", "pythons"):
            if isinstance(plan.get(key), list):
                plan[key] = [self._argument(str(one)) for one in line.plan[key]]
        return msgspec.structs.replace(
            line,
            machine=self.text(line.machine),
            command=[self._argument(word) for word in line.command],
            plan=plan,
            subjects=self.value(line.subjects),
            environment={**self.value(line.environment), ANONYMISED: True},
        )

    def line(self, line: schema.AnyLine) -> schema.AnyLine:
        """Return a line of a result file without names; what was measured stays as it is."""
        if isinstance(line, schema.EnvironmentLine):
            return self._header(line)
        if isinstance(line, schema.EventLine):
            return msgspec.structs.replace(line, text=self.text(line.text))
        line = msgspec.structs.replace(line, reason=self.value(line.reason))
        if isinstance(line, schema.EndLine):
            return line
        # Arguments of programs are parameters of their cases.
        line = msgspec.structs.replace(line, params=self.value(line.params))
        if isinstance(line, schema.CaseLine):
            return msgspec.structs.replace(line, floor=self.value(line.floor))
        if line.slice is not None:
            arm = self.text(line.slice.arm)
            line = msgspec.structs.replace(line, slice=msgspec.structs.replace(line.slice, arm=arm))
        return msgspec.structs.replace(line, extra=self.value(line.extra))
