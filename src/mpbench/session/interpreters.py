"""Interpreters that are measured, and the agent package installed for each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.environment import describe_interpreter
from mpbench.errors import UsageError
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.launch import Interpreter, scrubbed_environment
from mpbench.model import StartMethod

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("InterpreterInfo", "find_interpreter", "has_module", "prepare_interpreters")

# Only a module that is surely not there is refused: what else goes wrong is told by measuring.
_LOOK = """
import importlib.util, sys
sys.path[:1] = []
sys.path += sys.argv[2:]
try:
    found = importlib.util.find_spec(sys.argv[1]) is not None
except ModuleNotFoundError:
    found = False
except Exception:
    found = True
sys.exit(0 if found else 3)
"""
_ABSENT = 3
_LOOK_S = 60.0


class InterpreterInfo(NamedTuple):
    """A subject, and the facts about its interpreter."""

    subject: Interpreter
    facts: dict[str, Any]

    @property
    def methods(self) -> tuple[StartMethod, ...]:
        """The start methods that it has, in the order of `StartMethod`."""
        return tuple(
            method for method in StartMethod if method.value in self.facts["start_methods"]
        )


def _wrong_with(path: Path) -> str:
    """Say why a path cannot be run."""
    if path.is_dir():
        return f"it is a folder; expected the executable, such as {path / 'bin' / 'python'}"
    if path.exists():
        return "it may not be executed; expected a Python"
    return "there is no such file; expected the path of a Python"


def find_interpreter(name: str) -> str:
    """
    Return the path of an interpreter that the user named.

    Args:
        name: A path, a command, or a version such as `3.12`, which is looked
            up on PATH as `python3.12`.

    Raises:
        UsageError: There is none.
    """
    candidates = [name] if "/" in name else [f"python{name}", name]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return found
    if "/" in name:
        raise UsageError(f"no interpreter {name!r}: {_wrong_with(Path(name))}")
    raise UsageError(
        f"no interpreter {name!r}: expected a path, or a version with its python{name} on PATH"
    )


def has_module(subject: Interpreter, module: str, folder: Path) -> bool:
    """
    Look for a module as an agent of a subject would, without importing it here.

    Args:
        subject: Whose interpreter looks; it imports the packages above the module.
        module: Its dotted name.
        folder: Private, for whatever those packages write.
    """
    environment = scrubbed_environment(subject, folder=folder, hash_seed=0, tag="")
    try:
        done = subprocess.run(
            [subject.executable, "-c", _LOOK, module, *subject.later],
            capture_output=True,
            timeout=_LOOK_S,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            cwd=folder,
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode != _ABSENT


def prepare_interpreters(
    pythons: Sequence[str], folder: Path, *, paths: Sequence[Path] = ()
) -> tuple[InterpreterInfo, ...]:
    """
    Find the interpreters and hand the agent's part over to each.

    Args:
        pythons: What the user named; empty means the running interpreter.
        folder: Private, for the handed-over copies.
        paths: A user's own folders that the agent must be able to import from.

    Raises:
        UsageError: One does not exist.
        EnvironmentUnfitError: One does not run, or is too old.
    """
    described: list[InterpreterInfo] = []
    for number, executable in enumerate(
        [find_interpreter(name) for name in pythons] or [sys.executable]
    ):
        facts = describe_interpreter(executable)
        key = facts["version"] + ("t" if facts.get("free_threaded") else "")
        if facts["implementation"] != "CPython":
            key = f"{facts['implementation'].lower()}-{key}"
        same = sum(arm.subject.key.partition("#")[0] == key for arm in described)
        key = f"{key}#{same + 1}" if same else key
        place = install_agent_package(executable, folder / f"subject-{number}")
        # The path itself stays on this machine; results are shown to others.
        facts["executable"] = Path(executable).name
        subject = Interpreter(key, executable, str(place), tuple(str(path) for path in paths))
        described.append(InterpreterInfo(subject, facts))
    return tuple(described)
