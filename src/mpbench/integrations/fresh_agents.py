"""Measurement of a few cases in fresh agents, for asv and pytest-benchmark."""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import WorkloadError
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.private import private_folder
from mpbench.harness.repetitions import MeasurementSettings, measure_group
from mpbench.harness.schedule import CaseGroup, SetUpGroup
from mpbench.integrations.user_call import UserCall
from mpbench.session.machine_lock import machine_lock

if TYPE_CHECKING:
    from mpbench.model import Case, Repetition
    from mpbench.workload import Workload

__all__ = ("AgentSettings", "measure", "median_seconds")

_KEY = "here"

_TRACEBACK = "Traceback (most recent call last)"
# Lines of a traceback that leave room for the rest on a small screen.
_SCREEN = 30


def median_seconds(repetition: Repetition) -> float:
    """Return an agent's reading in seconds per operation: the median of its samples."""
    return statistics.median(sample.seconds for sample in repetition.samples)


class AgentSettings(NamedTuple):
    """How much to measure: fresh agents, and samples of a length in each."""

    agents: int
    samples: int = 3
    sample_ns: int = 50_000_000
    window_ms: int = 100
    verify: bool = False


def measure(
    workload: Workload,
    case: Case,
    amount: AgentSettings,
    *,
    call: UserCall | None = None,
    own_session: bool = True,
    wait_s: float = 3_600.0,
) -> tuple[Repetition, ...]:
    """
    Return one repetition for each fresh agent of the running interpreter.

    What is timed holds the machine's measuring lock, and waits for sessions that have it.

    Args:
        workload: What to measure.
        case: Its parameters.
        amount: How much.
        call: What a user's function needs in its agents.
        own_session: False where a time-out kills by process group, as asv's does.
        wait_s: How long to wait for the lock.

    Raises:
        WorkloadError: An agent failed; the text has the case and the reason.
        EnvironmentUnfitError: Another session has measured for all that time.
    """
    # A verification times nothing, and a whole test suite may be at it in parallel.
    lock = nullcontext() if amount.verify else machine_lock(wait_s=wait_s)
    with lock, private_folder() as folder:
        place = install_agent_package(sys.executable, folder / "subject")
        given = (call or UserCall()).prepared(folder)
        subject = Interpreter(
            _KEY, sys.executable, str(place), given.paths, variables=given.variables
        )
        with closing(AgentFactory(folder, own_session=own_session)) as source:
            return _repetitions(workload, case, amount, subject, source)


def _failure(repetition: Repetition) -> str:
    """Return the reason of a failure, and the traceback that the agent or its child printed."""
    lines = str(repetition.extra.get("log", "")).splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    text = f"{repetition.case.id}: {repetition.status.value}: {repetition.reason}"
    return "\n".join((text, *lines[starts[0] :][-_SCREEN:])) if starts else text


def _repetitions(
    workload: Workload,
    case: Case,
    amount: AgentSettings,
    subject: Interpreter,
    source: AgentFactory,
) -> tuple[Repetition, ...]:
    iterations: dict[tuple[str, Case], int] = {}
    kept: list[Repetition] = []
    group = CaseGroup(_KEY, workload.name, (SetUpGroup(workload, case.method, (case,)),))
    for number in range(amount.agents):
        measure_group(
            subject,
            group,
            MeasurementSettings(
                number,
                amount.samples,
                amount.sample_ns,
                amount.window_ms,
                iterations,
                amount.verify,
            ),
            agents=source,
            origin_ns=time.perf_counter_ns(),
            keep=kept.append,
            following=subject if number + 1 < amount.agents else None,
        )
        latest = kept[-1]
        if not latest.is_ok:
            raise WorkloadError(_failure(latest))
        iterations[_KEY, case] = latest.iterations
    return tuple(kept)
