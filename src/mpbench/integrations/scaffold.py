"""Files of an asv suite for a project's own functions."""

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
from mpbench.integrations.vendored import VENDOR_FOLDER, vendored_files

__all__ = ("Target", "scaffold", "target_of")

_OURS = "mpbench.integrations.asv"
_BUILDABLE = ("pyproject.toml", "setup.py", "setup.cfg")
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


def _project_folder(folder: Path, root: Path) -> Path:
    """
    Return the nearest folder, up to the repository's, that pip can build.

    Raises:
        UsageError: There is none.
    """
    for place in (folder.resolve(), *folder.resolve().parents):
        if any((place / name).is_file() for name in _BUILDABLE):
            return place
        if place == root:
            break
    raise UsageError(
        f"neither {folder} nor its repository has a pyproject.toml or setup.py, so that asv cannot "
        "build the project; write one, or name the project's folder with -o"
    )


def _project_name(project: Path) -> str:
    """Return the name that pip knows the project by, or its folder's."""
    try:
        name = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return project.name
    return str(name)


def _branch(folder: Path) -> str:
    """Return the branch that is checked out; for a detached HEAD the main one, or any."""
    current = _git(folder, "symbolic-ref", "--short", "HEAD")
    if current is not None:
        return current
    names = (_git(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads") or "").split()
    usual = [name for name in ("main", "master") if name in names]
    return (*usual, *names, "HEAD")[0]


def _configuration(folder: Path) -> str:
    """
    Return asv's configuration for the git repository that holds a folder.

    Raises:
        UsageError: There is none, or no project in it.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        raise UsageError(f"{folder} is in no git repository, and asv measures commits; `git init`")
    root = Path(top).resolve()
    project = _project_folder(folder, root)
    below = project.relative_to(root).as_posix()
    return _template(
        "asv.conf.json",
        project=json.dumps(_project_name(project)),
        repo=json.dumps(Path(os.path.relpath(root, folder.resolve())).as_posix()),
        subfolder="" if below == "." else f'\n  "repo_subdir": {json.dumps(below)},',
        branch=json.dumps(_branch(folder)),
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
            f"\nclass {class_}(_function({json.dumps(text, ensure_ascii=False)})): ...\n"
            for class_, text in classes.items()
        ]
        text = _template("module.py", module=module, classes="\n".join(lines).rstrip("\n"))
        made[f"{name}.py"] = text
    return made


def _suite(folder: Path, targets: tuple[Target, ...]) -> tuple[dict[Path, str], dict[Path, str]]:
    """Return the files that are missing, and those that get lines at their end."""
    wanted: dict[Path, str] = {}
    longer: dict[Path, str] = {}
    configuration = folder / "asv.conf.json"
    benchmarks = folder / "benchmarks"
    if configuration.exists():
        match = _BENCHMARK_DIR.search(configuration.read_text("utf-8"))
        benchmarks = folder / (match[1] if match else "benchmarks")
    else:
        wanted[configuration] = _configuration(folder)
    package = benchmarks / "__init__.py"
    lines = _template("init.py", version=__version__)
    if not package.exists():
        wanted[package] = lines
    elif _OURS not in package.read_text("utf-8"):
        longer[package] = lines.partition("\n")[2]
    wanted |= {benchmarks / name: text for name, text in _modules(targets).items()}
    if not (benchmarks / VENDOR_FOLDER).exists():
        wanted |= {benchmarks / path: text for path, text in vendored_files().items()}
    return wanted, longer


def scaffold(folder: Path, targets: tuple[Target, ...]) -> tuple[Path, ...]:
    """
    Write the suite; nothing is written where anything is in the way.

    A configuration that is there stays: the suite needs nothing of it. An `__init__.py` that
    is there gets lines at its end.

    Args:
        folder: Where `asv.conf.json` is or shall be.
        targets: The functions to measure.

    Returns:
        The files that were written or got lines, and the folder of the copy of mpbench.

    Raises:
        UsageError: The suite cannot be named, or asv could not use the folder.
        OutputError: A file exists, or cannot be written.
    """
    try:
        wanted, longer = _suite(folder, targets)
        for path in wanted:
            if path.exists():
                raise OutputError(f"{path} is there already and stays as it is; name another -o")
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        for path, text in longer.items():
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    copies = {path.parents[path.parts[::-1].index(VENDOR_FOLDER) - 1] for path in wanted
              if VENDOR_FOLDER in path.parts}  # fmt: skip
    return (*longer, *(path for path in wanted if VENDOR_FOLDER not in path.parts), *copies)
