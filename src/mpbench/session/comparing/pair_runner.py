"""Runner for the episodes of one pair."""

from __future__ import annotations

import random
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from mpbench.agent.slowdown import wrapper_overhead_ns
from mpbench.analysis.comparison import FAILURES_ALLOWED, Phase
from mpbench.errors import WorkloadError
from mpbench.harness.arm_agent import PreparedArm
from mpbench.harness.episodes import EpisodeContext, run_episode
from mpbench.harness.pair_calibration import PairCalibration, calibrate_pair
from mpbench.harness.placement import Placement
from mpbench.model import Case, EpisodePosition, Repetition, Status
from mpbench.session.agent_samplers import AgentSamplers
from mpbench.workload import spin_loops

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mpbench.harness.arm_agent import Launcher
    from mpbench.harness.episodes import EpisodeResult
    from mpbench.session.comparing.noise_monitor import NoiseMonitor
    from mpbench.session.comparing.pairs import Pair

__all__ = ("AGAIN", "ComparisonContext", "PairRunner", "Slowdown")

# How the name of the control's second arm ends.
AGAIN = " (again)"


class Slowdown(NamedTuple):
    """
    A known slowdown.

    `targets` holds, by workload, a function of the standard library and how
    often it is called in one operation.
    """

    share: float
    targets: Mapping[str, tuple[str, int]]


_ROLES = ("baseline", "candidate")


