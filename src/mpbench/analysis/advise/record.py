"""Records of advice: question, choices with costs, support."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from mpbench.analysis.advise.error_propagation import DerivedCost, ratio, ratio_of
from mpbench.analysis.measurements import Measurement, pick
from mpbench.analysis.scaling import Estimate

__all__ = (
    "Advice",
    "Choice",
    "JobDescription",
    "SupportLevel",
    "advice_of",
    "computed",
    "first_method",
    "missing",
    "percent",
)


# Answers that can be read in a row.
_FEW = 3


class JobDescription(NamedTuple):
    """
    What the user said about the program; None is unknown.

    `work` is what a task does, in the words of `pool/strong-scaling`: cpu, memory, ...
    """

    task_s: float | None = None
    payload_bytes: float | None = None
    tasks: int | None = None
    parent_rss_bytes: float | None = None
    import_s: float | None = None
    work: str | None = None


class SupportLevel(StrEnum):
    """How well an answer is supported."""

    CLEAR = "clear"
    OPEN = "no difference beyond the intervals"
    MEASURED = "no interval"
    NOT_MEASURED = "not measured"


class Choice(NamedTuple):
    """
    One thing to choose, what it costs, and its cost as a multiple of the best.

    `is_modelled` says that the cost was computed from measured ones and not
    measured itself. `cases` are the ids of the cases behind it. `parts` says what
    it shares with other choices; without it, it shares nothing.
    """

    name: str
    cost: Estimate
    unit: str
    cases: tuple[str, ...]
    is_modelled: bool = False
    ratio: Estimate | None = None
    parts: DerivedCost | None = None


class Advice(NamedTuple):
    """An answer for this machine; `how` is the command that would measure what is missing."""

    key: str
    question: str
    answer: str
    because: str
    standing: SupportLevel
    choices: tuple[Choice, ...] = ()
    measure_command: str = ""

    @property
    def cases(self) -> tuple[str, ...]:
        """The ids of all cases behind the answer, each once."""
        return tuple(dict.fromkeys(case for choice in self.choices for case in choice.cases))


def computed(
    name: str, cost: DerivedCost, cases: tuple[str, ...], *, is_modelled: bool = True
) -> Choice:
    """Return a choice whose cost, in seconds, is computed from measured ones."""
    return Choice(name, cost.estimate, "s", cases, is_modelled, parts=cost)


def first_method(readings: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """Return the readings of fork, or of the first start method there is."""
    methods = {reading.method for reading in readings}
    chosen = next((m for m in ("fork", "forkserver", "spawn") if m in methods), "")
    return pick(readings, fact=None, where=lambda reading: reading.method == chosen)


def percent(share: float) -> str:
    """Write a share for people: 0.9 is 90 %."""
    return f"{100 * share:.3g} %"


def _ratio(choice: Choice, best: Choice) -> Estimate:
    if choice.parts is None or best.parts is None:
        return ratio_of(choice.cost, best.cost)
    return ratio(choice.parts, best.parts)


def _may_be_best(choice: Choice) -> bool:
    """Whether a choice cannot be told from the best; without an interval it cannot."""
    return choice.ratio is None or choice.ratio.low is None or choice.ratio.low <= 1


def _standing(best: Choice, others: Sequence[Choice]) -> SupportLevel:
    """Claim the best only against every other choice: not the second by median is its rival."""
    if not others:  # one choice is compared with nothing
        return SupportLevel.CLEAR if best.cost.low is not None else SupportLevel.MEASURED
    lows = [None if choice.ratio is None else choice.ratio.low for choice in others]
    if any(low is not None and low <= 1 for low in lows):
        return SupportLevel.OPEN
    return SupportLevel.MEASURED if None in lows else SupportLevel.CLEAR


def advice_of(
    key: str, question: str, choices: Sequence[Choice], because: str = "", how: str = ""
) -> Advice:
    """
    Rank choices by their cost and name the best, and those that may be as good.

    Args:
        key: Stable name of the question, for JSON.
        question: What is asked.
        choices: At least one, in any order; their `ratio` is filled in.
        because: What else explains the answer.
        how: The command that measures more about it.
    """
    ordered = sorted(choices, key=lambda choice: choice.cost.value)
    best = ordered[0]
    others = [entry._replace(ratio=_ratio(entry, best)) for entry in ordered[1:]]
    ranked = [best._replace(ratio=Estimate(1.0, 1.0, 1.0)), *others]
    standing = _standing(best, others)
    names = [best.name]
    if standing is SupportLevel.OPEN:
        names += [choice.name for choice in others if _may_be_best(choice)]
    answer = _any_of(names, [one.name for one in ranked])
    return Advice(key, question, answer, because, standing, tuple(ranked), how)


def _any_of(names: Sequence[str], every: Sequence[str]) -> str:
    """Write which choices may be the best; of many, those that are not."""
    if len(names) <= _FEW:
        return " or ".join(names)
    others = [entry for entry in every if entry not in names]
    return f"any but {' and '.join(others)}" if others else "any of them"


def missing(key: str, question: str, what: str, how: str) -> Advice:
    """Return the honest answer where nothing was measured."""
    return Advice(key, question, "not measured", what, SupportLevel.NOT_MEASURED, (), how)
