"""Verdicts in terminals of every width."""

from __future__ import annotations

import math

import pytest

from mpbench.analysis.comparison import Comparison
from mpbench.analysis.episode import EpisodeStatistic, MetricRef
from mpbench.analysis.outcome import ComparisonOutcome
from mpbench.analysis.verdict import DecisionRules, Verdict, judge
from mpbench.cli.verdict_output import _STYLES, show
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


@pytest.mark.parametrize("width", [40, 59])
def test_a_narrow_terminal_shows_whole_names(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verdicts stand one below another, each with its case, its arms and its ratio."""
    monkeypatch.setenv("COLUMNS", str(width))
    show(_outcome(), "table")
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]

    assert _TITLE in lines
    assert "slower, +4.9%" in " ".join(lines)
    assert width >= max(map(len, lines))


def test_every_verdict_has_a_style_and_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of a small difference is printed like any other."""
    show(_outcome(1.01), "table")

    assert "small difference" in capsys.readouterr().out
    assert {verdict.value for verdict in Verdict} == set(_STYLES)
