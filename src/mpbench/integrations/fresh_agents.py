"""Measurement of a few cases in fresh agents, for asv and pytest-benchmark."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import WorkloadError
from mpbench.harness.agent_package import install_agent_package
from mpbench.harness.agents import AgentFactory
from mpbench.harness.launch import Interpreter
from mpbench.harness.private import private_folder
from mpbench.harness.repetitions import MeasurementSettings, measure_group
from mpbench.harness.schedule import group_cases, rounds
from mpbench.integrations.user_call import UserCall
from mpbench.plan import Sharing
from mpbench.session.interrupt import terminations
from mpbench.session.machine_lock import machine_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mpbench.model import Case, Repetition
    from mpbench.workload import Workload

__all__ = ("AgentSettings", "Host", "failure_text", "measure", "measure_cases", "median_seconds")

_KEY = "here"

_TRACEBACK = "Traceback (most recent call last)"
# Lines of a traceback that leave room for the rest on a small screen.
_SCREEN = 30


def median_seconds(repetition: Repetition) -> float:
    """Return an agent's reading in seconds per operation: the median of its samples."""
    return statistics.median(sample.seconds for sample in repetition.samples if sample.operations)


class AgentSettings(NamedTuple):
    """How much to measure: fresh agents, and samples of a length in each."""

    agents: int
    samples: int = 3
    sample_ns: int = 50_000_000
    window_ms: int = 100
    verify: bool = False


class Host(NamedTuple):
    """
    What the process that measures needs.

    Args:
        own_session: False where a time-out kills by process group, as asv's does.
        wait_s: How long to wait for the machine's measuring lock.
        package: Where the agent's part is installed already.
    """

    own_session: bool = True
    wait_s: float = 3_600.0
    package: Path | None = None


@contextmanager
def _removed_first(folder: Path) -> Iterator[None]:
    """Remove a folder before the agents are ended, which may take longer than there is time."""
    try:
        yield
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def measure_cases(
    workload: Workload,
    cases: Sequence[Case],
    settings: AgentSettings,
    *,
    call: UserCall | None = None,
    host: Host | None = None,
) -> dict[Case, tuple[Repetition, ...]]:
    """
    Measure cases of a workload in fresh agents of the running interpreter.

    Cases of one start method share agents, as in `mpbench run --tier standard`; a case that
    failed is left out of the following agents. What is timed holds the machine's measuring
    lock, and waits for sessions that have it.

    Args:
        workload: What to measure.
        cases: Its parameters.
        settings: How much.
        call: What a user's function needs in its agents.
        host: What the calling process needs.

    Returns:
        The repetitions of each case; the last one has the status of a failure.

    Raises:
        EnvironmentUnfitError: Another session has measured for all that time.
    """
    # A verification times nothing, and a whole test suite may be at it in parallel.
    host = host or Host()
    lock = nullcontext() if settings.verify else machine_lock(wait_s=host.wait_s)
    # asv sends SIGTERM to the group when its time is out, and SIGKILL one second later.
    ended = nullcontext() if host.own_session else terminations()
    with ended, lock, private_folder() as folder, _removed_first(folder):
        place = host.package or install_agent_package(sys.executable, folder / "subject")
        given = (call or UserCall()).prepared(folder)
        interpreter = Interpreter(
            _KEY, sys.executable, str(place), given.paths, variables=given.variables
        )
        with closing(AgentFactory(folder, own_session=host.own_session)) as agents:
            return _repetitions(workload, cases, settings, interpreter, agents)


def measure(
    workload: Workload,
    case: Case,
    settings: AgentSettings,
    *,
    call: UserCall | None = None,
    host: Host | None = None,
) -> tuple[Repetition, ...]:
    """
    Measure one case, as `measure_cases` does, and return a repetition for each agent.

    Raises:
        WorkloadError: An agent failed; the text has the case, the reason and the traceback.
        EnvironmentUnfitError: Another session has measured for all that time.
    """
    measured = measure_cases(workload, (case,), settings, call=call, host=host)[case]
    if not measured[-1].is_ok:
        raise WorkloadError(failure_text(measured[-1]))
    return measured


def failure_text(repetition: Repetition) -> str:
    """Return the reason of a failure, and the traceback that the agent or its child printed."""
    lines = str(repetition.extra.get("log", "")).splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(_TRACEBACK)]
    text = f"{repetition.case.id}: {repetition.status.value}: {repetition.reason}"
    return "\n".join((text, *lines[starts[0] :][-_SCREEN:])) if starts else text


def _repetitions(
    workload: Workload,
    cases: Sequence[Case],
    settings: AgentSettings,
    interpreter: Interpreter,
    agents: AgentFactory,
) -> dict[Case, tuple[Repetition, ...]]:
    iterations: dict[tuple[str, Case], int] = {}
    measured: dict[Case, list[Repetition]] = {case: [] for case in cases}
    groups = group_cases((_KEY,), {_KEY: cases}, {workload.name: workload}, sharing=Sharing.FAMILY)

    def keep(repetition: Repetition) -> None:
        measured[repetition.case].append(repetition)
        if repetition.is_ok:
            iterations[_KEY, repetition.case] = repetition.iterations

    def is_wanted(case: Case) -> bool:
        return not measured[case] or measured[case][-1].is_ok

    for number, order in rounds(groups, repetitions=settings.agents, seed=0):
        for position, group in enumerate(order):
            is_last = number + 1 == settings.agents and position + 1 == len(order)
            left = group.filtered(is_wanted)
            if left.set_ups:
                measure_group(
                    interpreter,
                    left,
                    MeasurementSettings(
                        number,
                        settings.samples,
                        settings.sample_ns,
                        settings.window_ms,
                        iterations,
                        settings.verify,
                    ),
                    agents=agents,
                    origin_ns=time.perf_counter_ns(),
                    keep=keep,
                    following=None if is_last else interpreter,
                )
    return {case: tuple(repetitions) for case, repetitions in measured.items()}
