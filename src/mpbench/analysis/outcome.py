"""Outcome of a session of `mpbench compare`, computed from its result file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mpbench.analysis.arm_values import ArmValues, arm_values
from mpbench.analysis.comparison import Comparison, Phase, comparisons_of, control_episodes
from mpbench.analysis.control import ControlFinding, inspect_control
from mpbench.analysis.verdict import DecisionRules, Judgement, Verdict, confirm, judge
from mpbench.model import Run, Status

__all__ = ("ComparisonOutcome", "control_of", "is_comparison", "outcome_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonOutcome:
    """
    All judgements of a session and how far they can be trusted.

    Args:
        judgements: One for each comparison.
        rules: What was decided before measuring.
        control: What the control of identical arms found; None without one.
        control_planned: Whether there should have been a control.
        seconds: Wall-clock time of the session's measuring, by part.
        dropped: Episodes of all parts that were dropped as too noisy.
        episodes: Episodes of all parts.
        interrupted: Whether the session was cut short.
        values: The readings of both arms by pair and further reading (None for the main one).
    """

    judgements: tuple[Judgement, ...]
    rules: DecisionRules
    control: ControlFinding | None
    control_planned: bool
    seconds: dict[str, float]
    dropped: int
    episodes: int
    interrupted: bool
    values: Mapping[tuple[str, str | None], ArmValues] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def invalid(self) -> bool:
        """Whether the session says nothing at all."""
        return all(judgement.verdict is Verdict.INVALID for judgement in self.judgements)

    def exit_code(self, *, require_decision: bool = False) -> int:
        """
        Return the exit code of the command (DESIGN 10).

        4 when nothing can be believed, 1 when something got slower or could
        not be measured, 3 when a decision was required and is missing, else 0.
        """
        verdicts = [judgement.verdict for judgement in self.judgements]
        if self.invalid:
            return 4
        if Verdict.SLOWER in verdicts or Verdict.INVALID in verdicts:
            return 1
        if require_decision and Verdict.INCONCLUSIVE in verdicts:
            return 3
        return 0


def is_comparison(run: Run) -> bool:
    """Whether a result file was written by `mpbench compare`."""
    return run.header.plan.get("kind") == "compare"


def _seconds(comparisons: tuple[Comparison, ...]) -> float:
    # Readings of one pair come from the same episodes; their time counts once.
    return sum({comparison.pair: comparison.seconds for comparison in comparisons}.values())


def control_of(
    controls: Iterable[Comparison], mains: Iterable[Comparison], rules: DecisionRules
) -> ControlFinding | None:
    """
    Judge the control of a session.

    Args:
        controls: The comparisons of identical arms.
        mains: The comparisons of the same pairs.
        rules: At which level it fails.

    Returns:
        The finding, or None when there are too few episodes.
    """
    episodes = control_episodes(controls, mains)
    return inspect_control(
        episodes.log_ratios,
        spreads=episodes.spreads,
        alpha=rules.control_alpha,
        margin=rules.margin,
    )


def outcome_of(run: Run) -> ComparisonOutcome:
    """
    Judge a stored session.

    Args:
        run: A result file of `mpbench compare`.
    """
    plan = run.header.plan
    rules = DecisionRules.of(plan["rules"])
    parts = {part: comparisons_of(run, part=part) for part in Phase}
    control = control_of(parts[Phase.CONTROL], parts[Phase.MAIN], rules)
    judged = judge(parts[Phase.MAIN], rules, control)
    every = [
        episode
        for comparisons in parts.values()
        for comparison in comparisons
        if comparison.reading.fact is None
        for episode in comparison.episodes
    ]
    return ComparisonOutcome(
        judgements=confirm(judged, parts[Phase.CONFIRMATION], rules)
        if plan.get("confirm")
        else judged,
        rules=rules,
        control=control,
        control_planned=bool(plan.get("control")),
        seconds={part.value: _seconds(parts[part]) for part in Phase},
        dropped=sum(entry.dropped is not None for entry in every),
        episodes=len(every),
        interrupted=run.end is None or run.end.status is Status.INTERRUPTED,
        values=arm_values(run),
    )
