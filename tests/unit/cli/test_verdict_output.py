"""Verdicts in terminals of every width."""

from __future__ import annotations

import math

import pytest

from mpbench.analysis.comparison import Comparison
from mpbench.analysis.episode import EpisodeStatistic, MetricRef
from mpbench.analysis.outcome import ComparisonOutcome
from mpbench.analysis.verdict import DecisionRules, judge
from mpbench.cli.verdict_output import show
from mpbench.model import Metric

_TITLE = "queue/round-trip[payload=64]"


def _outcome(ratio: float = 1.05) -> ComparisonOutcome:
    episodes = tuple(
        EpisodeStatistic(
            episode=number,
            log_ratio=math.log(ratio) + 0.001 * (number - 4),
            pairs=10,
            baseline_first=True,
            seconds=1.5,
        )
        for number in range(8)
    )
    one = Comparison(
        pair="1",
        title=_TITLE,
        baseline="fork",
        candidate="forkserver",
        reading=MetricRef(metric=Metric.ROUND_TRIP),
        episodes=episodes,
    )
    return ComparisonOutcome(
        judgements=judge((one,), DecisionRules(), None),
        rules=DecisionRules(),
        control=None,
        control_planned=False,
        seconds={"main": 12.0},
        dropped=0,
        episodes=8,
        interrupted=False,
    )


@pytest.mark.parametrize("width", [40, 59, 80])
def test_a_narrow_terminal_shows_whole_names(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts stand one below another, each with its case, its arms and its ratio."""
    monkeypatch.setenv("COLUMNS", str(width))
    show(_outcome(), "table")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]

    assert f"{_TITLE}, round trip" in lines
    assert "slower, +4.9%" in " ".join(lines)
    assert width >= max(map(len, lines))


def test_the_last_lines_say_what_how_far_and_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, whether to trust it, and where the rest is."""
    monkeypatch.setenv("COLUMNS", "200")
    show(_outcome(), "table", path="out/results.jsonl")
    says, trust, more = capsys.readouterr().out.splitlines()[-3:]

    assert f"Result: {_TITLE}: forkserver against fork is slower, +4.9%." == says
    assert trust.startswith("Trust: Read with care: no control of identical arms")
    assert "More: out/results.jsonl" == more


def test_a_small_difference_has_a_row_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    """It is counted, has its size, and is no change."""
    show(_outcome(1.01), "table")
    text = capsys.readouterr().out

    assert "small difference, +0.9%" in text
    assert "Result: no change was found (small difference)." in text