class ComparisonContext:
    """
    What all contests of a session share.

    Args:
        launcher: Starts an agent.
        guard: Watches the machine.
        keep: Takes each record as soon as it is complete.
        seed: Every coin follows from it.
        watch: Has the samplers of arms that ask for one.
        placement: Whether both arms of a pair run on one CPU.
        min_effect: The smallest relative difference, which the choice of CPUs must not hide.
        calibrate: Says how two arms take their turns; found out with agents without.
        clock: Nanoseconds; a fake in tests.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that the contests share
        self,
        launcher: Launcher,
        guard: NoiseMonitor,
        keep: Callable[[Repetition], None],
        *,
        seed: int,
        watch: AgentSamplers | None = None,
        placement: Placement = Placement.AUTO,
        min_effect: float = 0.02,
        calibrate: Callable[[tuple[PreparedArm, PreparedArm]], PairCalibration] | None = None,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.launcher = launcher
        self.guard = guard
        self.keep = keep
        self.seed = seed
        self.watch = AgentSamplers(lambda *_: True, closely=False) if watch is None else watch
        self.clock = clock
        self.origin_ns = clock()
        self._calibrate = calibrate or (
            lambda sides: calibrate_pair(
                sides, launcher=launcher, placement=placement, min_effect=min_effect
            )
        )
        self._paces: dict[tuple[tuple[str, Case, bool], ...], PairCalibration] = {}
        self._records = 0

    def next_number(self) -> int:
        """Return the number of the next two records."""
        self._records += 2
        return self._records - 2

    def calibration_of(self, sides: tuple[PreparedArm, PreparedArm]) -> PairCalibration:
        """
        Return how two arms take their turns, found out once for all parts of the session.

        Raises:
            WorkloadError: One arm cannot be measured.
        """
        # Arms that differ in their name alone, such as a control's, share it.
        key = tuple((side.subject.key, side.case, side.setup_per_slice) for side in sides)
        if key not in self._paces:
            self._paces[key] = self._calibrate(sides)
        return self._paces[key]

    def elapsed_ns(self) -> int:
        """Return nanoseconds since the session began."""
        return self.clock() - self.origin_ns


def _control_sides(pair: Pair) -> tuple[PreparedArm, PreparedArm]:
    """Return the baseline twice: two arms that cannot differ."""
    baseline = pair.sides[0]
    return baseline, baseline._replace(arm=f"{baseline.arm}{AGAIN}")


class PairRunner:
    """
    The episodes of one pair in one part of the session.

    Args:
        pair: The two arms.
        part: Which part; the control runs the baseline against itself.
        ring: What the contests share.
        slowdown: What the second arm is slowed down by, for the selftest.
    """

    def __init__(
        self, pair: Pair, part: Phase, ring: ComparisonContext, *, slowdown: Slowdown | None = None
    ) -> None:
        self.pair = pair
        self.part = part
        self._ring = ring
        self.slowdown = slowdown
        self._sides = _control_sides(pair) if part is Phase.CONTROL else pair.sides
        self._pace: PairCalibration | None = None
        # Coins depend on nothing but the seed and the place of the episode.
        self._coin = random.Random(f"{ring.seed}:{part.value}:{pair.key}")
        self._episodes = 0
        self._failures = 0
        self.is_unmeasurable = False
        self.kept = 0
        self.dropped = 0

    @property
    def gave_up(self) -> bool:
        """Whether it failed too often to go on."""
        return self.is_unmeasurable or self._failures > FAILURES_ALLOWED

    def episode(self) -> tuple[Repetition, ...]:
        """Run one episode and return its records; a failed one has the failed arms' only."""
        ring = self._ring
        started = ring.clock()
        ring.guard.before()
        number = ring.next_number()
        repetitions: tuple[Repetition, ...]
        try:
            result = self._run(number)
        except WorkloadError as error:
            repetitions = (self._failed(error, number, started),)
        else:
            facts = ring.guard.after()
            spent = ring.clock() - started
            if result.cpu is not None:
                facts["cpu"] = result.cpu
            repetitions = self._complete(result, self._extra(spent, facts))
        self._episodes += 1
        self._count(repetitions)
        for repetition in repetitions:
            ring.keep(repetition)
        return repetitions

    def _run(self, number: int) -> EpisodeResult:
        if self._pace is None:
            self._pace = self._ring.calibration_of(self._sides)
            if self.slowdown is not None:
                self._sides = self._burdened(self._pace, self.slowdown)
        return run_episode(
            self._sides,
            self._pace,
            coin=self._coin,
            episode_context=EpisodeContext(self._episodes, number, self._ring.origin_ns),
            launcher=self._ring.launcher,
        )

    def _burdened(
        self, pace: PairCalibration, slowdown: Slowdown
    ) -> tuple[PreparedArm, PreparedArm]:
        """
        Slow the second arm down by a known share of the first one's time.

        One whole episode finds out what an operation takes: a single reading
        could be off by more than what is injected.
        """
        result = run_episode(
            self._sides,
            pace,
            coin=self._coin,
            episode_context=EpisodeContext(0, 0, self._ring.origin_ns),
            launcher=self._ring.launcher,
        )
        each = [
            sample.elapsed_ns / sample.operations
            for repetition in result.repetitions
            for sample in repetition.samples
        ]
        baseline, candidate = self._sides
        if not each or candidate.workload.name not in slowdown.targets:
            raise WorkloadError(f"{candidate.workload.name}: no slowdown can be injected")
        target, calls = slowdown.targets[candidate.workload.name]
        # What the wrapper costs is a part of what is injected.
        wanted = slowdown.share * median(each) / calls - wrapper_overhead_ns()
        return baseline, candidate._replace(slowdown=(target, spin_loops(round(wanted))))

    def _extra(self, spent_ns: int, facts: dict[str, Any]) -> dict[str, Any]:
        return {
            "pair": self.pair.key,
            "part": self.part.value,
            "episode_ns": spent_ns,
            "inject": 0.0 if self.slowdown is None else self.slowdown.share,
            **facts,
        }

    def _complete(self, result: EpisodeResult, extra: dict[str, Any]) -> tuple[Repetition, ...]:
        by_arm = {side.arm: index for index, side in enumerate(self._sides)}
        complete: list[Repetition] = []
        for repetition in result.repetitions:
            assert repetition.slice is not None
            index = by_arm[repetition.slice.arm]
            whole = self._ring.watch.add_usage(
                repetition, result.endings[index], origin_ns=self._ring.origin_ns
            )
            complete.append(whole._replace(extra={**extra, "role": _ROLES[index]}))
        self._ring.watch.clear()
        return tuple(complete)

    def _failed(self, error: WorkloadError, number: int, started: int) -> Repetition:
        """Return the record of a pair that could not be calibrated, under the arm at fault."""
        arms = [side.arm for side in self._sides]
        index = arms.index(error.arm) if error.arm in arms else 0
        side, of = self._sides[index], f" of {error.arm}" if error.arm else ""
        return Repetition(
            subject=side.subject.key,
            case=side.case,
            number=number,
            status=Status(error.status),
            reason=f"calibration{of}: {error.reason}",
            iterations=0,
            samples=(),
            started_ns=started - self._ring.origin_ns,
            elapsed_ns=self._ring.clock() - started,
            hash_seed=None,
            agent=0,
            slice=EpisodePosition(side.arm, self._episodes, launched_first=True, turns=()),
            extra={**self._extra(self._ring.clock() - started, {}), "role": _ROLES[index]},
        )

    def _count(self, repetitions: tuple[Repetition, ...]) -> None:
        if any(not repetition.is_ok for repetition in repetitions):
            self._failures += 1
            self.is_unmeasurable = self.is_unmeasurable or any(
                repetition.status in {Status.UNSUPPORTED, Status.SKIPPED}
                for repetition in repetitions
            )
        elif repetitions[0].extra.get("dropped") is None:
            self.kept += 1
        else:
            self.dropped += 1
