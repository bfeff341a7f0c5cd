"""Figure of the zones of verdicts, drawn from the rules in use: `python docs/verdicts.py`."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib as mpl

from mpbench.analysis.stats import Interval
from mpbench.analysis.verdict import DecisionRules, Verdict, claim
from mpbench.model import Metric

__all__ = ("EXAMPLES", "draw")

PLACE = Path(__file__).with_name("verdicts.svg")

# Low, estimate and high in per cent away from a ratio of 1, for a time.
EXAMPLES = (
    (3.1, 4.2, 5.4),
    (0.7, 2.3, 4.6),
    (-6.5, -5.0, -3.6),
    (0.4, 1.0, 1.6),
    (-1.1, 0.2, 1.5),
    (-0.4, 1.9, 4.2),
    (0.3, 1.3, 2.6),
    (-3.5, 1.0, 5.6),
)

_COLOURS = {
    Verdict.SLOWER: "#b2182b",
    Verdict.FASTER: "#1b7837",
    Verdict.SMALL: "#2166ac",
    Verdict.UNCHANGED: "#444444",
    Verdict.INCONCLUSIVE: "#b8860b",
}


def _verdict(example: tuple[float, float, float]) -> Verdict:
    logs = Interval(*(math.log1p(percent / 100) for percent in example))
    return claim(logs, Metric.TIME, DecisionRules())


def draw(place: Path = PLACE) -> None:
    """Write the figure."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the backend was chosen

    rules = DecisionRules()
    effect, margin = 100 * rules.min_effect, 100 * rules.margin
    with mpl.rc_context({"svg.hashsalt": "mpbench", "svg.fonttype": "none", "font.size": 9}):
        figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
        axes.axvspan(-margin, margin, color="#f2f2f2")
        axes.axvspan(-effect, effect, color="#dfe9f5")
        axes.axvline(0, color="black", linewidth=0.8)
        for row, example in enumerate(EXAMPLES):
            low, estimate, high = example
            verdict = _verdict(example)
            axes.plot([low, high], [-row, -row], color=_COLOURS[verdict], linewidth=2.5)
            axes.plot(estimate, -row, "o", color=_COLOURS[verdict])
            axes.text(7.4, -row, verdict.value, va="center", color=_COLOURS[verdict])
        axes.set_xlim(-7.2, 7.2)
        axes.set_xticks([-margin, -effect, 0, effect, margin])
        axes.set_xticklabels([f"-{margin:g} %", f"-{effect:g} %", "1", f"+{effect:g} %",
                              f"+{margin:g} %"])  # fmt: skip
        axes.set_yticks([])
        axes.set_xlabel("ratio of the candidate to the baseline, with its interval")
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        figure.savefig(place, metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    draw()
