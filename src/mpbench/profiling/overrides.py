"""Overrides for whole programs: their environment, and what became of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import UsageError, copy_failure
from mpbench.model import StartMethod

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("HOOKED", "OverrideFile", "check_overrides", "install_hook", "override_problem")

_HOOK = Path(__file__).parent / "hook"
_COMPILE_S = 60
# What the hook can override.
HOOKED = ("method", "method!", "workers", "chunk_size", "max_tasks")
# The interpreter's own default: nothing to override.
_AS_IT_IS = ("method", "default")
# The letter without which an override changed nothing, and what the program did not do.
_NEEDED = {
    "method": ("m", "started no process of multiprocessing"),
    "method!": ("m", "started no process of multiprocessing"),
    "workers": ("p", "made no Pool, ThreadPool or ProcessPoolExecutor"),
    "chunk_size": ("c", "called no map or imap of a Pool or a ProcessPoolExecutor"),
    "max_tasks": ("t", "made no Pool or ProcessPoolExecutor that can replace its workers"),
}


def check_overrides(given: Mapping[str, str]) -> None:
    """
    Check the values of overrides before anything is run.

    Raises:
        UsageError: One is impossible.
    """
    methods = [method.value for method in StartMethod]
    for name, value in given.items():
        if (name, value) == _AS_IT_IS:
            continue
        if name in {"method", "method!"}:
            if value not in methods:
                raise UsageError(f"{name}={value}: expected one of {', '.join(methods)}")
        elif name in HOOKED and not _is_count(name, value):
            raise UsageError(f"{name}={value}: expected a whole number from 1")
    if {"method", "method!"} <= given.keys():
        raise UsageError("give method= or method!=, not both")


def _is_count(name: str, value: str) -> bool:
    return (value.isdecimal() and int(value) > 0) or (name, value) == ("max_tasks", "none")


def install_hook(folder: Path, pythons: Iterable[str]) -> Path:
    """
    Put the hook into a private folder; return what must be on PYTHONPATH.

    It is compiled here, or each process of a program would do it again where
    PYTHONDONTWRITEBYTECODE is set, in 5 ms instead of 1.

    Args:
        folder: Private.
        pythons: The interpreters that will load it.

    Raises:
        EnvironmentUnfitError: There is no space.
    """
    place = folder / "hook"
    try:
        ours = place / "_mpbench_hook"
        ours.mkdir(parents=True)
        for name in ("__init__.py", "import_finder.py", "overrides.py"):
            shutil.copy(_HOOK / name, ours / name)
        shutil.copy(_HOOK / "entry.py", place / "sitecustomize.py")
    except OSError as error:
        raise copy_failure("the hook", place, error) from error
    for python in dict.fromkeys(pythons):
        # One that cannot do it loads the sources, or says in its first run what is wrong.
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [python, "-I", "-m", "compileall", "-q", str(place)],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMPILE_S, check=False,
            )  # fmt: skip
    return place


class OverrideFile:
    """
    The file in which the processes of an arm say what they did.

    Args:
        path: A private file; it is made.
        given: The arm's overrides; those that need no hook are left out.
    """

    def __init__(self, path: Path, given: Mapping[str, str]) -> None:
        self.path = path
        self.given = {
            name: value
            for name, value in given.items()
            if name in HOOKED and (name, value) != _AS_IT_IS
        }
        path.touch(mode=0o600)

    def variables(self, place: Path, before: Mapping[str, str]) -> dict[str, str]:
        """Return the environment variables that make a program load the hook."""
        paths = [str(place), *([before["PYTHONPATH"]] if before.get("PYTHONPATH") else [])]
        lines = [f"{name}={value}" for name, value in {**self.given, "file": self.path}.items()]
        return {"PYTHONPATH": os.pathsep.join(paths), "MPBENCH_OVERRIDES": "\n".join(lines)}

    def letters(self) -> Counter[str]:
        """Return how many processes did what so far."""
        return Counter(self.path.read_text(errors="replace"))


def override_problem(
    given: Mapping[str, str], letters: Counter[str]
) -> tuple[str | None, str | None]:
    """
    Return why an override changed nothing, and what it left alone; None where neither is so.

    Args:
        given: The overrides of an arm.
        letters: What its processes did.
    """
    if not letters["h"]:
        return (
            "no Python of it loaded the overrides; they need Python 3.9 or newer, without -I, -E "
            "or -S"
        ), None
    left = None
    if letters["x"] and "method" in given:
        left = (
            f"it asks for another start method by name, which method={given['method']} leaves "
            f"alone; method!={given['method']} overrides that too"
        )
    for name, value in given.items():
        letter, missing = _NEEDED[name]
        if not letters[letter]:
            reason = left if letter == "m" and left else f"it {missing}"
            return f"{name}={value} changed nothing: {reason}", None
    return None, left
