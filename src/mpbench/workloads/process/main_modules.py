"""Scripts as `__main__` while processes are started, because children run it again."""

from __future__ import annotations

import os
import runpy
import sys
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mpbench.workloads.process.stamps import stop_fork_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ("main_module",)

_SCRIPTS = os.path.join(os.path.dirname(__file__), "scripts")


@contextmanager
def main_module(kind: str, *arguments: str, method: str) -> Iterator[None]:
    """
    Let a script be `__main__` while the block runs.

    The script is run here as well, so that a forked child inherits its imports.

    Args:
        kind: `neutral` leaves the empty module of the measuring interpreter;
            else the name of a script in `scripts`.
        arguments: The script's command line.
        method: The start method; a fork server is ended before and after,
            because newer ones load `__main__` once and keep it.
    """
    if kind == "neutral":
        yield
        return
    path = os.path.join(_SCRIPTS, f"{kind}.py")
    old, old_arguments = sys.modules["__main__"], sys.argv
    sys.argv = [path, *arguments]
    module = types.ModuleType("__main__")
    module.__file__ = path
    vars(module).update(runpy.run_path(path, run_name="__mp_main__"), __name__="__main__")
    module.__spec__ = None
    sys.modules["__main__"] = module
    if method == "forkserver":
        stop_fork_server()
    try:
        yield
    finally:
        if method == "forkserver":
            stop_fork_server()
        sys.modules["__main__"], sys.argv = old, old_arguments
