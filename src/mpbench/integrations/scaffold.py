"""Writes an asv suite for a project's own functions; `mpbench init-asv` calls it."""

from __future__ import annotations

import json
import keyword
import os
import re
import subprocess
import tomllib
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from mpbench import __version__
from mpbench.errors import OutputError, UsageError

__all__ = ("Target", "scaffold", "target_of")

_OURS = "mpbench.integrations.asv"
_BENCHMARK_DIR = re.compile(r'^\s*"benchmark_dir"\s*:\s*"([^"]+)"', re.MULTILINE)


class Target(NamedTuple):
    """A function that is to be measured: its module, and its path inside."""

    module: str
    path: str

    @property
    def text(self) -> str:
        """As users write it, `package.module:function`."""
        return f"{self.module}:{self.path}"

    @property
    def class_name(self) -> str:
        """The class in asv: `run_all` is RunAll."""
        return "".join(part[0].upper() + part[1:] for part in re.split(r"[._]+", self.path) if part)


def target_of(text: str) -> Target:
    """
    Read `package.module:function`.

    Raises:
        UsageError: It is nothing of that form.
    """
    module, _, path = text.partition(":")
    names = [*module.split("."), *path.split(".")]
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        raise UsageError(f"{text!r} is no function; expected package.module:function")
    target = Target(module, path)
    if not target.class_name.isidentifier():
        raise UsageError(f"{text!r} gives no name for a class; give the function another name")
    return target


def _template(name: str, **values: str) -> str:
    text = files("mpbench.integrations").joinpath("templates", f"{name}.txt").read_text("utf-8")
    return Template(text).substitute(values)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says about a folder, None where it fails."""
    try:
        done = subprocess.run(
            ("git", "-C", str(folder), *arguments),  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _project_name(root: Path) -> str:
    """Return the name that pip knows the project by, or its folder's."""
    try:
        found = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return root.name
    return str(found)


def _configuration(folder: Path) -> str:
    """
    Return asv's configuration for the git repository that holds a folder.

    Raises:
        UsageError: There is none.
    """
    root = _git(folder, "rev-parse", "--show-toplevel")
    if root is None:
        raise UsageError(f"{folder} is in no git repository, and asv measures commits; `git init`")
    return _template(
        "asv.conf.json",
        project=json.dumps(_project_name(Path(root))),
        repo=json.dumps(Path(os.path.relpath(root, folder.resolve())).as_posix()),
        branch=json.dumps(_git(folder, "symbolic-ref", "--short", "HEAD") or "main"),
        version=__version__,
    )


def _modules(targets: tuple[Target, ...]) -> dict[str, str]:
    """
    Return the suite's modules by file name.

    Raises:
        UsageError: Two functions of a module would have classes of one name.
    """
    grouped: dict[str, dict[str, str]] = {}
    for target in targets:
        classes = grouped.setdefault(target.module, {})
        if classes.setdefault(target.class_name, target.text) != target.text:
            raise UsageError(
                f"{classes[target.class_name]} and {target.text} would both be the class "
                f"{target.class_name}; name them in two suites"
            )
    last = [module.rpartition(".")[2] for module in grouped]
    made = {}
    for module, classes in grouped.items():
        short = module.rpartition(".")[2]
        is_clear = last.count(short) == 1 and not short.startswith("__")
        name = short if is_clear else module.replace(".", "_")
        lines = [
            f"\nclass {one}(_function({json.dumps(text, ensure_ascii=False)})): ...\n"
            for one, text in classes.items()
        ]
        text = _template("module.py", module=module, classes="\n".join(lines).rstrip("\n"))
        made[f"{name}.py"] = text
    return made


def _suite(folder: Path, targets: tuple[Target, ...]) -> dict[Path, str]:
    """Return the files that are missing; what is there is checked and stays."""
    wanted: dict[Path, str] = {}
    configuration = folder / "asv.conf.json"
    benchmarks = folder / "benchmarks"
    if configuration.exists():
        found = _BENCHMARK_DIR.search(configuration.read_text("utf-8"))
        benchmarks = folder / (found[1] if found else "benchmarks")
    else:
        wanted[configuration] = _configuration(folder)
    package = benchmarks / "__init__.py"
    if not package.exists():
        wanted[package] = _template("init.py")
    elif _OURS not in package.read_text("utf-8"):
        raise OutputError(
            f"{package} is there already and stays as it is; add to it "
            f"`from {_OURS} import register as _register` and `_register()`, and try again"
        )
    return wanted | {benchmarks / name: text for name, text in _modules(targets).items()}


def scaffold(folder: Path, targets: tuple[Target, ...]) -> tuple[Path, ...]:
    """
    Write the suite; nothing is written where anything is in the way.

    Args:
        folder: Where `asv.conf.json` is or shall be.
        targets: The functions to measure.

    Returns:
        The files that were written.

    Raises:
        UsageError: The suite cannot be named, or asv could not use the folder.
        OutputError: A file exists, or cannot be written.
    """
    try:
        wanted = _suite(folder, targets)
        for path in wanted:
            if path.exists():
                raise OutputError(f"{path} is there already and stays as it is; name another -o")
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    return tuple(wanted)
