"""Validation tables: false alarms, coverage, power, and the rules of other harnesses."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from mpbench.analysis.comparison import Comparison, comparisons_of
from mpbench.analysis.episode import counted, slice_values
from mpbench.analysis.harness_rules import RULES, Agents, scaled
from mpbench.analysis.outcome import outcome_of
from mpbench.analysis.sequential import interim_result
from mpbench.analysis.stats import clopper_pearson
from mpbench.analysis.verdict import DecisionRules, Judgement, Verdict, verdict_alone
from mpbench.model import Metric, Run

__all__ = (
    "EFFECTS",
    "ValidationTable",
    "by_rules",
    "by_scaling",
    "identical",
    "injected",
    "rate",
)

# The slowdowns that are scaled into recorded samples.
EFFECTS = (0.01, 0.02, 0.03, 0.05, 0.10, 0.20)
_POWER = 0.80


class ValidationTable(NamedTuple):
    """One table of a selftest: its title, its head, its rows, and how to read it."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


def rate(count: int, trials: int) -> str:
    """Return a rate with its exact 95 % interval: `3/300 (1.0 %, 0.2 to 2.9 %)`."""
    if not trials:
        return "-"
    low, high = clopper_pearson(count, trials)
    return f"{count}/{trials} ({100 * count / trials:.1f} %, {100 * low:.1f} to {100 * high:.1f} %)"


def _by_case(runs: Iterable[Run]) -> Mapping[str, list[Judgement]]:
    by_case: dict[str, list[Judgement]] = defaultdict(list)
    for run in runs:
        for judgement in outcome_of(run).judgements:
            by_case[judgement.comparison.title].append(judgement)
    return by_case


def _covers(judged: Iterable[Judgement], truth: float) -> tuple[int, int]:
    """Count intervals that hold the true log ratio, and all intervals."""
    intervals = [
        judgement.standing.interval
        for judgement in judged
        if judgement.standing.interval is not None
    ]
    return sum(interval.low <= truth <= interval.high for interval in intervals), len(intervals)


def _row(name: str, judged: Sequence[Judgement]) -> tuple[str, ...]:
    verdicts = Counter(judgement.verdict for judgement in judged)
    alarms = verdicts[Verdict.SLOWER] + verdicts[Verdict.FASTER]
    seconds = median(judgement.comparison.seconds for judgement in judged)
    return (
        name,
        rate(alarms, len(judged)),
        str(verdicts[Verdict.SMALL]),
        rate(verdicts[Verdict.UNCHANGED], len(judged)),
        str(verdicts[Verdict.INCONCLUSIVE]),
        str(verdicts[Verdict.INVALID]),
        rate(*_covers(judged, 0.0)),
        f"{seconds:.1f}",
    )


def identical(title: str, runs: Sequence[Run]) -> ValidationTable:
    """Return how often identical arms were called different, by case and altogether."""
    cases = _by_case(runs)
    everything = [judgement for judged in cases.values() for judgement in judged]
    rows = [_row(name, judged) for name, judged in sorted(cases.items())]
    if everything:
        rows.append(_row("all", everything))
    controls = [outcome_of(run).control for run in runs]
    failed = sum(control is not None and not control.passed for control in controls)
    return ValidationTable(
        title,
        (
            "case",
            "slower or faster",
            "small difference",
            "unchanged",
            "inconclusive",
            "invalid",
            "covers 1",
            "s",
        ),
        tuple(rows),
        f"{len(runs)} sessions; the control failed in {failed}. The intervals are to cover 1 in "
        "at least 95 %; rates with exact 95 % intervals; s is the median time of a comparison.",
    )


def injected(runs: Sequence[Run]) -> ValidationTable:
    """Return how often a known slowdown inside the operation was found."""
    rows: list[tuple[str, ...]] = []
    share = max((float(run.header.plan.get("inject", 0.0)) for run in runs), default=0.0)
    for name, judged in sorted(_by_case(runs).items()):
        slower = sum(judgement.verdict is Verdict.SLOWER for judgement in judged)
        wrong = sum(judgement.verdict is Verdict.FASTER for judgement in judged)
        ratios = [judgement.ratio.estimate for judgement in judged if judgement.ratio is not None]
        seconds = sorted(judgement.comparison.seconds for judgement in judged)
        middle = f"{median(ratios):.3f}" if ratios else "-"
        rows.append(
            (
                name,
                rate(slower, len(judged)),
                str(wrong),
                middle,
                f"{median(seconds):.1f}",
                f"{seconds[-1]:.1f}",
            )
        )
    return ValidationTable(
        f"A busy wait of {share:.0%} inside the operation",
        ("case", "called slower", "called faster", "median ratio", "median s", "most s"),
        tuple(rows),
        f"{len(runs)} sessions; s is the time of a comparison, launching agents included.",
    )


