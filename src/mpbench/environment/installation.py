"""Version of mpbench: commit of its own tree, packages it works with."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import mpbench

__all__ = ("describe_packages", "describe_source")

# What can change a figure or the way it is judged.
_PACKAGES = (
    "asv",
    "billiard",
    "click",
    "distributed",
    "jinja2",
    "joblib",
    "loky",
    "matplotlib",
    "mpire",
    "msgspec",
    "numpy",
    "pandas",
    "psutil",
    "pyarrow",
    "pytest",
    "pytest-benchmark",
    "rich",
    "scipy",
)


def describe_packages() -> dict[str, str]:
    """Return the versions of mpbench, its Python and the packages that it knows."""
    found = {"mpbench": mpbench.__version__, "python": sys.version.split()[0]}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(tree: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(tree), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def describe_source(tree: Path | None = None) -> dict[str, Any] | None:
    """
    Return the commit of mpbench's own source tree, or None where it is installed.

    Args:
        tree: The checkout; None looks two folders above the package, so that a
            user's repository around a virtual environment is never taken for ours.
    """
    place = Path(mpbench.__file__).resolve().parents[2] if tree is None else tree
    if not (place / ".git").exists():
        return None
    commit = _git(place, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(place, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}
