"""Say how an agent was lost: its ending in words, with the last of what it printed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from mpbench.errors import CrashError, DeadlineError, WorkloadError

if TYPE_CHECKING:
    from pathlib import Path

    from mpbench.harness.interpreter import AgentExit

__all__ = ("agent_failure", "log_tail")

# Enough for the stacks of some dozen processes.
_LOG_TAIL = 16_000


def log_tail(log: Path) -> str:
    """Return the end of what an agent and its children printed, "" if nothing is to be read."""
    try:
        with log.open("rb") as printed:
            printed.seek(max(0, log.stat().st_size - _LOG_TAIL))
            return printed.read().decode(errors="replace")
    except OSError:
        return ""


def _last_lines(log: Path, count: int = 3) -> str:
    return " | ".join(line.strip() for line in log_tail(log).strip().splitlines()[-count:])


def _for_lack_of_memory(ending: AgentExit) -> str:
    """Say so where the control group counted it; it may be a child, or another program of it."""
    count = ending.report.get("oom_kills")
    if not count:
        return ""
    return f" (out of memory: the kernel ended {count} of its control group's processes)"


def agent_failure(ending: AgentExit, log: Path, deadline_s: float) -> WorkloadError:
    """
    Return the error that says why no reply came.

    Args:
        ending: What the supervisor reported.
        log: The file that has the agent's stdout and stderr.
        deadline_s: The wall-clock seconds that the request had.

    Returns:
        A DeadlineError after a deadline, otherwise a CrashError.
    """
    words = _last_lines(log)
    memory = _for_lack_of_memory(ending)
    said = f"{memory}; the end of its log: {words}" if words else memory
    if ending.cause == "deadline":
        return DeadlineError(
            f"took longer than {deadline_s:g} s; its processes were ended, "
            f"their stacks are in the record{said}"
        )
    if ending.cause == "flood":
        return CrashError("printed more than 32 MiB and was ended")
    if ending.cause == "lost":
        return CrashError(f"its supervisor is gone; its processes were ended{said}")
    code = ending.exit_code
    if code is not None and code < 0:
        return CrashError(f"the agent was ended by {signal.Signals(-code).name}{said}")
    return CrashError(f"the agent ended with exit code {code}, expected a reply{said}")
