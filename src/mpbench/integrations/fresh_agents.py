"""Measure one case in several fresh agents: what asv and pytest-benchmark have in common."""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from mpbench.errors import WorkloadError
from mpbench.harness.agent_package import hand_over
from mpbench.harness.agents import Agents
from mpbench.harness.launch import Subject
from mpbench.harness.private import private_folder
from mpbench.harness.repetitions import Effort, measure_group
from mpbench.harness.schedule import Group, SetUp
from mpbench.session.machine_lock import exclusive

if TYPE_CHECKING:
    from mpbench.model import Case, Repetition
    from mpbench.workload import Workload

__all__ = ("Amount", "measure", "median_seconds")

_KEY = "here"


def median_seconds(repetition: Repetition) -> float:
    """Return an agent's reading in seconds per operation: the median of its samples."""
    return statistics.median(sample.seconds for sample in repetition.samples)


class Amount(NamedTuple):
    """How much to measure: fresh agents, and samples of a length in each."""

    agents: int
    samples: int = 3
    sample_ns: int = 50_000_000
    window_ms: int = 100
    verify: bool = False


def measure(
    workload: Workload,
    case: Case,
    amount: Amount,
    *,
    paths: tuple[str, ...] = (),
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
        paths: Folders that the agent must be able to import from.
        own_session: False where a time-out kills by process group, as asv's does.
        wait_s: How long to wait for the lock.

    Raises:
        WorkloadError: An agent failed; the text has the case and the reason.
        EnvironmentUnfitError: Another session has measured for all that time.
    """
    # A verification times nothing, and a whole test suite may be at it in parallel.
    lock = nullcontext() if amount.verify else exclusive(wait_s=wait_s)
    with lock, private_folder() as folder:
        place = hand_over(sys.executable, folder / "subject")
        subject = Subject(_KEY, sys.executable, str(place), paths)
        with closing(Agents(folder, own_session=own_session)) as source:
            return _repetitions(workload, case, amount, subject, source)


def _repetitions(
    workload: Workload, case: Case, amount: Amount, subject: Subject, source: Agents
) -> tuple[Repetition, ...]:
    iterations: dict[tuple[str, Case], int] = {}
    kept: list[Repetition] = []
    group = Group(_KEY, workload.name, (SetUp(workload, case.method, (case,)),))
    for number in range(amount.agents):
        measure_group(
            subject,
            group,
            Effort(
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
            raise WorkloadError(f"{case.id}: {latest.status.value}: {latest.reason}")
        iterations[_KEY, case] = latest.iterations
    return tuple(kept)
