"""Readings of several combinations of an asv benchmark, taken in shared agents."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mpbench.errors import WorkloadError
from mpbench.harness.agent_package import install_agent_package
from mpbench.integrations.fresh_agents import (
    AgentSettings,
    Host,
    failure_text,
    measure_cases,
    median_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.model import Case, Repetition
    from mpbench.workload import Workload

__all__ = ("readings", "shared_readings")

# asv makes it where a benchmark has a `setup_cache`. Its folder is then the working directory of
# all processes of one commit and environment, and is removed with it.
_MARK = Path("cache.pickle")
_PACKAGE = Path("mpbench-agent")


def readings(measured: Sequence[Repetition], workload: Workload) -> list[float]:
    """
    Return a reading for each agent: seconds per operation, or the metric's own unit.

    Raises:
        WorkloadError: An agent failed.
    """
    if not measured[-1].is_ok:
        raise WorkloadError(failure_text(measured[-1]))
    if workload.metric.is_timed:
        return [median_seconds(repetition) for repetition in measured]
    return [statistics.median(repetition.values(workload.metric)) for repetition in measured]


def _file_of(case: Case, agents: int) -> Path:
    key = hashlib.sha256(f"{agents} {case.id}".encode()).hexdigest()[:24]
    return Path(f"mpbench-{key}.json")


def shared_readings(
    workload: Workload,
    case: Case,
    cases: Sequence[Case],
    settings: AgentSettings,
    *,
    wait_s: float,
) -> list[float]:
    """
    Return the readings of a case; the first one of its kind measures those of all cases.

    asv runs each combination of parameters in a process of its own, one after the other. The
    first measures all in shared agents, and leaves the others' readings in a file for each.
    Who reads a file removes it, so that the next round measures anew.

    Args:
        workload: What is measured.
        case: The case of this process.
        cases: All cases that share agents with it.
        settings: How much to measure.
        wait_s: How long to wait for the machine's measuring lock.

    Raises:
        WorkloadError: An agent failed.
    """
    is_shared = _MARK.exists()
    file = _file_of(case, settings.agents)
    if is_shared and file.exists():
        content = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        if content["pid"] == os.getppid():
            return _checked(content)
    wanted = cases if is_shared and case in cases else (case,)
    # The agents stay in asv's process group, which its time-out kills.
    measured = measure_cases(
        workload,
        wanted,
        settings,
        host=Host(own_session=False, wait_s=wait_s, package=_package() if is_shared else None),
    )
    for other in wanted:
        if other != case:
            text = json.dumps({"pid": os.getppid(), **_content(measured[other], workload)})
            _file_of(other, settings.agents).write_text(text, encoding="utf-8")
    return readings(measured[case], workload)


def _package() -> Path:
    """Return where the agent's part is installed for all processes of the folder."""
    package = _PACKAGE.resolve()
    return package if package.is_dir() else install_agent_package(sys.executable, package)


def _content(measured: Sequence[Repetition], workload: Workload) -> dict[str, object]:
    try:
        return {"readings": readings(measured, workload)}
    except WorkloadError as error:
        return {"failure": str(error)}


def _checked(content: dict[str, list[float]]) -> list[float]:
    """Return a file's readings, or raise the failure that it holds."""
    if "failure" in content:
        raise WorkloadError(str(content["failure"]))
    return content["readings"]
