"""A budget of seconds, divided into repetitions and samples, and what a run takes at least."""

from __future__ import annotations

import time
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from mpbench.model import Timing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mpbench.harness.schedule import CaseGroup
    from mpbench.plan import Plan

__all__ = (
    "REPORT_S",
    "Budget",
    "RoundBudget",
    "RunEstimate",
    "cpu_slowdown",
    "estimate_run",
    "repetitions_text",
)

# More samples in one agent add little: the agent is the unit of analysis.
_MOST_SAMPLES = 5
# Seconds, measured on 2 idle cores: an agent's start and end; what a case takes beside its
# samples; imports, checks and the report around a run. Estimates are printed as "about".
_AGENT_S, _CASE_S, REPORT_S = 0.2, 0.015, 12.0
# What is measured at least, however slow a CPU is.
_LEAST_S = 5.0
# A first sample is calibrated, which takes about as long as two samples.
_CALIBRATION = 2
# The shortest spin that the scheduler interrupts where other programs want the CPU.
_SPIN_S = 0.05


class RunEstimate(NamedTuple):
    """About how many seconds a run takes: each case once, and as often as was asked for."""

    least_s: float
    all_s: float


def estimate_run(plan: Plan, groups: Sequence[CaseGroup]) -> RunEstimate:
    """
    Estimate the measuring time of a plan on an idle machine.

    Args:
        plan: Repetitions, samples and their length.
        groups: What is measured in each round.

    Returns:
        The seconds of one round and of all of them.
    """
    timings = [one.workload.timing for group in groups for one in group.set_ups for _ in one.cases]
    agents = _AGENT_S * len(groups)
    if plan.verify:
        once = agents + len(timings) * _CASE_S
        return RunEstimate(once, once)
    first = agents + sum(_CASE_S + _seconds(plan, timing, 1 + _CALIBRATION) for timing in timings)
    samples = plan.samples + 1
    each = agents + sum(_CASE_S + _seconds(plan, timing, samples) for timing in timings)
    return RunEstimate(first, max(first, each) + each * (plan.repetitions - 1))


def _seconds(plan: Plan, timing: Timing, samples: int) -> float:
    """Return how long a number of samples of one case takes; windows are not calibrated."""
    if timing is Timing.WINDOW:
        return plan.window_ms * 1e-3 * max(1, samples - 1)
    return plan.sample_ns * 1e-9 * samples


def cpu_slowdown(spin_s: float = _SPIN_S) -> float:
    """Return how many seconds one CPU second takes at present; 1 on an idle machine."""
    began, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < spin_s:
        pass
    return max(1.0, (time.perf_counter() - began) / (time.thread_time() - used))


class RoundBudget(NamedTuple):
    """What the next round may do: samples for each case, or nothing more."""

    samples: int
    stop: bool


class Budget:
    """
    Divides a budget over rounds; each round measures every group once.

    The first round takes the fewest samples and shows what a round costs here.
    What is left over for the later ones goes into more samples for each case.
    Nothing is started after the budget is used up.

    Args:
        seconds: The budget; None for no limit.
        rounds: Rounds that were asked for.
        samples: The fewest samples for each case and agent.
        reserve_s: What follows within the same limit on an idle machine (the report);
            it is taken from the budget as many times as a CPU is slower than one.
    """

    def __init__(
        self, seconds: float | None, *, rounds: int, samples: int, reserve_s: float = 0.0
    ) -> None:
        self._seconds = seconds
        self._asked = seconds
        self._reserve = reserve_s
        self._slowdowns: list[float] = []
        self._rounds = rounds
        self._fewest = samples
        self._done = 0
        self._last = 0.0
        self._per_sample = 0.0
        self._samples = samples

    @property
    def seconds(self) -> float | None:
        """The present limit of measuring, in seconds."""
        return self._seconds

    def slow_down(self, slowdown: float) -> None:
        """
        Leave more time for what follows, by the mean of all slowdowns that were seen.

        Some seconds are measured in any case.
        """
        self._slowdowns.append(slowdown)
        if self._asked is not None and self._reserve:
            left = self._asked - self._reserve * (fmean(self._slowdowns) - 1.0)
            self._seconds = max(_LEAST_S, left)

    def is_used_up(self, used_s: float) -> bool:
        """Return whether nothing more may be started."""
        return self._seconds is not None and used_s >= self._seconds

    def measured(self, round_s: float, sampling_s: float, samples: int) -> None:
        """
        Take note of a finished round.

        Args:
            round_s: Wall-clock seconds that it took.
            sampling_s: Seconds of these inside samples.
            samples: Samples for each case in it.
        """
        self._done += 1
        self._last = round_s
        self._samples = samples
        self._per_sample = sampling_s / max(1, samples)

    def next(self, used_s: float) -> RoundBudget:
        """
        Return what the next round may do.

        Args:
            used_s: Seconds since measuring began.
        """
        if self._seconds is None:
            return RoundBudget(self._fewest, stop=False)
        if not self._done:
            return RoundBudget(self._fewest, stop=self.is_used_up(used_s))
        left = self._seconds - used_s
        if left <= 0:
            return RoundBudget(self._fewest, stop=True)
        each = left / max(1, self._rounds - self._done)
        plain = self._last - (self._samples - self._fewest) * self._per_sample
        more = (each - plain) / self._per_sample if self._per_sample > 0 else 0.0
        most = max(_MOST_SAMPLES, self._fewest)
        return RoundBudget(max(self._fewest, min(most, self._fewest + int(more))), stop=False)

    def remaining_s(self, used_s: float, groups_done: int, groups: int) -> float | None:
        """Return about how many seconds remain, or None before anything is known."""
        finished = self._done + (groups_done / groups if groups else 0.0)
        if finished <= 0:
            return self._seconds
        left = used_s / finished * (self._rounds - finished)
        return left if self._seconds is None else min(left, max(0.0, self._seconds - used_s))


def repetitions_text(counts: Iterable[int], planned: int) -> str:
    """
    Return how many repetitions a budget held: `5 to 6 of 8 repetitions`.

    Args:
        counts: Repetitions of each case.
        planned: Repetitions that were asked for.
    """
    made = list(counts)
    low, high = min(made, default=0), max(made, default=0)
    number = f"{low}" if low == high else f"{low} to {high}"
    missing = sum(not count for count in made)
    text = f"{number} of {planned} repetitions"
    return f"{text}; {missing} of {len(made)} cases were not reached" if missing else text