def _pooled(runs: Iterable[Run]) -> Mapping[str, list[float]]:
    """Return all log ratios of a case, from all sessions."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for comparison in comparisons_of(run):
            if comparison.reading.fact is None:
                ratios[comparison.title] += counted(comparison.episodes)
    return ratios


def _detects(
    ratios: Sequence[float], effect: float, chance: random.Random, rules: DecisionRules
) -> bool:
    """Run one replay: episodes drawn from the recorded ones, with fresh coins."""
    drawn = [
        effect + chance.choice(ratios) * chance.choice((-1, 1)) for _ in range(rules.looks[-1])
    ]
    for place in range(1, len(rules.looks) + 1):
        standing = interim_result(drawn[: rules.looks[place - 1]], rules.looks, alpha=rules.alpha)
        verdict = verdict_alone(standing, Metric.TIME, rules)
        if verdict.is_decision:
            return verdict is Verdict.SLOWER
    return False


def _power(ratios: Sequence[float], effect: float, rules: DecisionRules, trials: int) -> float:
    chance = random.Random(f"power:{effect}")
    hits = sum(_detects(ratios, math.log1p(effect), chance, rules) for _ in range(trials))
    return hits / trials


def _detectable(powers: Sequence[float]) -> str:
    """Return the effect that is found in 80 of 100, by interpolation between the effects tried."""
    before, last = 0.0, 0.0
    for effect, power in zip(EFFECTS, powers, strict=True):
        if power >= _POWER:
            share = (_POWER - last) / (power - last) if power > last else 1.0
            return f"{100 * (before + share * (effect - before)):.1f} %"
        before, last = effect, power
    return f"> {EFFECTS[-1]:.0%}"


def by_scaling(
    runs: Sequence[Run], *, trials: int = 400, rules: DecisionRules | None = None
) -> ValidationTable:
    """
    Return the power by case, from recorded samples of identical arms with one side scaled.

    Scaling the samples of one arm moves each of its log ratios by the same
    amount. A trial draws episodes from all that were recorded of the case.
    """
    given = rules or DecisionRules()
    rows: list[tuple[str, ...]] = []
    for name, ratios in sorted(_pooled(runs).items()):
        if len(ratios) < given.looks[0]:
            continue
        powers = [_power(ratios, effect, given, trials) for effect in EFFECTS]
        cells = [f"{100 * power:.0f} %" for power in powers]
        rows.append((name, str(len(ratios)), *cells, _detectable(powers)))
    return ValidationTable(
        "Scaled replay: how often a slowdown is found",
        ("case", "episodes", *(f"+{effect:.0%}" for effect in EFFECTS), "found in 80 %"),
        tuple(rows),
        f"{trials} trials each, a family of one; episodes are drawn from the recorded ones.",
    )


def _agents(comparison: Comparison, run: Run, role: str) -> list[list[float]]:
    repetitions = [
        repetition
        for repetition in run.repetitions
        if repetition.is_ok
        and repetition.extra.get("pair") == comparison.pair
        and repetition.extra.get("part") == "main"
        and repetition.extra.get("role") == role
    ]
    return [
        list(slice_values(repetition, comparison.reading).values()) for repetition in repetitions
    ]


def _trials(runs: Iterable[Run]) -> list[tuple[Agents, Agents]]:
    """Return the raw samples of every comparison of identical arms."""
    return [
        (_agents(comparison, run, "baseline"), _agents(comparison, run, "candidate"))
        for run in runs
        for comparison in comparisons_of(run)
        if comparison.reading.fact is None and len(comparison.episodes) > 1
    ]


def by_rules(runs: Sequence[Run], *, effect: float = 0.05) -> ValidationTable:
    """Return what other harnesses' rules say of the same raw samples, as they are and scaled."""
    trials = _trials(runs)
    rows: list[tuple[str, ...]] = []
    for name, rule in RULES.items():
        decide: Callable[[Agents, Agents], int] = rule.decide
        alarms = sum(decide(base, new) != 0 for base, new in trials)
        hits = sum(decide(base, scaled(new, 1 + effect)) == 1 for base, new in trials)
        rows.append((name, rule.text, rate(alarms, len(trials)), rate(hits, len(trials))))
    ours = _ours(runs, effect)
    rows.append(("mpbench", "this method", *ours))
    return ValidationTable(
        "The same samples under the rules of other harnesses",
        ("rule of", "rule", "false alarms", f"+{effect:.0%} found"),
        tuple(rows),
        "Samples were taken in turns, which helps every rule; the scaled side is 5 % slower.",
    )


def _ours(runs: Sequence[Run], effect: float) -> tuple[str, str]:
    """Judge each comparison of the same sessions alone, as it is and scaled."""
    rules = DecisionRules()
    ratios = [
        counted(one.episodes)
        for run in runs
        for one in comparisons_of(run)
        if one.reading.fact is None and len(one.episodes) > 1
    ]

    def says(values: Sequence[float]) -> int:
        standing = interim_result(values, rules.looks, alpha=rules.alpha)
        verdict = verdict_alone(standing, Metric.TIME, rules)
        return {Verdict.SLOWER: 1, Verdict.FASTER: -1}.get(verdict, 0)

    alarms = sum(says(ratio) != 0 for ratio in ratios)
    hits = sum(says([value + math.log1p(effect) for value in ratio]) == 1 for ratio in ratios)
    return rate(alarms, len(ratios)), rate(hits, len(ratios))
