"""Environment, folders and arguments of a user's function in its agents."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

from mpbench.agent.user_function import CALL_VARIABLE, FOLDER_VARIABLE

__all__ = ("KEPT_OUT", "UserCall", "carried_variables", "import_folders", "user_call")

# Every other variable reaches the function. A `*` stands for any ending.
KEPT_OUT = {
    "PYTHONPATH": "agents get the folders of this process's sys.path instead",
    "PYTHONHASHSEED": "it is drawn anew for each agent, so that no result hangs on one",
    "PYTHONFAULTHANDLER": "it is on in every agent, for the stacks of what hangs",
    "PYTHONINSPECT": "an agent that ends must not wait for input",
    "TMPDIR": "each agent has a private folder, where what is left behind is found and removed",
    "TMP": "as TMPDIR",
    "TEMP": "as TMPDIR",
    "COVERAGE_PROCESS_START": "coverage in the children would be measured too",
    "COV_CORE_*": "as COVERAGE_PROCESS_START",
    "PYTEST_*": "they belong to pytest's own process",
    "MPBENCH_*": "they belong to mpbench",
}


class UserCall(NamedTuple):
    """
    What a user's function needs in its agents.

    `paths` are the folders to import from, `variables` the environment, `pickled` a function
    with its arguments, set-up and teardown, None where its name is enough.
    """

    paths: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    pickled: bytes | None = None

    def prepared(self, folder: Path) -> UserCall:
        """Write what is pickled into a private folder, and tell the agents where it is."""
        if self.pickled is None:
            return self
        path = folder / "call.pickle"
        path.write_bytes(self.pickled)
        return self._replace(variables=(*self.variables, (CALL_VARIABLE, str(path))))


def _is_kept_out(name: str) -> bool:
    return any(
        name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        for pattern in KEPT_OUT
    )


def carried_variables() -> tuple[tuple[str, str], ...]:
    """Return the environment of this process without what is kept out of agents."""
    return tuple((name, value) for name, value in os.environ.items() if not _is_kept_out(name))


def import_folders(module_name: str) -> tuple[str, ...]:
    """Return the folders from which this process imports a user's modules."""
    entries = [Path(entry).resolve() for entry in sys.path if entry and Path(entry).is_dir()]
    prefixes = tuple(Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix))
    kept = [
        str(path) for path in entries if not any(path.is_relative_to(prefix) for prefix in prefixes)
    ]
    file = getattr(sys.modules.get(module_name), "__file__", None)
    parents = Path(str(file)).resolve().parents if file else ()
    # Under `--import-mode=importlib` a test's package is not on sys.path.
    depth = module_name.count(".") + (Path(str(file)).name == "__init__.py")
    if depth < len(parents):
        kept.append(str(parents[depth]))
    return tuple(dict.fromkeys(kept))


def user_call(module_name: str, pickled: bytes | None = None) -> UserCall:
    """Return what the functions of a module need: this process's environment and folder."""
    variables = (*carried_variables(), (FOLDER_VARIABLE, str(Path.cwd())))
    return UserCall(import_folders(module_name), variables, pickled)
