"""Interpreter under test, agent environment, agent exit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ("AgentExit", "Interpreter", "scrubbed_environment")

# Variables that an interpreter needs to find itself and to read its locale.
# Everything else of the user's environment would make two runs differ.
_KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")

# The size of an environment shifts a stack by as much, and layout repeats with the page:
# T. Mytkowicz et al., "Producing wrong data without doing anything obviously wrong", 2009.
_PADDINGS = 4_096


class Interpreter(NamedTuple):
    """
    One interpreter that is measured.

    `folder` holds the agent's part, compiled by this interpreter; `paths` are
    further folders for its PYTHONPATH (a user's own code), `later` those that are
    looked at only after what is installed there, `variables` further environment
    variables, `options` what stands between the executable and its first argument.
    """

    key: str
    executable: str
    folder: str
    paths: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()


class AgentExit(NamedTuple):
    """
    What the supervisor reported when the agent's whole tree was gone.

    `cause` is `exited`, `deadline`, `controller`, `killed`, `flood`, or `lost`
    when the supervisor itself disappeared.
    """

    cause: str
    status: int | None
    report: Mapping[str, Any]
    snapshot: Mapping[str, Any]

    @property
    def exit_code(self) -> int | None:
        """The agent's exit code, negative for a signal; None when it is not known."""
        return None if self.status is None else os.waitstatus_to_exitcode(self.status)


def scrubbed_environment(
    subject: Interpreter, *, folder: Path, hash_seed: int, tag: str
) -> dict[str, str]:
    """
    Return the whole environment of an agent: what Python needs, and nothing of the user's.

    Its size, which moves the stack, follows from the hash seed: two labels, two paths
    or two sessions would otherwise differ by a layout of their own.
    """
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join((subject.folder, *subject.paths)),
        "PYTHONHASHSEED": str(hash_seed),
        # Every process prints its stacks when the kill ladder sends SIGABRT.
        "PYTHONFAULTHANDLER": "1",
        "MPBENCH_TAG": tag,
        "MPBENCH_PADDING": "x" * (hash_seed % _PADDINGS),
        **({"MPBENCH_LATER": os.pathsep.join(subject.later)} if subject.later else {}),
        **dict(subject.variables),
    }
