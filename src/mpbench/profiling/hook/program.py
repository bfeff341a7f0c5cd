"""Short name of the program that a process runs."""

from __future__ import annotations

import os
import sys

__all__ = ("program_name",)

_OPTIONS = {"-c": "python -c", "-m": "python -m"}


def program_name() -> str:
    """Return the script's name, that of a package run with -m, or how the text was given."""
    # It need not be there in an embedded interpreter.
    path: str = (getattr(sys, "argv", None) or [""])[0]
    folder, name = os.path.split(path)
    if name == "__main__.py":
        name = os.path.basename(folder)
    return _OPTIONS.get(name, name)
