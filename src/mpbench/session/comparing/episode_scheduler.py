"""Scheduler of episodes: looks, control and confirmation."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from mpbench.analysis.comparison import Phase, comparisons_in
from mpbench.analysis.outcome import control_of
from mpbench.analysis.sequential import CONFIRMATION_EPISODES
from mpbench.analysis.verdict import DecisionRules, Judgement, Verdict, judge
from mpbench.report.verdicts import phrase
from mpbench.session.comparing.pair_runner import ComparisonContext, PairRunner, Slowdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mpbench.analysis.episode import MetricRef
    from mpbench.model import Repetition
    from mpbench.session.comparing.pairs import Pair
    from mpbench.session.progress import Progress

__all__ = ("EpisodeScheduler", "StopConditions")

# With fewer control episodes no p value is below 1 %; more than 20 find little more.
_FEWEST_CONTROLS, _MOST_CONTROLS = 8, 20
# One control episode for so many others.
_PER_CONTROL = 2


class StopConditions(NamedTuple):
    """When a session ends early: at the user's wish, or after so many seconds of measuring."""

    stop: Callable[[], bool]
    seconds: float | None = None


class EpisodeScheduler:
    """
    Runs the contests of a session.

    Args:
        ring: What they share.
        pairs: What is compared.
        rules: Looks and verdicts.
        progress: Who watches.
        limits: When to end early.
        slowdown: What every arm but the baseline is slowed down by, for the selftest.
    """

    def __init__(
        self,
        ring: ComparisonContext,
        pairs: Sequence[Pair],
        rules: DecisionRules,
        *,
        progress: Progress,
        limits: StopConditions,
        slowdown: Slowdown | None = None,
    ) -> None:
        self._ring = ring
        self._rules = rules
        self._progress = progress
        self._limits = limits
        self._began = time.monotonic()
        self._order = random.Random(f"{ring.seed}:order")
        self._measurable = [pair for pair in pairs if pair.refused is None]
        self._plan = [pair.record() for pair in pairs]
        self._contests = [
            PairRunner(pair, Phase.MAIN, ring, slowdown=slowdown) for pair in self._measurable
        ]
        self._controls: list[PairRunner] = []
        self._queue: list[PairRunner] = []
        self._records: list[Repetition] = []
        self._announced: set[tuple[str, MetricRef, Verdict]] = set()
        self._main_episodes = 0
        self._control_episodes = 0

    @property
    def stopped(self) -> bool:
        """Whether the user asked to stop."""
        return self._limits.stop()

    @property
    def over_budget(self) -> bool:
        """Whether the time is used up."""
        limit = self._limits.seconds
        return limit is not None and time.monotonic() - self._began >= limit

    @property
    def first_look_s(self) -> float | None:
        """About how many seconds a first look takes where the budget ended before it, else None."""
        first = self._rules.looks[0]
        behind = [runner for runner in self._contests if not runner.gave_up and runner.kept < first]
        if not self.over_budget or not behind or not self._main_episodes:
            return None
        controls = max(0, _FEWEST_CONTROLS - self._controls_made()) if self._controls else 0
        missing = sum(first - runner.kept for runner in behind) + controls
        return (1 + missing / self._episodes) * (time.monotonic() - self._began)

    @property
    def _episodes(self) -> int:
        return self._main_episodes + self._control_episodes

    def _halted(self) -> bool:
        return self.stopped or self.over_budget

    def run_looks(self, *, control: bool) -> None:
        """
        Measure all pairs, look by look, until each is decided or the last look is done.

        Args:
            control: Whether identical arms are measured in between.
        """
        if control:
            self._controls = [
                PairRunner(pair, Phase.CONTROL, self._ring) for pair in self._measurable
            ]
        active = list(self._contests)
        before = 0
        for number, look in enumerate(self._rules.looks, start=1):
            name = f"look {number} of {len(self._rules.looks)}"
            self._progress.begin(name, len(active) * (look - before))
            self._until(active, look, between=self._perhaps_control)
            self._progress.end()
            # All of them: what the family let pass at an earlier look may be open again.
            judged = self._judged()
            active = self._undecided(judged)
            self._announce(judged)
            before = look
            if not active or self._halted():
                break
        # Where nothing was measured a control controls nothing.
        is_measured = any(runner.kept for runner in self._contests)
        # Noise may cost control episodes as well, but not without end.
        for _ in range(2 * _FEWEST_CONTROLS if control and is_measured else 0):
            if self._halted() or self._controls_made() >= _FEWEST_CONTROLS:
                break
            self._next_control()
        if control and is_measured:
            self._doubt_control()

    def run_confirmation(self) -> None:
        """Measure again, with coins of its own, every pair in which a change was found."""
        found = {
            judgement.comparison.pair for judgement in self._judged() if judgement.verdict.is_change
        }
        again = [
            PairRunner(contest.pair, Phase.CONFIRMATION, self._ring, slowdown=contest.slowdown)
            for contest in self._contests
            if contest.pair.key in found
        ]
        if not again:
            return
        self._progress.begin("confirming", len(again) * CONFIRMATION_EPISODES)
        self._until(again, CONFIRMATION_EPISODES, between=lambda: None)
        self._progress.end()

    def _until(
        self, contests: Sequence[PairRunner], look: int, *, between: Callable[[], None]
    ) -> None:
        """Give every contest episodes, one each in turn and in random order, up to a look."""
        while not self._halted():
            waiting = [runner for runner in contests if self._wants(runner, look)]
            if not waiting:
                return
            self._order.shuffle(waiting)
            for runner in waiting:
                if self._halted():
                    return
                self._progress.step(runner.pair.title, left_s=self._left(waiting, look))
                self._records += runner.episode()
                self._main_episodes += 1
                self._progress.done()
                between()

    def _wants(self, runner: PairRunner, look: int) -> bool:
        # With more than this dropped, not even all episodes of the last look make it valid.
        share = self._rules.most_dropped
        allowed = self._rules.looks[-1] * share / (1.0 - share)
        return not runner.gave_up and runner.kept < look and runner.dropped <= allowed

    def _left(self, waiting: Sequence[PairRunner], look: int) -> float | None:
        """Return about how many seconds remain until this look."""
        if not self._main_episodes:
            return None
        each = (time.monotonic() - self._began) / self._main_episodes
        return each * sum(look - runner.kept for runner in waiting)

    def _is_affordable(self) -> bool:
        """Whether the budget has room for one control before the arms have their first look."""
        limit = self._limits.seconds
        if limit is None:
            return True
        spent = time.monotonic() - self._began
        first = self._rules.looks[0]
        missing = sum(
            first - runner.kept for runner in self._contests if self._wants(runner, first)
        )
        return not missing or spent + (missing + 1) * spent / self._episodes <= limit

    def _judged(self) -> tuple[Judgement, ...]:
        return judge(comparisons_in(self._plan, self._records), self._rules)

    def _undecided(self, judged: Iterable[Judgement]) -> list[PairRunner]:
        """Return the runners of which at least one reading has no decision yet."""
        open_pairs = {
            judgement.comparison.pair for judgement in judged if not judgement.verdict.is_decision
        }
        return [
            runner
            for runner in self._contests
            if runner.pair.key in open_pairs and not runner.gave_up
        ]

    def _announce(self, judged: Sequence[Judgement]) -> None:
        """Say each verdict of a family when it falls; the rest of the family is measured on."""
        for judgement in judged if len(judged) > 1 else ():
            comparison = judgement.comparison
            key = (comparison.pair, comparison.reading, judgement.verdict)
            if judgement.verdict.is_decision and key not in self._announced:
                self._announced.add(key)
                self._progress.note(
                    f"{comparison.title}, {comparison.baseline} -> {comparison.candidate}: "
                    f"{phrase(judgement)} after {judgement.standing.episodes} episodes"
                )

    def _doubt_control(self) -> None:
        """
        Measure a control that failed on few episodes up to the most that there may be.

        One in twenty sessions of widely spread episodes would fail by chance; an
        asymmetry that is real is found by more episodes all the same.
        """
        for _ in range(_MOST_CONTROLS):
            if self._halted() or self._controls_made() >= _MOST_CONTROLS or self._control_passes():
                return
            self._next_control()

    def _control_passes(self) -> bool:
        controls = comparisons_in(self._plan, self._records, part=Phase.CONTROL)
        found = control_of(controls, comparisons_in(self._plan, self._records), self._rules)
        return found is None or found.passed

    def _controls_made(self) -> int:
        return sum(runner.kept for runner in self._controls)

    def _perhaps_control(self) -> None:
        made = self._controls_made()
        due = (made + 1) * _PER_CONTROL <= self._main_episodes
        if due and made < _MOST_CONTROLS and not self._halted() and self._is_affordable():
            self._next_control()

    def _next_control(self) -> None:
        """Run a control episode of the next pair in a random order."""
        if not self._queue:
            self._queue = [runner for runner in self._controls if not runner.gave_up]
            self._order.shuffle(self._queue)
        if not self._queue:
            return
        runner = self._queue.pop()
        self._progress.step(f"control: {runner.pair.title}", left_s=None)
        self._records += runner.episode()
        self._control_episodes += 1
