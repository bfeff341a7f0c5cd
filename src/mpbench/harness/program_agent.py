"""Whole programs as arms of an episode: the workload's declaration, agents, their launcher."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any, Callable

from mpbench.errors import UnsupportedError, WorkloadError
from mpbench.harness.interpreter import AgentExit
from mpbench.model import Case, Metric, Tier, Timing
from mpbench.workload import Body, NoFloor, fixed, workload

if TYPE_CHECKING:
    from mpbench.harness.arm_agent import Launcher, PreparedArm
    from mpbench.harness.programs import ProgramRun, ProgramRunner, ProgramSpec

__all__ = ("ProgramAgent", "program_agents", "run_checked", "whole_program")


@workload(
    "program/run",
    metric=Metric.WALL_CLOCK,
    floor=NoFloor("what a program does is the user's"),
    by_method=False,
    tier=Tier.FULL,
    timing=Timing.ONCE,
    facts={
        "cpu-time": Metric.TIME,
        "peak-memory": Metric.MEMORY,
        "context-switches": Metric.COUNT,
    },
    program=fixed(""),
)
def whole_program(context: BaseContext, case: Case) -> Iterator[Body]:
    """
    Run a whole program of the user's, from its start to its end.

    Timed: from the system call that starts it to the end of its first process;
    starting the interpreter and importing are part of it. Not timed: what `--prepare`
    does, and looking at the output. `cpu-time` and `context-switches` are sums over
    all of its processes, `peak-memory` is that of its largest process.

    Reads as: what a user waits for.
    """
    del context
    raise UnsupportedError(f"{case.id}: no agent runs whole programs; `mpbench compare` does")
    yield


def run_checked(runner: ProgramRunner, spec: ProgramSpec, digests: dict[str, str]) -> ProgramRun:
    """
    Run a program once and compare its output with that of the arm's earlier runs.

    Args:
        runner: Where it is run.
        spec: The program.
        digests: What each arm wrote, by its name; a new arm is added.

    Raises:
        WorkloadError: It failed, or wrote something else than before.
    """
    ran = runner.run(spec)
    if ran.digest is not None and digests.setdefault(spec.name, ran.digest) != ran.digest:
        raise WorkloadError(
            f"arm {spec.name!r} does not write the same to stdout in each run, so that nobody can "
            f"tell whether the arms do the same; --ignore-output allows it; the end of its stdout: "
            f"{ran.output_tail}"
        )
    return ran


class ProgramAgent:
    """
    Answers an episode's requests by running a program.

    Args:
        runner: Where it is run.
        spec: The program.
        digests: What each arm wrote.
    """

    hash_seed = None

    def __init__(self, runner: ProgramRunner, spec: ProgramSpec, digests: dict[str, str]) -> None:
        self._runner = runner
        self._spec = spec
        self._digests = digests
        self._runs: list[ProgramRun] = []
        self._started = time.perf_counter_ns()
        self.log = runner.folder / f"program-{secrets.token_hex(4)}.log"
        self.ending: AgentExit | None = None

    def ask(self, request: Mapping[str, Any], *, deadline_s: float) -> dict[str, Any]:
        """
        Answer one request; only `measure` does anything.

        Raises:
            WorkloadError: The program failed.
        """
        # A whole program has its own time limit.
        del deadline_s
        if "cpu" in request:
            self._spec = self._spec._replace(cpus=(request["cpu"],))
        count = request["samples"] if request["do"] == "measure" else 0
        ran = [run_checked(self._runner, self._spec, self._digests) for _ in range(count)]
        self._runs += ran
        return {"ok": True, "iterations": 1, "samples": [one.sample() for one in ran]}

    def shared_deadline(self, deadline_s: float) -> AbstractContextManager[None]:
        """Do nothing: each run has a time limit."""
        del deadline_s
        return nullcontext()

    def take_snapshot(self) -> Mapping[str, Any]:
        """Return nothing: no process lives between two runs."""
        return {}

    def request_exit(self) -> None:
        """Do nothing: no process lives between two runs."""

    def stop(self, *, deadline_s: float = 10.0) -> AgentExit:
        """Return what all runs used."""
        del deadline_s
        sums = {
            name: sum(getattr(run, name) for run in self._runs)
            for name in (
                "cpu_user_ns", "cpu_system_ns", "voluntary_switches", "involuntary_switches"
            )
        }  # fmt: skip
        peaks = [run.peak_rss_bytes for run in self._runs if run.peak_rss_bytes is not None]
        report = {
            **sums,
            "wall_ns": time.perf_counter_ns() - self._started,
            "reaped": sum(run.processes for run in self._runs),
            "subreaper": self._runner.is_subreaper,
        }
        self.ending = AgentExit("exited", 0, report, {"peak_rss_bytes": max(peaks, default=0)})
        return self.ending


def program_agents(
    runner: ProgramRunner,
    spec_of: Callable[[PreparedArm], ProgramSpec],
    digests: dict[str, str],
) -> Launcher:
    """
    Return a launcher of agents that run whole programs.

    Args:
        runner: Where they are run.
        spec_of: Returns the program of an arm.
        digests: What each arm wrote so far.
    """

    @contextmanager
    def start(side: PreparedArm) -> Iterator[ProgramAgent]:
        yield ProgramAgent(runner, spec_of(side), digests)

    return start
