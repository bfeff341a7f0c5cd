"""Tuning of one program: profile, predict, choose, measure against the program as it is."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from mpbench.analysis.episode import counted
from mpbench.analysis.sequential import first_look
from mpbench.analysis.stats import hodges_lehmann
from mpbench.errors import InvalidSessionError
from mpbench.session.tuning.candidates import candidates_of, present_s
from mpbench.session.tuning.record import Measured, Tuning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mpbench.analysis.outcome import ComparisonOutcome
    from mpbench.analysis.verdict import Judgement
    from mpbench.session.progress import Progress
    from mpbench.session.tuning.call_sites import Edit
    from mpbench.session.tuning.candidates import Candidate
    from mpbench.session.tuning.record import ProfiledProgram, TunePlan, Tuner

__all__ = ("measured_settings", "tune")

# Runs of each arm before the first episode.
_TRIALS = 2
# Readings that are judged: wall-clock time and CPU time.
_READINGS = 2
_LOOKS = 3
_RATE = 0.05
# What a session takes beside its runs: imports, the doctor, the runner, the canaries.
_FIXED_S = 3.0


def _needed_s(present: float, candidates: int) -> float:
    """Return about how long it takes until candidates have their first look."""
    episodes = first_look(candidates * _READINGS, _LOOKS, _RATE)
    runs = _TRIALS * (1 + candidates) + 2 * candidates * episodes
    return _FIXED_S + runs * present


def _affordable(
    chosen: Sequence[Candidate], present: float, left_s: float
) -> tuple[tuple[Candidate, ...], str]:
    """Return the candidates whose first look fits into the budget, and what to say if not all."""
    number = len(chosen)
    while number and _needed_s(present, number) > left_s:
        number -= 1
    if number == len(chosen):
        return tuple(chosen), ""
    needed = _needed_s(present, len(chosen))
    what = f"only {number} of {len(chosen)} settings were" if number else "no setting was"
    return tuple(chosen[:number]), (
        f"{what} measured: {max(0.0, left_s):.0f} s of the budget were left after the profile, and "
        f"measuring all of them takes about {needed:.0f} s (--budget)"
    )


def measured_settings(
    candidates: Sequence[Candidate], outcome: ComparisonOutcome, tuner: Tuner
) -> tuple[Measured, ...]:
    """
    Return each candidate with what was measured of its wall-clock time.

    Args:
        candidates: In the order of the arms after the baseline.
        outcome: The comparison.
        tuner: Knows the program's source.
    """
    by_pair = {
        judgement.comparison.pair: judgement
        for judgement in outcome.judgements
        if judgement.comparison.reading.fact is None
    }
    return tuple(
        _measured(candidate, by_pair.get(str(number)), outcome, tuner.edits(candidate))
        for number, candidate in enumerate(candidates, start=1)
    )


def _measured(
    candidate: Candidate,
    judged: Judgement | None,
    outcome: ComparisonOutcome,
    edits: tuple[Edit, ...],
) -> Measured:
    if judged is None:
        return Measured(candidate=candidate, edits=edits)
    comparison = judged.comparison
    values = outcome.values.get((comparison.pair, None))
    ratios = counted(comparison.episodes)
    return Measured(
        candidate=candidate,
        baseline_s=values.baseline if values else None,
        # The ratio of neighbours says more than the ratio of two medians.
        seconds=values.baseline * _factor(ratios)
        if values and values.baseline and ratios
        else None,
        ratio=judged.ratio,
        verdict=judged.verdict,
        reason=judged.reason,
        episodes=len(ratios),
        edits=edits,
    )


def _factor(ratios: Sequence[float]) -> float:
    return math.exp(hodges_lehmann(ratios))


def tune(plan: TunePlan, tuner: Tuner, progress: Progress) -> Tuning:
    """
    Tune one program; what is known is returned also when the user stops it.

    Args:
        plan: What is tuned.
        tuner: Profiles and compares.
        progress: Who watches.

    Raises:
        InvalidSessionError: The program fails as it is.
    """
    began = time.monotonic()
    profiled: ProfiledProgram | None = None
    results: tuple[Measured, ...] = ()

    def known(*, interrupted: bool = False, note: str = "", control: str | None = None) -> Tuning:
        return Tuning(
            program=plan.text,
            profiled=profiled,
            results=results,
            control=control,
            interrupted=interrupted,
            note=note,
            seconds=time.monotonic() - began,
        )

    try:
        progress.note(f"profiling {plan.text}")
        profiled = tuner.profile()
        chosen = candidates_of(profiled.what_if)
        results = tuple(Measured(candidate=one, edits=tuner.edits(one)) for one in chosen)
        present = present_s(profiled.what_if)
        left_s = plan.budget_s - (time.monotonic() - began)
        fitting, note = _affordable(chosen, present, left_s)
        if not fitting:
            return known(note=note)
        progress.note(f"measuring {', '.join(one.name for one in fitting)}")
        try:
            outcome = tuner.compare(fitting, _budget(fitting, present, left_s))
        except InvalidSessionError as error:
            return known(note=f"nothing could be measured: {error}")
    except KeyboardInterrupt:
        return known(interrupted=True)
    results = (*measured_settings(fitting, outcome, tuner), *results[len(fitting) :])
    control = None if outcome.control is None else outcome.control.text
    return known(interrupted=outcome.interrupted, note=note, control=control)


def _budget(fitting: Sequence[Candidate], present: float, left_s: float) -> float:
    """Return what the episodes may take; the runs before them are not theirs."""
    before = _FIXED_S + _TRIALS * (1 + len(fitting)) * present
    return max(1.0, left_s - before)
