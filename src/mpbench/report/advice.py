"""Advice as a table of the page and as JSON-able records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mpbench.analysis.advise import Advice, Choice, SupportLevel
from mpbench.analysis.scaling import Estimate
from mpbench.report.document import Cell, Column, Table
from mpbench.report.formatting import DASH, TIMES, interval_text, quantity_text, ratio_text

__all__ = ("LEGEND", "advice_record", "advice_table", "choice_text")

# Not measured itself, but from costs that were.
_MODELLED = "computed"
_STANDINGS = (
    f"clear: the interval of {TIMES} is above 1 for every other choice; no difference beyond the "
    "intervals: not for all of them; no interval: too few agents to say"
)
LEGEND = f"{TIMES} is the cost against the best, in brackets stand 95 % intervals"


def _ratio_text(ratio: Estimate) -> str:
    words = ratio_text(ratio.value)
    if ratio.low is None or ratio.high is None:
        return words
    if math.isinf(ratio.high):
        return f"{words} (at least {ratio_text(ratio.low)})"
    return f"{words} ({ratio_text(ratio.low)} {DASH} {ratio_text(ratio.high)})"


def choice_text(choice: Choice) -> str:
    """Write a choice with its cost, and how far that is from the best, with 95 % intervals."""
    cost = choice.cost
    if math.isinf(cost.value):
        return choice.name
    words = f"{choice.name}: {quantity_text(cost.value, choice.unit)}"
    # The best itself is 1 without an interval of its own.
    if choice.ratio is not None and choice.ratio != Estimate(1.0, 1.0, 1.0):
        words += f", {_ratio_text(choice.ratio)}"
    elif cost.low is not None and cost.high is not None and cost.low < cost.high < math.inf:
        words += f" ({interval_text(cost.low, cost.high, choice.unit, digits=3)})"
    return f"{words}, {_MODELLED}" if choice.is_modelled else words


def _costs(advice: Advice) -> str:
    """Write each choice on a line of its own, and below them what else is to be known."""
    lines = ";\n".join(choice_text(choice) for choice in advice.choices)
    return ".\n".join(part for part in (lines, advice.because) if part)


def advice_table(advice: Sequence[Advice], targets: Mapping[str, str], where: str) -> Table | None:
    """
    Return advice as a table: question, answer, what each choice costs, evidence.

    Args:
        advice: What was answered.
        targets: The id in the page of each case, by the case's own id.
        where: The machine and interpreter that it is for.
    """
    rows = []
    for one in advice:
        costs = _costs(one)
        evidence = [case for case in one.cases if case in targets]
        link = (evidence or one.cases or ("",))[0]
        rows.append(
            (
                Cell(one.question, one.question),
                Cell(one.answer, one.answer),
                Cell(costs, costs),
                Cell(str(one.standing.value), str(one.standing.value)),
                Cell(
                    link or one.measure_command,
                    link or one.measure_command,
                    target=targets.get(link, ""),
                ),
            )
        )
    if not rows:
        return None
    columns = (
        Column("question", "Question"),
        Column("use", "Use"),
        Column(
            "costs", "What each choice costs", f"{LEGEND}; what two computed costs share cancels"
        ),
        Column("standing", "How sure", _STANDINGS),
        Column("evidence", "Evidence, or how to get it"),
    )
    caption = (
        f"For {where}, from these results only; {LEGEND}. "
        "`mpbench advise` answers for your own program"
    )
    return Table("advice-table", "What to use here", caption, columns, tuple(rows))


def _number(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _estimate(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    return {
        "value": _number(estimate.value),
        "low": _number(estimate.low),
        "high": _number(estimate.high),
    }


def advice_record(advice: Advice) -> dict[str, Any]:
    """Return advice as JSON has it; what is not reached or not known is null."""
    return {
        "key": advice.key,
        "question": advice.question,
        "answer": None if advice.standing is SupportLevel.NOT_MEASURED else advice.answer,
        "standing": advice.standing.value,
        "because": advice.because,
        "measure_with": advice.measure_command or None,
        "choices": [
            {
                "name": choice.name,
                "unit": choice.unit,
                "cost": _estimate(choice.cost),
                "ratio_to_best": _estimate(choice.ratio),
                "is_modelled": choice.is_modelled,
                "cases": list(choice.cases),
            }
            for choice in advice.choices
        ],
        "cases": list(advice.cases),
    }
