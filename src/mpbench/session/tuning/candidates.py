"""Choice of the settings that are worth measuring, from predictions for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpbench.analysis.whatif.prediction import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mpbench.analysis.whatif.prediction import Prediction, WhatIf

__all__ = (
    "LEAST_GAIN",
    "MOST_SETTINGS",
    "Candidate",
    "candidates_of",
    "key_of",
    "overrides_of",
    "present_s",
)

# A setting is worth measuring where its whole interval lies below the present time by so much.
LEAST_GAIN = 0.03
# Single settings that are measured; their combination is one more.
MOST_SETTINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """
    One setting, or a combination of them, that is measured.

    Args:
        settings: What is overridden, as an arm of `mpbench compare` has it.
        words: The same for people.
        predicted_s: The time to be expected; None for a combination, which nobody predicted.
        low_s: Lower end of its 90 % interval.
        high_s: Upper end of it.
        assumptions: What the predictions take for granted.
        places: File and line of the call that each setting changes, empty where not known.
        changes: What kind of change each setting is.
    """

    settings: tuple[str, ...]
    words: str
    predicted_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    assumptions: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """What its arm is called."""
        return ",".join(self.settings)


def key_of(setting: str) -> str:
    """Return what a setting changes: two of one key cannot be combined."""
    return setting.partition("=")[0].removesuffix("!")


def overrides_of(settings: Iterable[str]) -> Mapping[str, str]:
    """Return settings as the overrides of an arm, by key."""
    return {key: value for key, _, value in (setting.partition("=") for setting in settings)}


def _candidate(prediction: Prediction) -> Candidate:
    return Candidate(
        settings=(str(prediction.setting),),
        words=prediction.words,
        predicted_s=prediction.seconds,
        low_s=prediction.low_s,
        high_s=prediction.high_s,
        assumptions=(prediction.assumption,) if prediction.assumption else (),
        places=(prediction.place,),
        changes=(prediction.change,),
    )


def _combination(single: Sequence[Candidate]) -> Candidate:
    return Candidate(
        settings=tuple(setting for one in single for setting in one.settings),
        words=" and ".join(one.words for one in single),
        places=tuple(place for one in single for place in one.places),
        changes=tuple(change for one in single for change in one.changes),
    )


def _gains(prediction: Prediction, present: float) -> bool:
    return (
        prediction.is_provable
        and prediction.seconds is not None
        and prediction.high_s is not None
        and prediction.high_s < present * (1 - LEAST_GAIN)
    )


def present_s(what_if: WhatIf) -> float:
    """Return what the program takes as it is, in the terms of its predictions."""
    return what_if.measured_s if what_if.unchanged_s is None else what_if.unchanged_s


def candidates_of(what_if: WhatIf, *, most: int = MOST_SETTINGS) -> tuple[Candidate, ...]:
    """
    Return the settings to measure, the most promising first, and last their combination.

    Of settings with the same key, such as three numbers of workers, the best one is
    taken: it is the other kinds of change that could add to it.

    Args:
        what_if: The predictions.
        most: How many single settings.
    """
    present = present_s(what_if)
    gaining = [prediction for prediction in what_if.predictions if _gains(prediction, present)]
    best: dict[str, Prediction] = {}
    for one in sorted(gaining, key=lambda one: one.seconds or 0.0):
        best.setdefault(key_of(str(one.setting)), one)
    single = tuple(_candidate(one) for one in list(best.values())[:most])
    return (*single, _combination(single)) if len(single) > 1 else single
