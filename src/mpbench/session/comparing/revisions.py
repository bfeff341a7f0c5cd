"""Commits of a user's repository, each built into a virtual environment of its own."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import EnvironmentUnfitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ("RevisionEnvironment", "build_revision", "commit_of", "date_ms_of")

_GIT_S = 120
_INSTALL_S = 1_200
# Written last: a folder without it was left by an interrupted build.
_MARK = "complete"


class RevisionEnvironment(NamedTuple):
    """An environment that holds one commit; `paths` are sources that cannot be installed."""

    commit: str
    executable: Path
    paths: tuple[Path, ...]


def _call(command: list[str], *, timeout_s: float, what: str) -> bytes:
    """
    Run a command and return what it wrote.

    Raises:
        EnvironmentUnfitError: It does not exist, fails or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError:
        raise EnvironmentUnfitError(f"{what}: there is no {command[0]!r} on this machine") from None
    except subprocess.TimeoutExpired:
        raise EnvironmentUnfitError(f"{what}: took longer than {timeout_s:g} s") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        # The last line is often advice; the error stands in the line that says so.
        telling = [line for line in said if re.search("(?i)error|^fatal:", line)] or said
        telling = telling or ["no output"]
        raise EnvironmentUnfitError(
            f"{what} failed with exit code {done.returncode}: {telling[-1].strip()}"
        )
    return done.stdout


def _git(repository: Path, *words: str) -> bytes:
    """
    Return what a command of git wrote; no hook and no watcher of files runs.

    Raises:
        EnvironmentUnfitError: It fails.
    """
    quiet = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
    what = next(word for word in words if not word.startswith("-") and "=" not in word)
    command = ["git", "-C", str(repository), *quiet, *words]
    return _call(command, timeout_s=_GIT_S, what=f"git {what}")


def commit_of(repository: Path, rev: str) -> str:
    """
    Return the full hash of a commit.

    Raises:
        UsageError: The folder is no repository, or has no such commit.
    """
    if rev.startswith("-"):
        raise UsageError(f"{rev!r} is no commit")
    try:
        return (
            _git(repository, "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
            .decode()
            .strip()
        )
    except EnvironmentUnfitError as error:
        if "dubious ownership" in str(error):
            raise UsageError(
                f"{repository} belongs to another user, and git reads it only if you allow it: git "
                f"config --global --add safe.directory {shlex.quote(str(repository.resolve()))}"
            ) from None
        advice = "name one that `git rev-parse` knows, or another repository with --repo"
        if _is_shallow(repository):
            advice = (
                "it is a shallow clone: `git fetch --unshallow`, or fetch with a larger --depth"
            )
        raise UsageError(f"{repository} has no commit {rev!r}; {advice}") from None


def _is_shallow(repository: Path) -> bool:
    try:
        return _git(repository, "rev-parse", "--is-shallow-repository").strip() == b"true"
    except EnvironmentUnfitError:
        return False


def date_ms_of(repository: Path, commit: str) -> int | None:
    """Return when a commit was written, in ms since 1970; None where the folder has none such."""
    try:
        said = _git(repository, "rev-list", "-n", "1", "--format=%at", commit, "--").split()
    except EnvironmentUnfitError:
        return None
    return int(said[-1]) * 1_000


def _export(repository: Path, commit: str, target: Path) -> None:
    """Unpack the files of a commit; the user's working tree is not touched."""
    packed = _git(repository, *_without_filters(repository), "archive", "--format=tar", commit)
    try:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(target, filter="data")
    except tarfile.FilterError as error:
        raise UsageError(
            f"commit {commit[:12]} of {repository} has a file or link outside of its tree, "
            f"which is not unpacked: {error}"
        ) from error


def _without_filters(repository: Path) -> list[str]:
    """Return git's options that let no filter of a configuration run: it is any program."""
    pattern = r"^filter\..*\.(smudge|process|required)$"
    try:
        names = _git(repository, "config", "--name-only", "--get-regexp", pattern).decode()
    except EnvironmentUnfitError:
        return []
    values = {"smudge": "", "process": "", "required": "false"}
    options = (f"{name}={values[name.rpartition('.')[2]]}" for name in names.split())
    return [word for option in options for word in ("-c", option)]


def _is_project(source: Path) -> bool:
    project = source / "pyproject.toml"
    if (source / "setup.py").is_file():
        return True
    return project.is_file() and any(
        line.strip() in {"[build-system]", "[project]"}
        for line in project.read_text(errors="replace").splitlines()
    )


def _install(source: Path, environment: Path, python: str) -> tuple[Path, ...]:
    """Make the environment; return what must be put on its path."""
    _call([python, "-m", "venv", str(environment)], timeout_s=_INSTALL_S, what="python -m venv")
    executable = str(environment / "bin" / "python")
    pip = [executable, "-m", "pip", "install", "--quiet", "--no-input"]
    pip.append("--disable-pip-version-check")
    requirements = source / "requirements.txt"
    if _is_project(source):
        _call([*pip, str(source)], timeout_s=_INSTALL_S, what=f"pip install of {source.name}")
        return ()
    if requirements.is_file():
        command = [*pip, "-r", str(requirements)]
        _call(command, timeout_s=_INSTALL_S, what="pip install -r requirements.txt")
    # Compiled beforehand, or the first agents would pay for it.
    _call([executable, "-m", "compileall", "-q", str(source)], timeout_s=_GIT_S, what="compileall")
    return tuple(one for one in (source / "src", source) if one.is_dir())


def _unheard(text: str) -> None:
    """Nobody listens."""
    del text


def build_revision(
    repository: Path,
    rev: str,
    *,
    cache: Path,
    python: str | None = None,
    note: Callable[[str], None] = _unheard,
) -> RevisionEnvironment:
    """
    Return an environment that holds a commit, built now or earlier.

    A project that can be installed is installed, with its dependencies; the
    sources of any other are put on the path as they are.

    Args:
        repository: The user's repository; only its history is read.
        rev: A commit, tag or branch.
        cache: Where environments are kept.
        python: The interpreter to build it with; the running one by default.
        note: Told when it is built, which takes long, and not when it is there already.

    Raises:
        UsageError: There is no such commit.
        EnvironmentUnfitError: It does not build.
    """
    base = python or sys.executable
    commit = commit_of(repository, rev)
    stamp = hashlib.sha256(f"{repository.resolve()}\n{base}".encode()).hexdigest()[:12]
    folder = cache / stamp / commit
    mark = folder / _MARK
    if not mark.is_file():
        note(f"building commit {rev} ({commit[:10]}) into an environment of its own")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # An environment cannot be moved, so it is built in its place and marked at the end.
        (folder / "source").mkdir(parents=True)
        _export(repository, commit, folder / "source")
        paths = _install(folder / "source", folder / "environment", base)
        mark.write_text("\n".join(str(path) for path in paths))
    paths = tuple(Path(line) for line in mark.read_text().splitlines())
    return RevisionEnvironment(commit, folder / "environment" / "bin" / "python", paths)
